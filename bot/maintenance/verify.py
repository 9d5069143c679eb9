"""`python -m bot verify [FILE]`: whether the bot could go on with a database."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.clock import SystemClock
from bot.maintenance.address import database_url, file_of
from bot.maintenance.problems import CommandFailed
from bot.models.quotas import Period, Rule
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import rebuild
from bot.storage import sqlite_file
from bot.storage.checks import RowCounts, count_rows, unknown_values
from bot.storage.storage import Storage, StorageFault, StorageUnavailable, StorageUnusable, TimeLimits

PATIENT = TimeLimits(
    interactive=600.0, background=600.0, startup=600.0
)  # seconds; nobody waits for an answer
EVERYTHING = Rule(None, None, Period.MONTH)  # counts as far back as any rule can


@dataclass(frozen=True, slots=True)
class Checked:
    """What a database holds, and what is wrong with it."""

    counts: RowCounts | None
    problems: list[str]


async def verify(file: Path | None) -> str:
    """Check a backup, or the bot's own database; return what to tell the operator.

    A file is checked in a copy: neither it nor a running bot is touched. Raises CommandFailed with everything
    that is wrong.
    """
    url = database_url() if file is None else ""
    source = file or file_of(url)
    if source is None:
        found = await check_rows(url, SystemClock().now(), upgrade=False)
    else:
        found = await _check_copy(source)
    if found.problems:
        raise CommandFailed("\n".join(["The database has problems:", *found.problems]))
    assert found.counts is not None
    return f"{describe(found.counts)}\nThe database is fine."


async def _check_copy(source: Path) -> Checked:
    folder = source.parent if source.parent.is_dir() else None
    try:
        # Beside the file: the system's folder for such things may be small, or in memory.
        with tempfile.TemporaryDirectory(prefix=".verify-", dir=folder) as beside:
            copy = Path(beside) / "copy.db"
            sqlite_file.copy(source, copy)
            return await check_file(copy, source)
    except sqlite_file.NotUsable as error:
        return Checked(None, [str(error)])
    except OSError as error:
        raise CommandFailed(f"{source} could not be copied to be checked: {error.strerror}.") from None


async def check_file(copy: Path, source: Path) -> Checked:
    """Check a copy, and bring its tables up to date; problems name the file that it was made of."""
    damage = sqlite_file.damage(copy)
    if damage:
        return Checked(None, [f"{source} is damaged: {line}" for line in damage])
    problem = sqlite_file.revision_problem(copy)
    if problem is not None:
        return Checked(None, [problem.replace(str(copy), str(source))])
    return await check_rows(f"sqlite+aiosqlite:///{copy}", SystemClock().now())


async def check_rows(url: str, now: datetime, *, upgrade: bool = True) -> Checked:
    """Read what a start would read: states, open jobs, quotas."""
    try:
        storage = await Storage.open(url, PATIENT, upgrade=upgrade)
    except StorageUnusable as error:
        return Checked(None, [str(error)])
    try:
        return await _check(storage, now)
    except (StorageUnavailable, StorageFault) as error:
        return Checked(None, [f"The tables could not be read ({error})."])
    finally:
        await storage.close()


async def _check(storage: Storage, now: datetime) -> Checked:
    counts = await count_rows(storage.database)
    problems = await unknown_values(storage.database)
    unreadable = counts.unfinished - len(await storage.jobs.unfinished())
    if unreadable:
        problems.append(f"{unreadable:,} of {counts.unfinished:,} unfinished jobs can't be read")
    if (lost := counts.replies - len(await storage.replies.all())) > 0:
        problems.append(f"{lost:,} of {counts.replies:,} pending replies can't be read")
    if (lost := counts.rules - len(await storage.quotas.rules())) > 0:
        problems.append(f"{lost:,} of {counts.rules:,} quota rules can't be read")
    try:
        await rebuild(QuotaLimiter(EVERYTHING, 1), storage, now)
    except ValueError as error:
        problems.append(f"The quotas could not be counted ({error})")
    return Checked(counts, problems)


def describe(counts: RowCounts) -> str:
    """Return what a database holds, in a line."""
    return (
        f"Jobs: {counts.jobs:,}, of these unfinished: {counts.unfinished:,}. "
        f"Pending replies: {counts.replies:,}. Drafts: {counts.drafts:,}. Quota rules: {counts.rules:,}."
    )
