"""The real process where its operator allows it only in some servers."""

from __future__ import annotations

from pathlib import Path

from fakes.clock import until
from fakes.discord.model import GUEST_GUILD_ID, GUILD_ID
from fakes.process import open_wire

REFUSED = "The people who run this bot don't allow this here"
STRANGERS = "Anyone can add this bot to their server and make videos at your cost"


async def test_a_user_install_in_a_server_that_is_not_named_is_refused(tmp_path: Path) -> None:
    async with open_wire(tmp_path, ALLOWED_SERVERS=f"{GUILD_ID} 11") as wire:
        refused = await wire.ask(1, guest=True)
        await until(lambda: REFUSED in refused.text, "the refusal")
        await wire.ask(2)
        await wire.posted(2)
        assert wire.submissions(1) == 0
        assert f"Members may use the bot in these servers: 11, {GUILD_ID}" in wire.process.log
        assert STRANGERS not in wire.process.log


async def test_a_user_install_in_a_named_server_is_taken(tmp_path: Path) -> None:
    async with open_wire(tmp_path, ALLOWED_SERVERS=str(GUEST_GUILD_ID)) as wire:
        refused = await wire.ask(1)
        await until(lambda: REFUSED in refused.text, "the refusal")
        await wire.ask(2, guest=True)
        await wire.posted(2)
        assert wire.submissions(1) == 0


async def test_without_a_list_a_public_bot_is_warned_of(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        await until(lambda: STRANGERS in wire.process.log, "the warning")
        await wire.ask(1, guest=True)
        await wire.posted(1)
