"""The command line: what cannot start ends with one plain sentence and a code of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from bot.command_line import Broken, main, sentence, waits_for
from bot.connection.reconnect import GatewayUnreachable
from bot.exit_codes import ExitCode
from bot.storage.storage import StorageFault, StorageUnavailable, StorageUnusable


def closed(code: int) -> discord.ConnectionClosed:
    class Socket:
        close_code = code

    socket: Any = Socket()
    return discord.ConnectionClosed(socket, shard_id=0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (discord.LoginFailure(), "Discord refused the token: DISCORD_TOKEN must be the bot's token."),
        (closed(4004), "Discord refused the token: DISCORD_TOKEN must be the bot's token."),
        (closed(4011), "so many servers that Discord requires more connections: raise SHARD_COUNT."),
        (closed(4013), "Discord ended the connection for good (code 4013). Updating the bot may help."),
        (discord.PrivilegedIntentsRequired(None), "Discord refused the bot's intents."),
        (StorageUnusable("It is damaged."), "It is damaged."),
        (StorageUnavailable("TimeoutError"), "The database stopped answering while the bot started."),
        (StorageFault("disk"), "The database stopped answering while the bot started."),
        (Broken(), "A part of the bot keeps failing."),
        (GatewayUnreachable(), "Discord can't be reached, or doesn't answer as it should."),
        (aiohttp.ClientError(), "Discord can't be reached, or doesn't answer as it should."),
        (ZeroDivisionError(), "The bot failed unexpectedly. See the log."),
    ],
)
def test_whatever_ends_the_bot_has_a_sentence(error: Exception, expected: str) -> None:
    assert expected in sentence(error)


def test_what_a_start_waits_for_is_told_without_words_of_others() -> None:
    assert waits_for(StorageUnavailable("its server refuses")) == (
        "The database doesn't answer: its server refuses"
    )
    assert waits_for(aiohttp.ClientError("http://secret")) == (
        "Discord can't be reached, or doesn't answer as it should (ClientError)."
    )


def test_settings_that_are_wrong_are_named_and_nothing_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCORD_TOKEN", "")
    monkeypatch.setenv("GMI_API_KEY", "fake-key")

    assert main([]) is ExitCode.MISCONFIGURED
    assert capsys.readouterr().err.startswith(
        "DISCORD_TOKEN is missing. Set it in the environment or in .env"
    )

    assert main(["--check"]) is ExitCode.CHECK_FOUND_FAULTS
    assert "DISCORD_TOKEN is missing." in capsys.readouterr().out
