"""A backup is taken under load, things go on, and the bot goes on from the backup."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fakes.clock import until
from fakes.gmi.script import SILENCE
from fakes.process import Wire, open_wire
from tests.process.crash import SPEED

SEEDS = range(1, 31)


async def settled(wire: Wire) -> None:
    """Wait until every job of the database has ended, and nobody waits for an answer."""
    await until(
        lambda: all(row.settled for row in wire.jobs()) and not wire.pending_replies(),
        lambda: f"the end of {[row for row in wire.jobs() if not row.settled]}\n{wire.process.log}",
        90,
    )


@pytest.mark.long
async def test_after_a_restore_nothing_is_paid_twice_and_nobody_waits(tmp_path: Path) -> None:
    async with open_wire(tmp_path, speed=SPEED) as wire:
        backup = tmp_path / "backup.db"
        # The first eight POSTs arrive and are not answered: the others wait for a place.
        wire.cloud.fault("POST", "/requests", SILENCE.repeated(8))
        asking = [asyncio.create_task(wire.ask(seed)) for seed in SEEDS]
        await until(lambda: len(wire.jobs()) >= len(SEEDS) // 2, "half of the jobs", 30)
        code, text = await wire.process.command("backup", str(backup))
        assert code == 0, text
        code, text = await wire.process.command("restore", str(backup))
        assert (code, "The bot is running on this database" in text) == (1, True)
        await asyncio.gather(*asking)
        # All are sent meanwhile: also those that the backup has as waiting.
        await settled(wire)
        paid = {seed: wire.submissions(seed) for seed in SEEDS}
        assert set(paid.values()) == {1}

        await wire.process.stop()
        code, text = await wire.process.command("restore", str(backup))
        assert (code, "may have been sent since the backup" in text) == (0, True), text
        restored = {row.seed: row.state for row in wire.jobs()}
        assert "submitting" in restored.values()
        await wire.start()
        await settled(wire)

        assert {seed: wire.submissions(seed) for seed in SEEDS} == paid
        assert {wire.state(seed) for seed in restored} == {"delivered"}
        videos = wire.discord.posted_videos()
        assert all(videos[f"vidu-{seed}.mp4"] for seed in SEEDS)
        code, text = await wire.process.command("verify")
        assert (code, "The database is fine." in text) == (0, True), text


@pytest.mark.long
async def test_a_job_that_was_never_sent_is_not_sent_after_a_restore(tmp_path: Path) -> None:
    async with open_wire(tmp_path, speed=SPEED) as wire:
        wire.cloud.fault("POST", "/requests", SILENCE.repeated(8))
        slashes = [await wire.ask(seed) for seed in range(1, 11)]
        await until(lambda: wire.cloud.paid == 8 and len(wire.jobs()) == 10, "ten jobs, eight on their way")
        await wire.process.kill()
        paid = {seed: wire.submissions(seed) for seed in range(1, 11)}
        never_sent = [seed for seed, times in paid.items() if not times]
        assert never_sent
        backup = str(tmp_path / "backup.db")
        for command in ("backup", "restore"):
            code, text = await wire.process.command(command, backup)
            assert code == 0, text

        await wire.start()
        await settled(wire)

        assert {seed: wire.submissions(seed) for seed in paid} == paid
        for seed, slash in zip(paid, slashes, strict=True):
            assert wire.state(seed) == ("unconfirmed" if seed in never_sent else "delivered")
            assert ("couldn't confirm" in slash.text) == (seed in never_sent)
        assert {row.charge for row in wire.jobs() if row.seed in never_sent} == {"refunded"}
