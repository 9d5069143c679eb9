"""A prompt takes no link past the filters of a server, wherever it is shown."""

from __future__ import annotations

import re

import pytest
from simcord import InteractionResult

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.world import World
from tests.acceptance.member import ask, card_text, delete, press, until

READY = "✅ Your video is ready"
PROMPT = (
    "a fox https://evil.example <https://evil.example> [prize](https://evil.example) **http://evil.example** "
    "www.evil.example discord.gg/evil <t:1700000000:R> @everyone"
)
# What Discord makes a link of; a word with a break in it is none.
CLICKABLE = re.compile(r"://evil|evil\.example|discord\.gg|@everyone|(?<!\\)[<*\[\]]")


def assert_only_text(shown: InteractionResult) -> None:
    lines = [line for line in card_text(shown).splitlines() if "fox" in line]
    # On a card a prompt is a quote, in the list it is a title.
    [quoted] = [line[2:].removesuffix("**") for line in lines if line.startswith(("> ", "**"))]
    assert not CLICKABLE.search(quoted), quoted
    assert "evil" in quoted


def as_read(shown: InteractionResult) -> str:
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", card_text(shown)).replace("\u200b", "")


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_on_every_card_a_link_is_only_text(private: bool, world: World) -> None:
    asked = await ask(world, prompt=PROMPT, private=private)
    for words in ("⏳ Waiting in line", "🎬 Rendering", READY):
        await until(world, asked, words)
        assert_only_text(asked)
        assert PROMPT in as_read(asked)


async def test_on_a_card_of_a_failure_and_in_the_list_too(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.failed("TaskTimeout"))
    asked = await ask(world, prompt=PROMPT)
    await until(world, asked, "❌ Couldn't make the video")
    assert_only_text(asked)
    assert_only_text(await world.member.slash(world.channel, "videos"))


async def test_nothing_of_it_stays_on_a_deleted_card(world: World) -> None:
    asked = await ask(world, prompt=PROMPT)
    await until(world, asked, READY)
    assert "evil" not in await delete(world.member, asked)
    assert "evil" not in card_text(await world.member.slash(world.channel, "videos"))


async def test_a_copy_that_is_shown_again_holds_no_link_either(world: World) -> None:
    asked = await ask(world, prompt=PROMPT)
    await until(world, asked, READY)
    listed = await world.member.slash(world.channel, "videos")
    assert_only_text(await press(world.member, listed, "Show"))
