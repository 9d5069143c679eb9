"""Registers the commands at Discord, in the background and for as long as that takes."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

import discord
from discord import app_commands

from bot.clock import Clock, sleep
from bot.storage.storage import Storage
from bot.ui.catalogs import fingerprints
from bot.ui.command_translator import CommandTranslator

log = logging.getLogger(__name__)

PAUSE_FIRST, PAUSE_MAX = 30.0, 3600.0  # seconds; Discord allows 200 creations a day
TEXT_MAX = 300  # characters of Discord's reason in the log; a proxy answers with a whole page


async def register(tree: app_commands.CommandTree[Any], storage: Storage, clock: Clock) -> None:
    """Register the commands if they differ from the last ones; where that fails, again after a pause."""
    pause = PAUSE_FIRST
    while True:
        try:
            await _register_if_changed(tree, storage)
        except Exception as error:
            # Whatever it was, Discord still has the commands of before, and open jobs need none at all.
            log.error(
                "The commands could not be registered (%s). The bot goes on with those that Discord has; "
                "the next attempt is in %.0f s",
                _reason(error),
                pause,
            )
        else:
            return
        await sleep(clock, pause)
        pause = min(pause * 2, PAUSE_MAX)


async def _register_if_changed(tree: app_commands.CommandTree[Any], storage: Storage) -> None:
    payload = [command.to_dict(tree) for command in tree.get_commands()]
    # With the catalogs: a changed translation is a changed command. To translate all of them at each start
    # would take longer than anything else in it.
    known = json.dumps([payload, fingerprints()], sort_keys=True)
    digest = hashlib.sha256(known.encode()).hexdigest()
    name = f"commands of {tree.client.application_id}"
    if await storage.notes.get(name) != digest:
        await tree.set_translator(CommandTranslator())
        try:
            await tree.sync()
        finally:
            await tree.set_translator(None)  # and the catalogs leave memory with it
        await storage.notes.save(name, digest)
        log.info("Registered %d commands", len(payload))


def _reason(error: Exception) -> str:
    if not isinstance(error, discord.HTTPException):
        return type(error).__name__
    text = " ".join(error.text.split())[:TEXT_MAX]
    return f"HTTP {error.status}, code {error.code}: {text}"
