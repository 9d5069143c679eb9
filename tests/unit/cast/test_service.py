"""What is shared, what moderators ended, and who hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cast.service import CastService, NotShared
from bot.models.cast import PEOPLE_MAX, CastLimits, PictureInfo, SavedPicture, SavedReference, Share, Sharing
from bot.models.problems import FileFormat
from bot.storage.cast import NotKept
from bot.storage.storage import Storage, TimeLimits
from tests.unit.storage.samples import GUILD, START, FixedClock

ME, FRIEND, MODERATOR, ELSEWHERE = 1, 2, 3, 20
PICTURE = SavedPicture(PictureInfo(1, FileFormat.PNG, 10, 40, 30, "ab"), b"0123456789")


class Stage:
    def __init__(self, storage: Storage) -> None:
        self.notes: list[tuple[int, str]] = []
        self.removed: list[int] = []
        self.storage = storage
        self.service = CastService(
            storage.cast,
            storage.cast_shares,
            FixedClock(),
            CastLimits(2, 25),
            lambda guild_id, text: self.notes.append((guild_id, text)),
        )
        self.service.on_removed = self.hear

    async def hear(self, reference_id: int) -> None:
        self.removed.append(reference_id)

    async def saved(self, number: int = 1, name: str = "mia") -> SavedReference:
        saved = await self.service.save(number, ME, name, [PICTURE])
        assert isinstance(saved, SavedReference)
        return saved

    async def shared(
        self, level: Sharing, target: int, guild_id: int | None = GUILD, *, moderates: bool = False
    ) -> SavedReference | NotShared:
        return await self.service.share(1, level, target, guild_id, moderates=moderates)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    storage = await Storage.open(f"sqlite+aiosqlite:///{tmp_path / 'vidu.db'}", TimeLimits(interactive=20))
    yield Stage(storage)
    await storage.close()


async def test_obstacles_are_known_before_pictures_are_read(stage: Stage) -> None:
    assert await stage.service.obstacle(ME, "mia") is None
    await stage.saved()
    assert await stage.service.obstacle(ME, "MIA") is NotKept.NAME_TAKEN
    assert await stage.service.save(9, ME, "big", [PICTURE, PICTURE]) is NotKept.TOO_LARGE
    await stage.saved(2, "fox")
    assert await stage.service.obstacle(ME, "boat") is NotKept.TOO_MANY
    assert await stage.service.obstacle(FRIEND, "boat") is None


async def test_a_share_is_noted_with_who_agreed_and_when(stage: Stage) -> None:
    await stage.saved()
    shared = await stage.shared(Sharing.SERVER, GUILD)
    assert isinstance(shared, SavedReference)
    assert shared.shares == (Share(Sharing.SERVER, GUILD, GUILD, ME, START),)
    await stage.shared(Sharing.PEOPLE, FRIEND, None)  # in direct messages there is no log
    assert stage.notes == [(GUILD, "🤝 <@1> shared the reference **mia** with this server")]
    assert await stage.service.share(9, Sharing.SERVER, GUILD, GUILD, moderates=False) is NotShared.GONE


async def test_only_moderators_share_again_what_moderators_ended(stage: Stage) -> None:
    reference = await stage.saved()
    for by_id, expected in ((ME, SavedReference), (MODERATOR, NotShared)):
        shared = await stage.shared(Sharing.SERVER, GUILD)
        assert isinstance(shared, SavedReference)
        await stage.service.unshare(reference, shared.shares, by_id)
        again = await stage.shared(Sharing.SERVER, GUILD)
        assert isinstance(again, expected)
    assert isinstance(await stage.shared(Sharing.SERVER, ELSEWHERE, ELSEWHERE), SavedReference)
    assert isinstance(await stage.shared(Sharing.SERVER, GUILD, moderates=True), SavedReference)
    assert stage.removed == [1, 1]
    assert (GUILD, "🚷 <@3> stopped sharing <@1>'s reference **mia** with this server") in stage.notes


async def test_so_many_people_can_be_chosen(stage: Stage) -> None:
    await stage.saved()
    for person in range(100, 100 + PEOPLE_MAX):
        assert isinstance(await stage.shared(Sharing.PEOPLE, person), SavedReference)
    assert await stage.shared(Sharing.PEOPLE, FRIEND) is NotShared.TOO_MANY_PEOPLE
    assert isinstance(await stage.shared(Sharing.PEOPLE, 100), SavedReference)  # agreed again


async def test_everything_that_ends_a_use_is_heard_of_after_storage_has_it(stage: Stage) -> None:
    reference = await stage.saved()
    await stage.shared(Sharing.PEOPLE, FRIEND)
    found = await stage.storage.cast.get(1)
    assert found is not None
    await stage.service.unshare(found, [], ME)
    assert stage.removed == []
    await stage.service.delete(found)
    assert stage.notes[-1] == (GUILD, "🚷 <@1> stopped sharing <@1>'s reference **mia** with <@2>")
    await stage.saved()
    await stage.shared(Sharing.SERVER, GUILD)
    await stage.service.forget_server(GUILD)
    await stage.service.forget_member(ME)
    assert stage.removed == [1, 1, 1]
    assert await stage.storage.cast.get(reference.id) is None


async def test_an_owners_own_use_is_not_told(stage: Stage) -> None:
    reference = await stage.saved()
    await stage.service.note_use(reference, ME)
    await stage.service.note_use(reference, FRIEND)
    assert [use.user_id for use in (await stage.storage.cast_shares.uses([1]))[1]] == [FRIEND]
