"""What the option `cast` offers: each reference once, told apart where several have the same name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cast.links import CastLinks
from bot.cast.service import CastService
from bot.intake.cast_choice import CHOICE_LENGTH, CastChoice, Offer, typed_again
from bot.models.cast import CastLimits, PictureInfo, SavedPicture, SavedReference, Share, Sharing
from bot.models.drafts import Draft
from bot.models.problems import FileFormat
from bot.models.requests import CastUse
from bot.storage.storage import Storage, TimeLimits
from tests.unit.storage.samples import GUILD, START, FixedClock

ME, FRIEND, OTHER = 1, 2, 3
PICTURE = SavedPicture(PictureInfo(1, FileFormat.PNG, 4, 9, 9, "ab"), b"\x89PNG")


class NoLinks(CastLinks):
    """Nothing is uploaded here."""

    def __init__(self) -> None:
        pass


class Stage:
    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        limits = CastLimits(20)
        service = CastService(storage.cast, storage.cast_shares, FixedClock(), limits, lambda *_: None)
        self.choice = CastChoice(service, storage.cast, NoLinks())

    async def save(self, number: int, name: str, owner_id: int = ME, level: Sharing | None = None) -> None:
        reference = SavedReference(number, owner_id, name, START, (PICTURE.info,))
        assert await self.storage.cast.add(reference, [PICTURE], CastLimits(20)) is None
        if level is not None:
            target = GUILD if level is Sharing.SERVER else ME
            await self.storage.cast_shares.save(number, Share(level, target, GUILD, owner_id, START))

    async def chosen(self, text: str) -> list[int]:
        cast = await self.choice.of(Draft(9, ME, "they meet", cast=text), GUILD)
        assert not cast.problems
        return [reference.id for reference in cast.references]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    storage = await Storage.open(f"sqlite+aiosqlite:///{tmp_path / 'vidu.db'}", TimeLimits(interactive=20))
    yield Stage(storage)
    await storage.close()


async def test_each_can_be_chosen_by_what_is_shown_and_by_what_is_sent(stage: Stage) -> None:
    await stage.save(11, "mia")
    await stage.save(12, "Mia", FRIEND, Sharing.SERVER)
    await stage.save(13, "mia", OTHER, Sharing.SERVER)
    await stage.save(14, "boat", OTHER, Sharing.PEOPLE)
    offers = await stage.choice.offered(ME, GUILD, "")
    assert offers == [
        Offer("mia", "mia"),
        Offer("boat", "boat"),
        Offer("Mia (shared with this server)", "#12:Mia"),
        Offer("mia (shared with this server)", "#13:mia"),
    ]
    assert await stage.choice.offered(ME, GUILD, "\uff20MI") == [offers[0], *offers[2:]]
    for way in ("label", "value"):
        assert [await stage.chosen(getattr(offer, way)) for offer in offers] == [[11], [14], [12], [13]]
    together = await stage.choice.offered(ME, GUILD, "Mia (shared with this server)、 mia, ")
    assert [offer.value for offer in together] == [
        "#12:Mia, mia, boat",
        "#12:Mia, mia, #13:mia",
    ]
    assert await stage.chosen(together[1].value) == await stage.chosen(together[1].label) == [12, 11, 13]


async def test_nothing_longer_than_discord_takes_is_offered(stage: Stage) -> None:
    for number in range(10):
        await stage.save(number + 20, f"{number}-" + "x" * 22)
    typed = ""
    for chosen in range(1, 5):
        offers = await stage.choice.offered(ME, GUILD, typed)
        assert all(max(len(offer.label), len(offer.value)) <= CHOICE_LENGTH for offer in offers)
        assert len(offers) == (11 - chosen if chosen < 4 else 0)
        typed = f"{offers[0].label}, " if offers else typed


async def test_what_somebody_can_use_of_a_job_is_counted_as_it_is_now(stage: Stage) -> None:
    await stage.save(11, "mia")
    await stage.save(12, "boat", FRIEND)
    uses = [CastUse(11, "mia", ()), CastUse(12, "boat", ()), CastUse(99, "gone", ())]
    assert await stage.choice.images_of(uses, ME, GUILD) == [(uses[0], 1)]
    assert typed_again(uses[:2]) == "#11:mia,#12:boat"
