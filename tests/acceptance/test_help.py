"""`/help`: everywhere, for its reader only, with what is left for them in this place."""

from __future__ import annotations

import pytest

from fakes.gmi.cloud import GmiCloud
from fakes.world import World, components
from tests.acceptance.member import ask, assert_nothing_spent, card_text, until

ELSEWHERE = frozenset({123456789012345678})  # the only server that is allowed, and not the tests' own
HOW_TO = "### 👋 How to make a video"


async def test_a_member_reads_how_to_what_fits_and_what_is_left(world: World, cloud: GmiCloud) -> None:
    shown = await world.member.slash(world.channel, "help")
    assert shown.response is not None
    assert shown.response.ephemeral
    text = card_text(shown)
    for part in (HOW_TO, "Example: `/vidu`", "up to 7, or 4 with videos", "**Left:** 5 videos", "🔒 I save"):
        assert part in text
    assert_nothing_spent(world, cloud)
    await until(world, await ask(world), "✅ Your video is ready")
    assert "**Left:** 4 videos" in card_text(await world.member.slash(world.channel, "help"))
    assert "**Left:** 5 videos" in card_text(await world.other.slash(world.channel, "help"))


@pytest.mark.parametrize("allowed", [True, False])
async def test_it_works_in_direct_messages_whether_the_operator_allows_them_or_not(
    allowed: bool, world: World
) -> None:
    await world.restart(allow_direct=allowed)
    shown = await world.env.create_user("zoe").slash("help")
    text = card_text(shown)
    assert HOW_TO in text
    assert ("**Left:** 5 videos" in text) is allowed
    assert ("don't allow new videos here" in text) is not allowed


async def test_in_a_server_that_is_not_allowed_it_says_so(world: World) -> None:
    await world.restart(allowed_servers=ELSEWHERE)
    text = card_text(await world.member.slash(world.channel, "help"))
    assert HOW_TO in text
    assert "don't allow new videos here" in text


async def test_what_stops_everybody_here_is_named(world: World) -> None:
    await world.restart(budget_server_seconds=5)
    assert "limit for each server" not in card_text(await world.member.slash(world.channel, "help"))
    await until(world, await ask(world), "✅ Your video is ready")
    await world.bot.quota_service.set_paused(world.guild.id, True)
    text = card_text(await world.other.slash(world.channel, "help"))
    assert "⏳ This bot's limit for each server: 5 of 5 seconds" in text
    assert "A moderator has paused new videos in this server." in text


@pytest.mark.settings(privacy_url="https://example.com/privacy", terms_url="https://example.com/terms")
async def test_the_operators_pages_are_a_click_away(world: World) -> None:
    shown = await world.member.slash(world.channel, "help")
    links = {part["label"]: part["url"] for part in components(shown.response) if "url" in part}
    assert links == {
        "Privacy policy": "https://example.com/privacy",
        "Terms of service": "https://example.com/terms",
    }


async def test_without_the_operators_pages_there_are_no_buttons(world: World) -> None:
    shown = await world.member.slash(world.channel, "help")
    assert [part for part in components(shown.response) if part["type"] == 2] == []
