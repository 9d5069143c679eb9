"""The checks of `--check`, in their order; they work beside a running bot and change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import discord

from bot.checks.contract import check_gmi
from bot.checks.findings import Finding, Level
from bot.gmi.client import GmiCloud
from bot.models.catalog import CATALOG
from bot.settings import Settings, SettingsError, load, misspelled_settings
from bot.storage.inspection import Age, age_of, can_be_made
from bot.storage.storage import StorageUnusable

SETTINGS, DATABASE, TOKEN, ACCESS = "settings", "database", "Discord token", "access"

_AGES = {
    Age.CURRENT: (Level.OK, "it can be read, and is of this version."),
    Age.OLDER: (
        Level.WARNING,
        "it was made by an earlier version, and the next start upgrades it. Make a backup first.",
    ),
    Age.NEWER: (
        Level.FAULT,
        "it was made by a newer version of this bot. Update the bot, or restore a backup.",
    ),
    Age.ABSENT: (Level.OK, "there is none yet: the first start makes it."),
}


async def check_installation() -> AsyncIterator[Finding]:
    """Yield what is found, one thing after the other."""
    for hint in misspelled_settings():
        yield Finding(Level.WARNING, SETTINGS, hint)
    try:
        settings = load()
    except SettingsError as error:
        for fault in error.faults:
            yield Finding(Level.FAULT, SETTINGS, f"{fault}.")
        yield Finding(Level.FAULT, SETTINGS, "nothing else can be checked until they are right.")
        return
    yield Finding(Level.OK, SETTINGS, "all of them can be read.")
    yield await check_database(settings)
    async for finding in check_discord(settings):
        yield finding
    async with aiohttp.ClientSession() as session:
        key = settings.gmi_api_key.get_secret_value()
        gmi = GmiCloud(session, settings.gmi_base_url, key, settings.gmi_org_id)
        for finding in await check_gmi(gmi, CATALOG[settings.gmi_model]):
            yield finding


async def check_database(settings: Settings) -> Finding:
    """Look at the database without upgrading or locking it."""
    url = settings.database_url.get_secret_value()
    try:
        age = await age_of(url)
    except StorageUnusable as error:
        return Finding(Level.FAULT, DATABASE, str(error))
    if age is Age.ABSENT and not can_be_made(url):
        text = (
            "there is none yet, and its folder can't be written: check DATABASE_URL and who owns the folder."
        )
        return Finding(Level.FAULT, DATABASE, text)
    return Finding(_AGES[age][0], DATABASE, _AGES[age][1])


async def check_discord(settings: Settings) -> AsyncIterator[Finding]:
    """Ask Discord who the token belongs to, over REST only: a running bot keeps its connection."""
    async with discord.Client(intents=discord.Intents.none()) as client:
        try:
            await client.login(settings.discord_token.get_secret_value())
        except discord.LoginFailure:
            text = "Discord refuses it: DISCORD_TOKEN must be the bot's token."
            yield Finding(Level.FAULT, TOKEN, text)
            return
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            text = f"Discord can't be reached, or doesn't answer as it should ({type(error).__name__})."
            yield Finding(Level.FAULT, TOKEN, f"{text} Try again later.")
            return
        yield Finding(Level.OK, TOKEN, f"Discord accepts it: the bot is {client.user}.")
        application = client.application
        if application is not None and application.bot_public and not settings.allowed_servers:
            yield Finding(
                Level.WARNING,
                ACCESS,
                "anyone can add this bot to their server and make videos at your cost. Turn Public Bot off "
                "in the Discord Developer Portal, or set ALLOWED_SERVERS.",
            )
        else:
            yield Finding(Level.OK, ACCESS, f"members may use the bot {settings.access}.")
