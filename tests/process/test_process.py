"""How the process begins and ends: in one sentence, with the exit code that a restart policy needs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from bot.exit_codes import ExitCode
from bot.polling.schedule.history import EstimatorHistory
from fakes.clock import until
from fakes.process import Wire, open_wire
from fakes.world import World
from tests.acceptance.member import ask
from tests.acceptance.member import until as card_says


def last_words(wire: Wire) -> str:
    said: str = json.loads(wire.process.log.splitlines()[-1])["event"]
    return said


async def test_a_part_that_cannot_be_kept_running_ends_the_process(tmp_path: Path) -> None:
    async with open_wire(tmp_path, speed=40.0, module="tests.process.broken") as wire:
        assert await wire.process.ended(60) == 1

        assert "'take updates of jobs' failed" in wire.process.log
        assert last_words(wire) == "A part of the bot keeps failing. See the log. Restarting may help."


async def test_a_first_connection_that_fails_is_tried_again_until_it_comes_about(tmp_path: Path) -> None:
    async with open_wire(tmp_path, start=False) as wire:
        wire.discord.gateway.away = True
        await wire.process.start()
        await until(lambda: "Discord's gateway can't be reached" in wire.process.log, "a line", 30)

        wire.discord.gateway.away = False

        await until(lambda: wire.discord.gateway.identified == 1, lambda: wire.process.log, 30)
        await wire.ask(1)
        await wire.posted(1)
        assert "Traceback" not in wire.process.log


@pytest.mark.parametrize(
    "refusal", [{"action": "reset_before"}, {"status": 502}, {"status": 403}], ids=["network", "502", "403"]
)
async def test_a_discord_out_of_reach_is_waited_for(refusal: dict[str, Any], tmp_path: Path) -> None:
    async with open_wire(tmp_path, start=False) as wire:
        wire.discord.fault("GET", "/users/@me", times=1000, **refusal)
        await wire.process.start()
        await until(lambda: wire.process.log.count("The next attempt is in") >= 2, "two attempts", 30)

        wire.discord.clear_faults()

        await until(lambda: wire.discord.gateway.identified == 1, lambda: wire.process.log, 30)
        await wire.ask(1)
        await wire.posted(1)
        assert "Discord can't be reached, or doesn't answer as it should" in wire.process.log
        assert "Traceback" not in wire.process.log
        assert await wire.process.stop() == ExitCode.STOPPED


async def test_sigterm_while_discord_is_waited_for_ends_at_once_and_in_good_order(tmp_path: Path) -> None:
    # A slow clock: the pause between two attempts lasts minutes.
    async with open_wire(tmp_path, start=False, speed=0.02) as wire:
        wire.discord.fault("GET", "/users/@me", times=1000, status=403)
        await wire.process.start()
        await until(lambda: "The next attempt is in" in wire.process.log, "the pause", 30)
        began = time.monotonic()

        assert await wire.process.stop() == ExitCode.STOPPED

        assert time.monotonic() - began < 5
        assert "Traceback" not in wire.process.log


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (4004, "Discord refused the token: DISCORD_TOKEN must be the bot's token."),
        (4014, "Discord refused the bot's intents. Updating the bot may help."),
        (
            4011,
            "The bot is in so many servers that Discord requires more connections: raise SHARD_COUNT.",
        ),
        (4012, "Discord ended the connection for good (code 4012). Updating the bot may help."),
    ],
)
async def test_a_connection_that_discord_ends_for_good_is_one_sentence(
    code: int, sentence: str, tmp_path: Path
) -> None:
    async with open_wire(tmp_path, SHARD_COUNT="1") as wire:
        await wire.discord.gateway.drop(code)

        assert await wire.process.ended() == 1

        assert last_words(wire) == sentence
        assert "Traceback" not in wire.process.log


async def test_sigterm_between_two_attempts_to_reconnect_ends_at_once(tmp_path: Path) -> None:
    # A slow clock: the library's pause between two attempts lasts minutes.
    async with open_wire(tmp_path, speed=0.02) as wire:
        wire.discord.gateway.away = True
        await wire.discord.gateway.drop(4000)
        await until(lambda: wire.discord.gateway.refused > 0, "an attempt to reconnect")
        await until(lambda: "Attempting a reconnect" in wire.process.log, "the pause")
        began = time.monotonic()

        assert await wire.process.stop() == 0

        assert time.monotonic() - began < 5
        assert "Traceback" not in wire.process.log


async def test_sigterm_while_it_starts_ends_in_good_order(tmp_path: Path) -> None:
    async with open_wire(tmp_path, start=False) as wire:
        fault = wire.discord.fault("GET", "/users/@me", action="slow", seconds=30.0)
        await wire.process.start()
        await until(lambda: fault.played == 1, "the login", 30)

        assert await wire.process.stop() == 0

        assert "Traceback" not in wire.process.log


async def test_a_part_that_fails_while_closing_keeps_nothing_else_open(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = await ask(world)
    bot = world.bot

    async def fails(self: EstimatorHistory, *, at_once: bool = False) -> None:
        raise RuntimeError("no space for the history")

    with monkeypatch.context() as patched:
        patched.setattr(EstimatorHistory, "save", fails)
        await bot.close()

    assert bot.is_closed()
    assert "could not be closed in good order" in caplog.text
    await world.restart()
    await card_says(world, asked, "✅ Your video is ready")


REFUSALS = {
    "400": {"status": 400, "json": {"code": 50035, "message": "Invalid Form Body"}},
    "403": {"status": 403, "json": {"code": 50001, "message": "Missing Access"}},
    "429": {"status": 429, "json": {"code": 0, "message": "Cloudflare says no"}},
    "503": {"status": 503},
    "network": {"action": "reset_before"},
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_commands_that_discord_refuses_are_registered_later_and_jobs_go_on(
    refusal: str, tmp_path: Path
) -> None:
    async with open_wire(tmp_path, start=False) as wire:
        # discord.py itself repeats what a server failed at five times.
        fault = wire.discord.fault("PUT", "/applications/*/commands", times=1000, **REFUSALS[refusal])  # type: ignore[arg-type]
        await wire.start()
        slash = await wire.ask(1)
        await until(lambda: wire.submissions(1) == 1, "the request at GMI Cloud")
        await wire.restart()  # with an open job and commands that are still not registered
        await wire.posted(1)
        await until(lambda: "The commands could not be registered" in wire.process.log, "a plain line")
        assert "Your video is ready" in slash.text
        assert wire.discord.rest.registrations == 0
        assert fault.played > 0

        wire.discord.clear_faults()

        await until(lambda: wire.discord.rest.registrations == 1, "a later registration", 30)
        await until(lambda: "Registered" in wire.process.log, "its line")
        assert "Traceback" not in wire.process.logs
        assert wire.process.running
