"""What the database counts: how long it took, and what failed."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.storage.errors import StorageConflict
from bot.storage.schema import notes
from bot.storage.storage import Storage, StorageFault, StorageUnavailable, TimeLimits
from bot.telemetry.metrics import Metrics
from tests.unit.storage.faults import another_writer, full_disk

LIMITS = TimeLimits(interactive=0.3, new_job=1, background=1, close=0.1)


class Noted(Metrics):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.used: list[str] = []
        self.failed: list[str] = []

    def storage_used(self, operation: str, seconds: float) -> None:
        assert seconds >= 0
        self.used.append(operation)

    def storage_failed(self, failure: str) -> None:
        self.failed.append(failure)


async def test_transactions_and_their_failures_are_counted(tmp_path: Path) -> None:
    file, metrics = tmp_path / "vidu.db", Noted()
    storage = await Storage.open(f"sqlite+aiosqlite:///{file}", LIMITS, metrics)
    note = notes.insert().values(name="a name", value="a value")
    await storage.database.write(1, note)
    assert await storage.notes.get("a name") == "a value"
    assert (metrics.used, metrics.failed) == (["write", "read"], [])

    with pytest.raises(StorageConflict):  # an answer, no failure
        await storage.database.write(1, note)
    with pytest.raises(StorageFault):
        await storage.database.write(1, sa.text("SELECT nothing FROM nowhere"))
    with another_writer(file), pytest.raises(StorageUnavailable):
        await storage.notes.save("another", "value")
    with full_disk(), pytest.raises(StorageUnavailable):
        await storage.notes.save("another", "value")

    assert metrics.used == ["write", "read", "write", "write", "write", "write"]
    assert metrics.failed == ["fault", "unavailable", "unavailable"]
    await storage.close()


async def test_a_database_says_whether_it_answers(storage: Storage) -> None:
    assert await storage.answers()


async def test_a_database_that_has_vanished_does_not_answer(tmp_path: Path) -> None:
    storage = await Storage.open(f"sqlite+aiosqlite:///{tmp_path / 'vidu.db'}", LIMITS)

    def refuse(_: sa.Connection) -> None:
        raise OSError("the disk is gone")

    sa.event.listen(sa.Engine, "begin", refuse)
    try:
        assert not await storage.answers()
    finally:
        sa.event.remove(sa.Engine, "begin", refuse)
    assert await storage.answers()
    await storage.close()
