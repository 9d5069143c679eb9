"""Cancel: the card says who did it, over a restart as well, and whoever did it is never pinged."""

from __future__ import annotations

from typing import Any

import pytest

from bot.gmi.client import GmiCloud as Client
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World
from tests.acceptance.member import ask, assert_quota_untouched, card_text, press, private_answer, until

CANCELED = "🚫 Canceled"
READY = "✅ Your video is ready"
LONG = Outcome(delay=600)  # seconds in line: long enough that its member has waited for it


def pings(world: World) -> list[str]:
    """Return the texts of all messages in the channel that are no cards."""
    messages = world.env.backend.messages[world.channel.id].values()
    return [message.content for message in messages if message.content and not message.is_ephemeral]


def mentioned(world: World) -> set[int]:
    """Return whom any message so far was allowed to notify."""
    users: set[int] = set()
    for entry in world.env.http_requests:
        body: Any = entry.json
        if isinstance(body, dict):
            users |= {int(user) for user in body.get("allowed_mentions", {}).get("users", [])}
    return users


@pytest.mark.parametrize("restart", [False, True])
async def test_my_own_cancel_names_me_and_pings_nobody(restart: bool, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(LONG)
    asked = await ask(world)
    await world.env.advance_time(120)
    answer = await press(world.member, asked, "Cancel")
    assert private_answer(answer) == "🚫 Canceled. This doesn't count towards your quota."
    if restart:
        await world.restart()
    await world.env.advance_time(60)
    assert f"{world.member.mention} canceled this before the video was made." in card_text(asked)
    assert pings(world) == []
    assert mentioned(world) == set()
    assert_quota_untouched(world)


@pytest.mark.parametrize("restart", [False, True])
async def test_a_moderators_cancel_is_told_as_one(restart: bool, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(LONG)
    asked = await ask(world)
    await world.env.advance_time(120)
    if restart:
        await world.restart()
    answer = await press(world.moderator, asked, "Cancel")
    told = f"🚫 Canceled. This doesn't count towards {world.member.mention}'s quota."
    assert private_answer(answer) == told
    who = f"A moderator ({world.moderator.mention}) canceled this before the video was made."
    assert who in card_text(asked)
    assert pings(world) == [
        f"{world.member.mention} a moderator ({world.moderator.mention}) canceled your video "
        "before it was made."
    ]
    assert mentioned(world) == {world.member.id}
    assert_quota_untouched(world)


@pytest.mark.parametrize("who", ["member", "moderator"])
async def test_who_cancelled_is_known_if_gmi_says_so_only_after_a_restart(
    who: str, world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = Client.cancel

    async def cancel_and_lose_gmi(self: Client, request_id: str) -> bool:
        agreed = await cancel(self, request_id)
        cloud.fault("GET", "/requests*", script.HTML_PAGE.repeated(None))
        return agreed

    monkeypatch.setattr(Client, "cancel", cancel_and_lose_gmi)
    cloud.outcome(LONG)
    asked = await ask(world)
    await world.env.advance_time(120)
    person = getattr(world, who)
    assert "hasn't said if it's canceled" in private_answer(await press(person, asked, "Cancel"))
    await world.restart()
    cloud.heal()
    await until(world, asked, CANCELED)
    assert f"{person.mention}" in card_text(asked).split("canceled this before")[0]
    assert len(pings(world)) == (who == "moderator")


async def test_what_gmi_cancels_by_itself_names_nobody(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome("cancelled", delay=60))
    asked = await ask(world)
    await until(world, asked, CANCELED)
    assert "Your request was canceled before the video was made." in card_text(asked)
    assert pings(world) == [f"{world.member.mention} your video was canceled before it was made."]


async def test_a_wish_that_gmi_did_not_grant_is_forgotten(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome("cancelled", delay=120))
    asked = await ask(world)
    cloud.fault("DELETE", "/requests/*", script.answer(405, {}))
    answer = await press(world.moderator, asked, "Cancel")
    assert private_answer(answer) == (
        f"🕓 The provider didn't cancel it. {world.member.mention} will still get the video."
    )
    await until(world, asked, CANCELED, seconds=300)
    assert world.moderator.mention not in card_text(asked)


async def test_a_moderator_who_is_too_late_reads_whose_video_it_is(world: World) -> None:
    asked = await ask(world)
    await world.env.advance_time(3.2)
    told = private_answer(await press(world.moderator, asked, "Cancel"))
    assert told == (
        "⏳ Too late to cancel: the video is already being made and paid for. "
        f"{world.member.mention} will still get it."
    )
    await until(world, asked, READY)


async def test_a_stranger_cancels_nothing(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    await world.restart()
    assert "and moderators can cancel" in private_answer(await press(world.other, asked, "Cancel"))
    await until(world, asked, READY)
