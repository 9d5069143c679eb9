"""What moderators decide: in storage first, then in memory, and the same in both."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.models.moderation import ENTRIES_MAX, EntryKind, FilterEntry, FilterHit
from bot.moderation.service import ModerationService, TooManyEntries
from bot.storage.storage import Storage, StorageUnavailable
from tests.unit.storage.faults import full_disk
from tests.unit.storage.samples import GUILD, FixedClock

MEMBER, MODERATOR = 7, 9
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


async def after_a_restart(storage: Storage, clock: FixedClock) -> ModerationService:
    service = ModerationService(storage.moderation, storage.servers, clock)
    await service.load()
    return service


async def test_a_block_is_the_same_after_a_restart(storage: Storage, clock: FixedClock) -> None:
    service = await after_a_restart(storage, clock)
    before, block = await service.block(GUILD, MEMBER, MODERATOR, reason="Spam", length=DAY)
    assert before is None
    assert (block.until, block.reason, block.by_id) == (clock.now() + DAY, "Spam", MODERATOR)
    again = await after_a_restart(storage, clock)
    assert again.block_of(GUILD, MEMBER) == block
    assert again.blocks(GUILD) == [block]
    assert again.block_of(GUILD + 1, MEMBER) is None
    assert again.blocks(GUILD + 1) == []


async def test_a_block_ends_at_its_moment(storage: Storage, clock: FixedClock) -> None:
    service = await after_a_restart(storage, clock)
    _, block = await service.block(GUILD, MEMBER, MODERATOR, length=DAY)
    clock.moment += DAY - timedelta(microseconds=1)
    assert service.block_of(GUILD, MEMBER) == block
    clock.moment += timedelta(microseconds=1)
    assert service.block_of(GUILD, MEMBER) is None
    assert service.blocks(GUILD) == []
    assert await service.unblock(GUILD, MEMBER) is None
    assert (await after_a_restart(storage, clock)).blocks(GUILD) == []


async def test_a_new_block_takes_the_place_of_the_old_one(storage: Storage, clock: FixedClock) -> None:
    service = await after_a_restart(storage, clock)
    _, first = await service.block(GUILD, MEMBER, MODERATOR, length=DAY)
    before, second = await service.block(GUILD, MEMBER, MODERATOR)
    assert before == first
    assert second.until is None
    assert (await after_a_restart(storage, clock)).blocks(GUILD) == [second]
    assert await service.unblock(GUILD, MEMBER) == second
    assert (await after_a_restart(storage, clock)).blocks(GUILD) == []


async def test_what_cannot_be_saved_changes_nothing(storage: Storage, clock: FixedClock) -> None:
    service = await after_a_restart(storage, clock)
    with full_disk(), pytest.raises(StorageUnavailable):
        await service.block(GUILD, MEMBER, MODERATOR)
    assert service.block_of(GUILD, MEMBER) is None
    _, block = await service.block(GUILD, MEMBER, MODERATOR)
    with full_disk(), pytest.raises(StorageUnavailable):
        await service.unblock(GUILD, MEMBER)
    assert service.block_of(GUILD, MEMBER) == block


async def test_entries_are_the_same_after_a_restart(storage: Storage, clock: FixedClock) -> None:
    service = await after_a_restart(storage, clock)
    word, pattern = FilterEntry("fox"), FilterEntry("l.nx", EntryKind.PATTERN)
    assert await service.add_entry(GUILD, FilterEntry("FOX "), MODERATOR) == (word, True)
    clock.moment += DAY
    assert await service.add_entry(GUILD, pattern, MODERATOR) == (pattern, True)
    assert await service.add_entry(GUILD, word, MODERATOR) == (word, False)
    again = await after_a_restart(storage, clock)
    assert list(again.entries(GUILD)) == [word, pattern]
    assert again.filter_hit(GUILD, "a lynx") == FilterHit([pattern])
    assert again.filter_hit(GUILD + 1, "a lynx") is None
    assert again.filter_hit(None, "a lynx") is None
    assert await again.remove_entry(GUILD, "owl") == []
    assert await again.remove_entry(GUILD, "l.\u200bnx") == [pattern]
    assert list((await after_a_restart(storage, clock)).entries(GUILD)) == [word]


async def test_a_filter_has_a_limit(storage: Storage, clock: FixedClock) -> None:
    service = await after_a_restart(storage, clock)
    for number in range(ENTRIES_MAX):
        await service.add_entry(GUILD, FilterEntry(f"word {number}"), MODERATOR)
    with pytest.raises(TooManyEntries):
        await service.add_entry(GUILD, FilterEntry("one more"), MODERATOR)
    await service.add_entry(GUILD + 1, FilterEntry("one more"), MODERATOR)


async def test_an_entry_that_cannot_be_saved_refuses_nothing(storage: Storage, clock: FixedClock) -> None:
    service = await after_a_restart(storage, clock)
    with full_disk(), pytest.raises(StorageUnavailable):
        await service.add_entry(GUILD, FilterEntry("fox"), MODERATOR)
    assert service.filter_hit(GUILD, "a fox") is None
