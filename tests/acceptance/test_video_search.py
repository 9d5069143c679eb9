"""`/videos` with a search, page by page, and the pictures beside the videos."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from simcord import InteractionResult

from bot.delivery.sender import Delivery
from bot.delivery.thumbnails import PATIENCE
from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World, components
from tests.acceptance.member import ask, card_text, press, press_at_once, until

READY = "✅ Your video is ready"
THUMBNAIL = 11  # the type of a component [Discord]


async def listed(world: World, search: str | None = None) -> InteractionResult:
    options = {} if search is None else {"search": search}
    shown: InteractionResult = await world.member.slash(world.channel, "videos", **options)
    return shown


async def make(world: World, *prompts: str, **options: Any) -> InteractionResult:
    for prompt in prompts:
        asked = await ask(world, prompt=prompt, duration=1, **options)
        await until(world, asked, READY)
    return asked


def titles(shown: InteractionResult) -> list[str]:
    return re.findall(r"^\*\*(?!\w+:)(.+)\*\*$", card_text(shown), re.MULTILINE)


def pictures(shown: InteractionResult) -> list[str]:
    return [part["media"]["url"] for part in components(shown.response) if part["type"] == THUMBNAIL]


def attached(world: World, asked: InteractionResult, name: str) -> str:
    """Return Discord's link to a file of a card."""
    assert asked.response is not None
    files = world.env.backend.messages[world.channel.id][asked.response.id].attachments
    return next(str(file["url"]) for file in files if file["filename"] == name)


async def test_a_search_finds_prompts_by_all_of_its_words(world: World) -> None:
    await make(world, "A fox on the shore", "A fox in the snow")
    await make(world, "A boat on the SHORE, 100% calm")
    assert titles(await listed(world, "shore")) == ["A boat on the SHORE, 100% calm", "A fox on the shore"]
    shown = await listed(world, "  Shore   FOX ")
    assert titles(shown) == ["A fox on the shore"]
    assert "🔎 With these words in the prompt: Shore FOX" in card_text(shown)
    assert "**Left:** 2 videos" in card_text(shown)
    assert titles(await listed(world, "100%")) == ["A boat on the SHORE, 100% calm"]


@pytest.mark.parametrize(
    "search", ["zebra", "%", "_", "'\"", "🦊", "*fox*", "<@1>", "\\", "fox:1", "\u200b x"]
)
async def test_a_search_without_a_result_says_so(search: str, world: World) -> None:
    await make(world, "A fo on the shore")
    shown = await listed(world, search)
    assert titles(shown) == []
    assert "No prompt of yours has all of these words" in card_text(shown)
    assert "### 📊 Your quota" in card_text(shown)


async def test_who_has_no_videos_finds_none(world: World) -> None:
    assert "None yet." in card_text(await listed(world))
    assert "No prompt of yours has" in card_text(await listed(world, "fox"))


async def test_a_search_of_nothing_but_spaces_shows_all(world: World) -> None:
    await make(world, "A fox on the shore")
    assert titles(await listed(world, "   ")) == ["A fox on the shore"]


@pytest.mark.settings(quota_videos=99)
@pytest.mark.parametrize("word", ["50%", "🦊_x:y"])
async def test_the_pages_of_a_search_turn_after_a_restart(word: str, world: World) -> None:
    for number in range(7):
        await make(world, f"fox {number} {word}", f"boat {number}")
    shown = await listed(world, f"{word} FOX")
    assert "page 1 of 2" in card_text(shown)
    assert re.findall(r"fox \d", card_text(shown)) == [f"fox {number}" for number in (6, 5, 4, 3, 2)]
    await world.restart()
    await press(world.member, shown, "Older")
    assert "page 2 of 2" in card_text(shown)
    assert re.findall(r"fox \d", card_text(shown)) == ["fox 1", "fox 0"]
    await make(world, f"fox 7 {word}")
    await press(world.member, shown, "Newer")
    assert re.findall(r"fox \d", card_text(shown)) == [f"fox {number}" for number in (7, 6, 5, 4, 3)]
    assert "boat" not in card_text(shown)


@pytest.mark.settings(quota_videos=99)
async def test_the_buttons_of_lists_from_before_there_was_a_search_still_turn_pages(world: World) -> None:
    for number in range(6):
        await make(world, f"fox {number}")
    shown = await listed(world)
    ids = [part["custom_id"] for part in components(shown.response) if part.get("label") == "Older"]
    assert ids == ["vidu-videos:2"]
    await press_at_once(world, [(world.member, shown, "vidu-videos:2")])
    assert "page 2 of 2" in card_text(shown)


async def test_in_direct_messages_a_member_finds_what_they_made_anywhere(world: World) -> None:
    user = world.env.create_user("zoe")
    member = world.guild.add_member(user)
    image = ("fox.png", picture())
    await until(world, await user.slash("vidu", prompt="a fox at home", image1=image), READY)
    for prompt in ("a fox on the shore", "a boat"):
        await until(world, await member.slash(world.channel, "vidu", prompt=prompt, image1=image), READY)
    shown = await user.slash("videos", search="fox")
    assert titles(shown) == ["a fox on the shore", "a fox at home"]
    assert len(pictures(shown)) == 2


async def test_the_first_image_that_the_card_has_kept_stands_beside_a_video(world: World) -> None:
    asked = await make(world, "one", video1=("run.mp4", clip()), image1=("fox.png", picture()))
    await make(world, "two", video1=("run.mp4", clip()))
    assert pictures(await listed(world)) == [attached(world, asked, "reference-1.png")]


async def test_a_card_is_read_for_its_picture_once_an_hour_and_a_private_one_not_at_all(world: World) -> None:
    def reads() -> int:
        return sum(entry.method == "GET" and "/messages/" in entry.path for entry in world.env.http_requests)

    await make(world, "one")
    await make(world, "two", private=True)
    await world.env.advance_time(20 * 60)
    before = reads()
    for _ in range(2):
        assert len(pictures(await listed(world))) == 1
    assert reads() == before + 1
    await world.env.advance_time(3600)
    assert len(pictures(await listed(world))) == 1
    assert reads() == before + 2


@pytest.mark.parametrize(("status", "code"), [(403, 50001), (404, 10008), (503, 0)])
async def test_the_list_does_without_a_picture_that_discord_does_not_give(
    status: int, code: int, world: World
) -> None:
    await make(world, "A fox on the shore")
    world.env.inject_error(
        "GET", "/channels/*/messages/*", status=status, code=code, message="no", times=None
    )
    shown = await listed(world)
    assert titles(shown) == ["A fox on the shore"]
    assert pictures(shown) == []


async def test_the_list_waits_for_pictures_a_moment_only(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(world, "A fox on the shore")

    async def never_ends(*_: Any) -> None:
        await world.clock.wait(asyncio.Event(), None)

    with monkeypatch.context() as patched:
        patched.setattr(Delivery, "references", never_ends)
        shown = await listed(world)
        await world.env.advance_time(PATIENCE + 0.1)
    assert titles(shown) == ["A fox on the shore"]
    assert pictures(shown) == []
    assert len(pictures(await listed(world))) == 1
    assert cloud.paid == 1
