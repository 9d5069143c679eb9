"""The connections to the outside: which are kept, and which may lead to this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from bot.delivery.fetcher import Fetcher
from bot.delivery.routes import Routes
from bot.delivery.sender import Delivery
from bot.media.download import open_session
from bot.media.hosts import is_on_this_machine

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

KEEPALIVE = 75.0  # seconds; above the longest pause between two questions, so that no question pays for TLS
DNS_CACHE = 300  # seconds


def open_connections() -> aiohttp.ClientSession:
    """Return a session for everything but finished videos."""
    connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=KEEPALIVE, ttl_dns_cache=DNS_CACHE)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


@asynccontextmanager
async def open_delivery(bot: ViduBot, session: aiohttp.ClientSession) -> AsyncIterator[Delivery]:
    """Open what brings cards and videos to members."""
    loopback = may_lead_here(bot)
    # On the connections of the shared session, and apart from it: all that this one sends goes to Discord.
    cards = aiohttp.ClientSession(
        connector=session.connector,
        connector_owner=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[bot.telemetry.trace_discord()],
    )
    async with cards, open_session(loopback=loopback) as downloads:
        fetcher = Fetcher(downloads, bot.clock, loopback=loopback, metrics=bot.metrics)
        yield Delivery(Routes(bot, cards, bot.clock), fetcher, may_post=bot.slot.is_held)


def may_lead_here(bot: ViduBot) -> bool:
    """Return whether links of GMI may lead to this machine, as those of the stand-in do."""
    return is_on_this_machine(bot.settings.gmi_base_url)
