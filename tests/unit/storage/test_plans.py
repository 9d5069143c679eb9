"""What is asked of a long history is answered from indexes: SQLite says how it would look."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.models.budgets import Budget, BudgetScope
from bot.models.quotas import Rule
from bot.storage.storage import Storage
from tests.unit.storage.samples import GUILD, START, new_job

Ask = Callable[[Storage], Awaitable[object]]
DAY = timedelta(days=1)
LIMIT = Rule(5, 50)


async def all_ended(storage: Storage) -> None:
    async for _ in storage.quotas.ended_jobs(START - DAY):
        pass


async def ended_of_servers(storage: Storage) -> None:
    async for _ in storage.quotas.ended_jobs(START - DAY, START, [GUILD, GUILD + 1]):
        pass


async def insert(storage: Storage) -> None:
    budgets = [
        Budget(BudgetScope.OWN, LIMIT, GUILD),
        Budget(BudgetScope.SERVER, LIMIT, GUILD),
        Budget(BudgetScope.DIRECT, LIMIT),
        Budget(BudgetScope.BOT, LIMIT),
    ]
    assert await storage.jobs.add(replace(new_job(99), user_id=5), budgets)


# What is asked, and whether that reads the rows themselves.
ASKED: dict[str, tuple[Ask, bool]] = {
    "unfinished jobs": (lambda storage: storage.jobs.unfinished(), True),
    "a page of videos": (lambda storage: storage.jobs.of_user(1, limit=5, offset=5), True),
    "how many videos": (lambda storage: storage.jobs.count_of_user(1), False),
    "an earlier job": (lambda storage: storage.jobs.has_earlier(1, 5), False),
    "open jobs": (lambda storage: storage.quotas.open_jobs(), True),
    "ended jobs": (all_ended, False),
    "ended jobs of servers": (ended_of_servers, False),
    "attempts": (lambda storage: storage.quotas.attempts(START - DAY), True),
    "top users": (lambda storage: storage.quotas.usage(GUILD, START - DAY), False),
    "an insert within budgets": (insert, False),
}


@contextmanager
def heard() -> Iterator[list[tuple[str, Any]]]:
    """Note every statement, with its values."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        found.append((statement, values))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("asked", ASKED)
async def test_no_question_reads_all_jobs(asked: str, tmp_path: Path) -> None:
    ask, reads_rows = ASKED[asked]
    path = tmp_path / "vidu.db"
    storage = await Storage.open(f"sqlite+aiosqlite:///{path}")
    await storage.jobs.add(new_job(1))
    with heard() as statements:
        await ask(storage)
    await storage.close()

    questions = [heard for heard in statements if heard[0].startswith("SELECT")]
    assert questions
    with closing(sqlite3.connect(path)) as connection:
        for statement, values in questions:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            looks = [step for step in plan if "jobs" in step and step.startswith(("SCAN", "SEARCH"))]
            assert looks
            for look in looks:
                # The last two are indexes of what is unfinished only.
                few = ("jobs_unacknowledged", "jobs_to_refetch")
                assert look.startswith("SEARCH") or any(name in look for name in few), plan
                assert reads_rows or "COVERING INDEX" in look, plan
