"""Links of results: those that Discord refuses, and those that nobody may be sent to."""

from __future__ import annotations

import pytest

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World, components
from tests.acceptance.member import ask, card_text, press, until

READY = "✅ Your video is ready"
TOKEN_ROUTE = "/webhooks/*/*/messages/*"
GALLERY, BUTTON = 12, 2


def links(asked: object) -> list[str]:
    """Return every link that a card plays or offers behind a button."""
    found = components(asked.response)  # type: ignore[attr-defined]
    played = [item["media"]["url"] for part in found if part["type"] == GALLERY for item in part["items"]]
    return [
        url
        for url in [*played, *(part["url"] for part in found if part["type"] == BUTTON and "url" in part)]
        if not url.startswith("attachment://") and "simcord" not in url
    ]


def patches(world: World, since: int) -> int:
    return len([entry for entry in world.env.http_requests[since:] if entry.method == "PATCH"])


@pytest.mark.parametrize("refusals", [1, 2])
async def test_a_link_that_discord_refuses_leaves_a_card_with_words(
    refusals: int, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(megabytes=26))
    asked = await ask(world)
    await until(world, asked, "🎬 Rendering")
    world.env.inject_error("PATCH", TOKEN_ROUTE, status=400, code=50035, times=refusals)
    before = len(world.env.http_requests)
    text = await until(world, asked, READY)
    assert "The file is 26 MB, but files here can be 25 MB at most." in text
    assert links(asked) == []
    assert ("[Open video 1](<http" in text) == (refusals == 1)
    assert ("ts link can't be shown here" in text) == (refusals == 2)
    assert patches(world, before) == refusals + 1
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_refused_button_costs_nobody_the_file(world: World) -> None:
    asked = await ask(world, seed=5)
    await until(world, asked, "🎬 Rendering")
    world.env.inject_error("PATCH", TOKEN_ROUTE, status=400, code=50035)
    text = await until(world, asked, READY)
    assert asked.response is not None
    assert [file.filename for file in asked.response.attachments] == ["reference-1.png", "vidu-5.mp4"]
    assert "Open" not in text.splitlines()


async def test_a_link_that_is_not_escaped_is_shown_escaped(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(links=("https://storage.example.com/a b>c.mp4",)))
    cloud.fault("GET", "/media/*", script.CAPACITY)
    asked = await ask(world)
    await until(world, asked, READY)
    assert links(asked) == ["https://storage.example.com/a%20b%3Ec.mp4"]


async def test_a_link_that_no_card_can_hold_is_told_in_words(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(links=("https://storage.example.com/" + "x" * 3000,)))
    cloud.fault("GET", "/media/*", script.CAPACITY)
    asked = await ask(world, prompt="word " * 200)
    text = await until(world, asked, READY)
    assert "I couldn't download the video" in text
    assert links(asked) == []


@pytest.mark.parametrize(
    "link",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.8/v.mp4",
        "http://[::ffff:10.0.0.8]/v.mp4",
        "http://nas/v.mp4",
    ],
)
async def test_a_link_to_a_private_address_is_not_shown(link: str, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(links=(link,)))
    asked = await ask(world)
    text = await until(world, asked, READY)
    assert link.split("/")[2] not in text
    assert "I couldn't download the video, and its link can't be shown here." in text
    assert next(iter(cloud.requests)) in text
    assert links(asked) == []
    shown = await press(world.member, await world.member.slash(world.channel, "videos"), "Show")
    assert links(shown) == []


async def test_a_redirect_to_a_private_address_is_like_a_file_that_could_not_be_fetched(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("GET", "/media/*", script.redirect("http://169.254.169.254/latest/meta-data"))
    asked = await ask(world)
    assert "I couldn't download the video, so here's its link" in await until(world, asked, READY)
    assert "169.254" not in card_text(asked)
