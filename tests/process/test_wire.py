"""The real process on the wire: what Discord's servers do to a bot, and what its operator does."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.clock import until
from fakes.discord.model import GUEST_CHANNEL_ID, Call, Slash
from fakes.discord.rest import DM_CHANNELS
from fakes.discord.server import DiscordServer
from fakes.gmi.script import RESET_AFTER, TRICKLE
from fakes.process import Wire, open_wire

pytestmark = pytest.mark.asyncio(loop_scope="module")

EDITS = "/webhooks/*/messages/*"
CHANNEL_EDITS = "/channels/*/messages/*"
_seeds = itertools.count(101)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """One process for all tests: what one leaves behind must not disturb the next."""
    async with open_wire(tmp_path_factory.mktemp("wire")) as running:
        yield running
        assert "Traceback" not in running.process.logs


@pytest_asyncio.fixture(loop_scope="module")
async def wire(shared: Wire) -> AsyncIterator[Wire]:
    """Start the process again where a test has ended it."""
    shared.process.disarm()
    if not shared.process.running:
        await shared.start()
    yield shared
    shared.discord.clear_faults()


@pytest.fixture
def seed() -> int:
    return next(_seeds)


def final_edit(call: Call) -> bool:
    return call.has_video


def mentions_guest(call: Call) -> bool:
    return "I'm not in this server" in str(call.json)


def edits_of(discord: DiscordServer, slash: Slash) -> list[Call]:
    return discord.calls_to("PATCH", slash.token)


def assert_one_video(wire: Wire, slash: Slash, seed: int) -> None:
    """One POST at GMI Cloud, one message with one video: the card that answers the command."""
    assert wire.submissions(seed) == 1
    assert wire.discord.posted_videos()[f"vidu-{seed}.mp4"] == 1
    assert [video.name for video in slash.videos] == [f"vidu-{seed}.mp4"]


async def test_a_command_becomes_a_card_and_then_a_video(wire: Wire, seed: int) -> None:
    slash = await wire.ask(seed)

    await wire.posted(seed)

    assert_one_video(wire, slash, seed)
    assert slash.answered_after is not None
    assert slash.answered_after < 3
    assert "Your video is ready" in slash.text
    assert slash.original is not None
    assert slash.original.attachments[0].name == "reference-1.png"
    assert all(call.status == 200 for call in edits_of(wire.discord, slash))


@pytest.mark.parametrize("which", ["every", "final"])
async def test_rate_limited_edits_come_after_the_time_that_discord_names(
    wire: Wire, seed: int, which: str
) -> None:
    wanted = final_edit if which == "final" else (lambda _: True)
    fault = wire.discord.rate_limit("PATCH", EDITS, 4.0, times=2, when=wanted)
    slash = await wire.ask(seed)

    await wire.posted(seed)

    assert_one_video(wire, slash, seed)
    assert fault.played == 2
    calls = edits_of(wire.discord, slash)
    for limited, following in itertools.pairwise(calls):
        if limited.status == 429:
            # A tenth less: the two processes read the time apart.
            assert following.at - limited.at >= wire.clock.shrink(4.0) * 0.9


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("times", [1, 7])
async def test_server_errors_on_the_final_edit(wire: Wire, seed: int, status: int, times: int) -> None:
    # discord.py tries 5 times by itself: 7 errors are more than one call of its own outlasts.
    wire.discord.fault("PATCH", EDITS, status=status, times=times, when=final_edit)
    slash = await wire.ask(seed)

    await wire.posted(seed)

    assert_one_video(wire, slash, seed)


async def test_server_errors_in_the_channel_once_the_token_is_dead(wire: Wire, seed: int) -> None:
    wire.discord.fault("PATCH", CHANNEL_EDITS, status=503, times=2)
    slash = await wire.ask(seed)
    wire.discord.expire_token(slash.token)

    await wire.posted(seed)

    assert wire.discord.posted_videos()[f"vidu-{seed}.mp4"] == 1


@pytest.mark.parametrize("action", ["reset_before", "reset_after"])
async def test_a_broken_connection_at_the_final_edit(wire: Wire, seed: int, action: str) -> None:
    fault = wire.discord.fault(
        "PATCH",
        EDITS,
        action="reset_before" if action == "reset_before" else "reset_after",
        times=2,
        when=final_edit,
    )
    slash = await wire.ask(seed)

    await wire.posted(seed)

    assert fault.played == 2
    assert_one_video(wire, slash, seed)


async def test_a_lost_answer_to_a_new_message_posts_no_second_one(wire: Wire, seed: int) -> None:
    fault = wire.discord.fault("POST", "/channels/*/messages", action="reset_after", times=2)
    slash = await wire.ask(seed)
    await until(lambda: slash.original is not None and not slash.original.loading, "the first card")
    wire.discord.remove(slash)

    await wire.posted(seed)

    assert fault.played == 2
    assert wire.discord.posted_videos()[f"vidu-{seed}.mp4"] == 1
    assert wire.submissions(seed) == 1


async def test_a_dead_token_is_used_no_more_and_the_channel_takes_over(wire: Wire, seed: int) -> None:
    slash = await wire.ask(seed)
    await until(lambda: "Sending" not in slash.text and slash.text != "", "the card of an accepted job")
    wire.discord.expire_token(slash.token)

    await wire.posted(seed)

    assert_one_video(wire, slash, seed)
    assert slash.dead_calls == 1
    assert slash.original is not None
    assert slash.original.attachments[0].name == "reference-1.png"


async def test_as_a_guest_it_says_so_before_anything_is_sent(wire: Wire, seed: int) -> None:
    fault = wire.discord.fault("PATCH", EDITS, action="slow", seconds=30.0, when=mentions_guest)
    slash = await wire.ask(seed, guest=True)
    await until(lambda: fault.played == 1, "the sentence about being a guest")
    assert "send it to you as a DM" in str(edits_of(wire.discord, slash)[0].json)
    assert wire.state(seed) is None
    assert wire.submissions(seed) == 0
    fault.released.set()

    await wire.posted(seed)

    assert_one_video(wire, slash, seed)
    assert not any(f"/channels/{GUEST_CHANNEL_ID}" in call.path for call in wire.discord.calls)


async def test_as_a_guest_a_late_video_comes_by_direct_message(wire: Wire, seed: int) -> None:
    slash = await wire.ask(seed, guest=True)
    await until(lambda: "If it takes over 15 minutes, I'll send it to you as a DM." in slash.text, "the card")
    wire.discord.expire_token(slash.token)

    await wire.posted(seed)

    [message] = [
        each for each in wire.discord.messages if f"vidu-{seed}.mp4" in [v.name for v in each.videos]
    ]
    assert message.channel_id == DM_CHANNELS + slash.user_id
    assert not any(f"/channels/{GUEST_CHANNEL_ID}" in call.path for call in wire.discord.calls)


async def test_downloads_that_trickle_hold_up_nobody_else(wire: Wire, seed: int) -> None:
    wire.cloud.fault("GET", "/media/*", TRICKLE.repeated(4))
    seeds = [seed, *(next(_seeds) for _ in range(4))]
    slashes = [await wire.ask(each) for each in seeds]

    for each in seeds:
        await wire.posted(each, 30)

    for each, slash in zip(seeds, slashes, strict=True):
        assert_one_video(wire, slash, each)


async def test_an_answer_that_takes_its_time_holds_up_nobody_else(wire: Wire, seed: int) -> None:
    slow = await wire.ask(seed)
    fault = wire.discord.fault("PATCH", f"*{slow.token}*", action="slow", seconds=30.0, when=final_edit)
    await until(lambda: fault.played == 1, "the final edit")
    other = next(_seeds)
    await wire.ask(other)

    await wire.posted(other)
    assert slow.videos == []
    fault.released.set()
    await wire.posted(seed)

    assert_one_video(wire, slow, seed)


async def test_a_closed_gateway_is_resumed_while_a_job_runs(wire: Wire, seed: int) -> None:
    resumed = wire.discord.gateway.resumed
    first = await wire.ask(seed)

    await wire.discord.gateway.drop(4000)
    during = next(_seeds)
    second = await wire.ask(during)  # Discord replays it to the resumed session

    await wire.posted(seed)
    await wire.posted(during)
    assert wire.discord.gateway.resumed == resumed + 1
    assert_one_video(wire, first, seed)
    assert_one_video(wire, second, during)


async def test_a_reconnect_on_request(wire: Wire, seed: int) -> None:
    resumed, identified = wire.discord.gateway.resumed, wire.discord.gateway.identified
    slash = await wire.ask(seed)

    await wire.discord.gateway.ask_to_reconnect()
    await until(lambda: wire.discord.gateway.resumed > resumed, "a RESUME")

    await wire.posted(seed)
    assert wire.discord.gateway.identified == identified
    assert_one_video(wire, slash, seed)


async def test_a_session_that_is_gone_is_begun_anew_without_a_second_resume(wire: Wire, seed: int) -> None:
    identified = wire.discord.gateway.identified
    slash = await wire.ask(seed)
    await until(lambda: wire.submissions(seed) == 1, "the request at GMI Cloud")

    await wire.discord.gateway.invalidate(resumable=False)
    await until(lambda: wire.discord.gateway.identified > identified, "an IDENTIFY")

    await wire.posted(seed)
    assert_one_video(wire, slash, seed)


async def test_the_same_interaction_twice_is_one_job(wire: Wire, seed: int) -> None:
    slash = await wire.ask(seed)
    await wire.discord.repeat(slash)
    await until(lambda: slash.refused_responses > 0, "a second first response")

    await wire.posted(seed)
    await wire.discord.repeat(slash)
    await until(lambda: slash.refused_responses > 1, "a third first response")

    assert_one_video(wire, slash, seed)
    assert "Your video is ready" in slash.text
    assert slash.followups == []
    assert [row.seed for row in wire.jobs()].count(seed) == 1


async def test_a_lost_answer_of_gmi_cloud_is_paid_for_once(wire: Wire, seed: int) -> None:
    wire.cloud.fault("POST", "/requests", RESET_AFTER)
    slash = await wire.ask(seed)

    await wire.posted(seed)

    assert_one_video(wire, slash, seed)


async def test_a_command_before_the_bot_is_ready_is_answered_and_sent_once(wire: Wire, seed: int) -> None:
    await wire.restart()
    slash = await wire.ask(seed)

    await wire.posted(seed)

    assert_one_video(wire, slash, seed)


@pytest.mark.long
async def test_two_hundred_commands_at_the_same_moment(wire: Wire) -> None:
    seeds = [next(_seeds) for _ in range(200)]
    slashes = await asyncio.gather(*(wire.ask(seed) for seed in seeds))

    for seed in seeds:
        await wire.posted(seed, seconds=60)

    for slash, seed in zip(slashes, seeds, strict=True):
        assert_one_video(wire, slash, seed)


async def test_sigterm_ends_in_good_order_and_a_restart_finishes_the_job(wire: Wire, seed: int) -> None:
    slash = await wire.ask(seed)
    await until(lambda: wire.submissions(seed) == 1, "the request at GMI Cloud")
    started = time.monotonic()

    assert await wire.process.stop() == 0

    assert time.monotonic() - started < 10
    assert "Traceback" not in wire.process.log
    await wire.start()
    await wire.posted(seed)
    assert_one_video(wire, slash, seed)


async def test_a_restart_registers_no_commands_again(wire: Wire) -> None:
    await until(wire.registered, "the commands were registered")

    await wire.restart()
    await wire.ask(1)
    await wire.posted(1)

    assert wire.discord.rest.registrations == 1


async def test_a_refused_token_ends_in_one_sentence(tmp_path: Path) -> None:
    async with open_wire(tmp_path, start=False) as wire:
        wire.discord.refuse_bot_token()
        await wire.process.start()

        code = await wire.process.ended()

        assert code not in {0, None}
        assert "Discord refused the token" in wire.process.log
        assert "Traceback" not in wire.process.log
