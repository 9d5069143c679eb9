"""Pending replies: a burst shares its commits, and what was given up does not stay."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.models.jobs import CardLocation, PendingReply
from bot.models.languages import Language
from bot.storage.storage import Storage, StorageFault, StorageUnavailable
from tests.unit.storage.faults import full_disk
from tests.unit.storage.samples import GUILD, START


def reply(number: int) -> PendingReply:
    return PendingReply(number, 1, CardLocation(3, GUILD))


async def kept(storage: Storage) -> list[int]:
    return [pending.id for pending in await storage.replies.all()]


async def test_a_pending_reply_comes_back_as_it_was_written(storage: Storage) -> None:
    location = CardLocation(
        3, GUILD, 4, "fake-token", START + timedelta(minutes=15), private=True, language=Language.GERMAN
    )
    in_a_dm = PendingReply(2, 5, CardLocation(3, None))
    pending = PendingReply(1, 1, location)
    await storage.replies.add(in_a_dm)
    await storage.replies.add(pending)
    assert await storage.replies.all() == [pending, in_a_dm]


async def test_a_second_reply_of_the_same_id_replaces_the_first(storage: Storage) -> None:
    known = replace(reply(7), location=CardLocation(3, GUILD, message_id=9))
    await storage.replies.add(reply(7))
    await storage.replies.add(known)
    assert await storage.replies.all() == [known]


async def test_a_removed_reply_is_gone(storage: Storage) -> None:
    for number in (1, 2):
        await storage.replies.add(reply(number))
    await storage.replies.remove(1)
    await storage.replies.remove(3)
    assert await kept(storage) == [2]


async def test_replies_of_one_moment_share_a_commit_and_come_in_order(storage: Storage) -> None:
    commits = 0

    def committed(_: sa.Connection) -> None:
        nonlocal commits
        commits += 1

    replies = [reply(number) for number in range(200)]
    known = replace(reply(7), location=CardLocation(3, GUILD, message_id=9))
    sa.event.listen(sa.Engine, "commit", committed)
    await asyncio.gather(
        *(storage.replies.add(pending) for pending in (*replies, known)), storage.replies.remove(8)
    )
    sa.event.remove(sa.Engine, "commit", committed)
    assert commits <= 2
    del replies[8]
    assert await storage.replies.all() == [known if pending.id == 7 else pending for pending in replies]


async def test_more_than_one_batch_is_kept_whole(storage: Storage) -> None:
    await asyncio.gather(*(storage.replies.add(reply(number)) for number in range(1001)))
    assert await kept(storage) == list(range(1001))


async def test_a_reply_that_cannot_be_written_says_so_to_all_who_wait(storage: Storage) -> None:
    with full_disk():
        outcomes = await asyncio.gather(
            *(storage.replies.add(reply(number)) for number in range(3)), return_exceptions=True
        )
    assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 3
    assert await kept(storage) == []
    await storage.replies.add(reply(9))
    assert await kept(storage) == [9]


async def test_a_reply_that_failed_once_can_be_added_again(storage: Storage) -> None:
    with full_disk(), pytest.raises(StorageUnavailable):
        await storage.replies.add(reply(1))
    await storage.replies.add(reply(1))
    await storage.replies.add(reply(2))
    assert await kept(storage) == [1, 2]


async def test_a_removal_that_failed_is_made_up_for_with_the_next_change(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    await storage.replies.add(reply(1))
    with full_disk():
        await storage.replies.remove(1)
    assert await kept(storage) == [1]
    assert "A pending reply is not removed yet (OSError)" in caplog.text
    await storage.replies.add(reply(2))
    assert await kept(storage) == [2]


async def test_a_removal_that_failed_is_made_up_for_at_the_end(url: str) -> None:
    first = await Storage.open(url)
    await first.replies.add(reply(1))
    with full_disk():
        await first.replies.remove(1)
    await first.close()
    second = await Storage.open(url)
    assert await kept(second) == []
    await second.close()


async def test_an_end_without_a_disk_is_an_end_all_the_same(url: str) -> None:
    storage = await Storage.open(url)
    await storage.replies.add(reply(1))
    with full_disk():
        await storage.replies.remove(1)
        await storage.close()


async def test_a_fault_of_the_database_reaches_who_adds_and_not_who_removes(storage: Storage) -> None:
    await storage.replies.add(reply(1))
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE placeholders RENAME TO elsewhere")
    with pytest.raises(StorageFault):
        await storage.replies.add(reply(2))
    await storage.replies.remove(1)
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO placeholders")
    await storage.replies.add(reply(3))
    assert await kept(storage) == [3]


async def test_an_odd_token_is_stored_and_a_senseless_row_left_out(storage: Storage) -> None:
    odd = PendingReply(1, 1, CardLocation(3, GUILD, token="a\x00b\ud800"))
    await storage.replies.add(odd)
    await storage.replies.add(reply(2))
    assert (await storage.replies.all())[0].location.token == "a\ufffdb\ufffd"
    async with storage.database.transaction() as connection:
        # So many microseconds are later than any date that Python knows.
        await connection.exec_driver_sql(
            "UPDATE placeholders SET token_expires = 4611686018427387904 WHERE id = 1"
        )
    assert await kept(storage) == [2]
