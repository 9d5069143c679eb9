"""Saved references in both kinds of database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.models.cast import (
    CastLimits,
    OthersUse,
    PictureInfo,
    SavedPicture,
    SavedReference,
    Share,
    Sharing,
    in_order,
    usable_by,
)
from bot.models.problems import FileFormat
from bot.storage.cast import NotKept
from bot.storage.storage import Storage
from tests.unit.storage.samples import GUILD, START

ME, FRIEND, STRANGER, ELSEWHERE = 1, 2, 3, 20
LIMITS = CastLimits(references=3, size=100)
MINUTE = timedelta(minutes=1)


def picture(position: int = 1, size: int = 4) -> SavedPicture:
    info = PictureInfo(position, FileFormat.JPEG, size, 40, 30, "ab" * 32)
    return SavedPicture(info, b"\x00" * size, b"small")


def share(level: Sharing, target_id: int) -> Share:
    return Share(level, target_id, GUILD, ME, START)


async def add(storage: Storage, number: int, name: str, owner_id: int = ME, *sizes: int) -> NotKept | None:
    pictures = [picture(position, size) for position, size in enumerate(sizes or (4,), start=1)]
    return await storage.cast.add(SavedReference(number, owner_id, name, START), pictures, LIMITS)


async def test_a_reference_comes_back_as_it_was_saved_and_lists_hold_no_bytes(storage: Storage) -> None:
    assert await add(storage, 1, "Mia", ME, 4, 6) is None
    found = await storage.cast.find(ME, None, "mIA")
    assert found is not None
    assert (found.name, found.owner_id, found.created_at, found.size) == ("Mia", ME, START, 10)
    assert [info.position for info in found.pictures] == [1, 2]
    assert await storage.cast.pictures(1) == [picture(1, 4), picture(2, 6)]
    assert await storage.cast.previews([1, 9]) == {1: b"small"}
    assert await storage.cast.get(1) == found
    assert await storage.cast.of_owner(ME) == [found]
    assert await storage.cast.get(9) is None
    assert await storage.cast.kept_by(ME) == (1, 10)
    assert await storage.cast.kept_by(FRIEND) == (0, 0)


async def test_names_are_unique_per_member_and_limits_hold(storage: Storage) -> None:
    assert await add(storage, 1, "mia", ME, 60) is None
    assert await add(storage, 2, "MIA") is NotKept.NAME_TAKEN
    assert await add(storage, 3, "mia", FRIEND) is None
    assert await add(storage, 4, "fox", ME, 20, 21) is NotKept.TOO_LARGE
    assert await add(storage, 4, "fox", ME, 20, 20) is None
    assert await add(storage, 5, "boat", ME, 0) is None
    assert await add(storage, 6, "cat", ME, 0) is NotKept.TOO_MANY
    assert not await storage.cast.rename(4, "Mia")
    assert await storage.cast.rename(4, "Vixen")
    assert await storage.cast.rename(4, "VIXEN")  # only its case
    assert [one.name for one in await storage.cast.of_owner(ME)] == ["boat", "mia", "VIXEN"]


async def test_what_is_found_is_what_the_rule_allows(storage: Storage) -> None:
    await add(storage, 1, "zebra")
    await add(storage, 2, "private", FRIEND)
    await add(storage, 3, "for-me", FRIEND)
    await add(storage, 4, "mia", FRIEND)
    await add(storage, 5, "mia", STRANGER)
    shares = storage.cast_shares
    await shares.save(3, share(Sharing.PEOPLE, ME))
    await shares.save(4, share(Sharing.SERVER, GUILD))
    await shares.save(5, share(Sharing.SERVER, GUILD))
    everything = [await storage.cast.get(number) for number in range(1, 6)]
    for user_id in (ME, FRIEND, STRANGER):
        for guild_id in (GUILD, ELSEWHERE, None):
            allowed = [one for one in everything if one and usable_by(one, user_id, guild_id)]
            found = await storage.cast.usable(user_id, guild_id)
            assert found == in_order(allowed, user_id, guild_id)
    assert [one.id for one in await storage.cast.usable(ME, GUILD)] == [1, 3, 4, 5]
    assert [one.id for one in await storage.cast.usable(ME, GUILD, starting="M")] == [4, 5]
    assert await storage.cast.usable(ME, GUILD, starting="%") == []
    assert [one.id for one in await storage.cast.shared_in(GUILD)] == [3, 4, 5]
    found_mia = await storage.cast.find(STRANGER, GUILD, "mia")
    assert found_mia is not None
    assert found_mia.id == 5  # one's own comes first
    assert await storage.cast.find(ME, None, "mia") is None


async def test_a_removed_share_lets_nobody_in_and_is_remembered(storage: Storage) -> None:
    await add(storage, 1, "mia", FRIEND)
    given = share(Sharing.SERVER, GUILD)
    await storage.cast_shares.save(1, given)
    await storage.cast_shares.save(1, share(Sharing.PEOPLE, ME))
    await storage.cast_shares.remove(1, [given], STRANGER, START + MINUTE)
    assert await storage.cast.usable(STRANGER, GUILD) == []
    assert [one.id for one in await storage.cast.usable(ME, GUILD)] == [1]
    assert replace(given, removed_by=STRANGER, removed_at=START + MINUTE) in await storage.cast_shares.all(1)
    await storage.cast_shares.save(1, given)  # agreed anew
    assert [one.id for one in await storage.cast.usable(STRANGER, GUILD)] == [1]


async def test_uses_by_others_are_counted(storage: Storage) -> None:
    await add(storage, 1, "mia")
    await storage.cast_shares.note_use(1, FRIEND, START)
    await storage.cast_shares.note_use(1, FRIEND, START + 2 * MINUTE)
    await storage.cast_shares.note_use(1, STRANGER, START + MINUTE)
    assert await storage.cast_shares.uses([1, 9]) == {
        1: [OthersUse(1, FRIEND, 2, START + 2 * MINUTE), OthersUse(1, STRANGER, 1, START + MINUTE)]
    }


async def test_what_a_member_has_erased_is_gone_and_what_is_others_stays(storage: Storage) -> None:
    await add(storage, 1, "mia")
    await add(storage, 2, "mia", FRIEND)
    for reference_id, target in ((1, FRIEND), (2, ME), (2, STRANGER)):
        await storage.cast_shares.save(reference_id, share(Sharing.PEOPLE, target))
        await storage.cast_shares.note_use(reference_id, target, START)
    assert (await storage.members.count(ME)).references == 1
    await storage.cast_shares.erase_member(ME)
    assert await storage.cast.get(1) is None
    assert await storage.cast.pictures(1) == []
    assert [one.target_id for one in await storage.cast_shares.all(2)] == [STRANGER]
    assert await storage.cast_shares.all(1) == []
    assert {key: len(uses) for key, uses in (await storage.cast_shares.uses([1, 2])).items()} == {2: 1}


async def test_what_is_shared_with_a_server_goes_with_it(storage: Storage) -> None:
    await add(storage, 1, "mia")
    await storage.cast_shares.save(1, share(Sharing.SERVER, GUILD))
    await storage.cast_shares.save(1, share(Sharing.PEOPLE, FRIEND))
    assert await storage.servers.known() == {GUILD}
    assert await storage.cast_shares.erase_server(ELSEWHERE) == []
    assert await storage.cast_shares.erase_server(GUILD) == [1]
    assert [(one.target_id, one.guild_id) for one in await storage.cast_shares.all(1)] == [(FRIEND, None)]
    assert await storage.servers.known() == set()


async def test_nothing_of_a_deleted_reference_is_left(storage: Storage) -> None:
    await add(storage, 1, "mia")
    await storage.cast_shares.save(1, share(Sharing.SERVER, GUILD))
    await storage.cast_shares.note_use(1, FRIEND, START)
    await storage.cast.delete(1)
    assert await storage.cast.usable(ME, GUILD) == []
    assert await storage.cast.pictures(1) == []
    assert await storage.cast_shares.all(1) == []
    assert await storage.cast_shares.uses([1]) == {}
    assert await add(storage, 2, "mia") is None
