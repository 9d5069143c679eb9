"""References on a card never look like a result, and the card keeps all of them for Again."""

from __future__ import annotations

from typing import Any

import pytest
from simcord import InteractionResult

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, picture
from fakes.world import World, components
from tests.acceptance.member import ask, card_text, press, until

READY, FAILED = "✅ Your video is ready", "❌ Couldn't make the video"
THUMBNAIL, GALLERY, FILE = 11, 12, 13


def images(count: int) -> dict[str, object]:
    return {f"image{number}": (f"{number}.png", picture()) for number in range(1, count + 1)}


def clips(count: int) -> dict[str, object]:
    return {f"video{number}": (f"{number}.mp4", clip(1)) for number in range(1, count + 1)}


SETS = {"1 image": images(1), "7 images": images(7), "1 clip": clips(1), "both": images(4) | clips(2)}


def shown(asked: InteractionResult, kind: int) -> list[str]:
    """Return the names of the files that parts of this kind show."""
    found: list[Any] = []
    for part in components(asked.response):
        if part["type"] == kind:
            found += [item["media"] for item in part.get("items", [])]
            found += [part[key] for key in ("media", "file") if key in part]
    return [media["url"].partition("?")[0].rsplit("/", 1)[1] for media in found]


def attached(asked: InteractionResult) -> list[str]:
    assert asked.response is not None
    return [file.filename for file in asked.response.attachments]


@pytest.mark.parametrize("spoiler", [False, True], ids=["open", "spoiler"])
@pytest.mark.parametrize("name", SETS)
async def test_beside_the_result_there_is_no_other_player(name: str, spoiler: bool, world: World) -> None:
    options = SETS[name]
    asked = await ask(world, seed=5, spoiler=spoiler, **options)
    for words in ("⏳ Waiting in line", "🎬 Rendering"):
        await until(world, asked, words)
        assert [file for file in shown(asked, GALLERY) if file.endswith(".mp4")] == []
        assert len(shown(asked, FILE)) == sum(option.startswith("video") for option in options)
        everything = shown(asked, THUMBNAIL) + shown(asked, GALLERY) + shown(asked, FILE)
        assert sorted(everything) == sorted(attached(asked))
        assert f"{next(iter(options.values()))[0]}" in card_text(asked)  # type: ignore[index]
    await until(world, asked, READY)
    assert shown(asked, GALLERY) == ["vidu-5.mp4"]
    assert shown(asked, FILE) == []
    assert shown(asked, THUMBNAIL) == ([] if name == "1 clip" else ["reference-1.png"])
    label = "Reference: " if len(options) == 1 else "References: "
    assert label + ", ".join(file[0] for file in options.values()) in card_text(asked)  # type: ignore[index]
    assert len(attached(asked)) == len(options) + 1


@pytest.mark.parametrize("name", SETS)
async def test_a_failed_card_shows_no_player_at_all(name: str, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.failed("TaskTimeout"))
    asked = await ask(world, **SETS[name])
    await until(world, asked, FAILED)
    assert shown(asked, GALLERY) == shown(asked, FILE) == []
    assert shown(asked, THUMBNAIL) == ([] if name == "1 clip" else ["reference-1.png"])


@pytest.mark.parametrize("end", [READY, FAILED])
@pytest.mark.parametrize("name", SETS)
async def test_again_finds_every_reference_that_the_card_keeps(
    name: str, end: str, world: World, cloud: GmiCloud
) -> None:
    if end == FAILED:
        cloud.outcome(script.failed("TaskTimeout"))
    asked = await ask(world, duration=1, **SETS[name])
    await until(world, asked, end)
    await world.restart()
    again = await press(world.member, asked, "Again")
    await until(world, again, READY)
    first, second = [seen.body["payload"] for seen in cloud.requests_seen if seen.method == "POST"]
    for key in ("images", "videos"):
        assert len(second.get(key, [])) == len(first.get(key, []))
    assert len(attached(again)) == len(SETS[name]) + 1
