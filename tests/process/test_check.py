"""`python -m bot --check`: a plain line for each check, also beside a running bot."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.exit_codes import ExitCode
from fakes.clock import until
from fakes.process import Wire, open_wire


async def check(wire: Wire, **settings: str) -> tuple[int, list[str]]:
    """Run the checks with the settings of the bot, changed by these; return the exit code and the lines."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "--check",
        cwd=wire.storage.parent,
        env={**wire.process.environment, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert err == b"", err.decode()
    assert process.returncode is not None
    return process.returncode, [" ".join(line.split()) for line in out.decode().splitlines()]


async def test_everything_is_checked_beside_a_running_bot_and_nothing_is_changed(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        await wire.ask(1)
        await wire.posted(1)
        sessions = wire.discord.gateway.identified

        code, lines = await check(wire)

        assert code == ExitCode.STOPPED  # a warning is no fault
        assert lines == [
            "ok settings: all of them can be read.",
            "ok database: it can be read, and is of this version.",
            "ok Discord token: Discord accepts it: the bot is vidu.",
            "warning access: anyone can add this bot to their server and make videos at your cost. Turn "
            "Public Bot off in the Discord Developer Portal, or set ALLOWED_SERVERS.",
            "ok GMI Cloud key: GMI Cloud accepts it.",
            "ok model: vidu-q2-pro-r2v takes what this version sends.",
        ]
        assert wire.discord.gateway.identified == sessions
        assert wire.discord.gateway.connected
        assert wire.cloud.paid == 1
        await wire.ask(2)
        await wire.posted(2)


async def test_a_start_warns_of_misspelled_settings_and_of_a_model_that_changed(tmp_path: Path) -> None:
    async with open_wire(tmp_path, start=False, BUDGET_SECOND="5") as wire:
        wire.cloud.keys.clear()
        await wire.start()
        await until(lambda: "GMI Cloud refuses it" in wire.process.log, "the key's line")
        assert "BUDGET_SECOND: did you mean BUDGET_SECONDS? It counts as not set" in wire.process.log
        assert wire.process.running
