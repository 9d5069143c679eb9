"""A simulated Discord with the real bot in it: the stage of the demo and of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import simcord

from bot.client.bot import ViduBot
from bot.clock import SystemClock
from bot.media.cdn import CdnError, LargerThanAllowed
from bot.settings import Settings, parse
from bot.slots.taking import LeaseTimes
from fakes.gmi.cloud import GmiCloud
from fakes.locales import ENGLISH

FAKE_TOKEN = "fake-discord-token"
FAKE_KEY = "demo-key-not-secret"
SETTLE_PAUSE = 0.002  # seconds of real time
SETTLE_SECONDS = 30.0  # of real time until a bot that does not come to rest is a fault: machines may be busy
# The lease counts real seconds, the bot simulated ones: here it lasts, however much time is simulated.
LEASE_TIMES = LeaseTimes(renew=24 * 3600.0, last=1e9)
LONGEST_WAIT = 1e9  # seconds; a date further away may not exist
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # SimCord's own beginning of time


class SimulatedClock:
    """The simulated Discord's clock: it moves only when somebody advances it."""

    def __init__(self) -> None:
        self.env: simcord.Env | None = None
        self._ends: dict[object, datetime] = {}  # of all waits that end by themselves

    @property
    def next_end(self) -> datetime | None:
        """Return when the next wait ends by itself; nothing happens sooner unless somebody acts."""
        return min(self._ends.values(), default=None)

    def now(self) -> datetime:
        """Return the simulated moment."""
        return EPOCH if self.env is None else self.env.now()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait in simulated time; the simulation may settle meanwhile."""
        if event.is_set():
            return
        assert self.env is not None, "the bot runs inside the simulation"
        this = object()
        if seconds is not None:
            self._ends[this] = self.now() + timedelta(seconds=min(seconds, LONGEST_WAIT))
        try:
            await self.env.external_wait(SystemClock().wait(event, seconds), reason="until its time has come")
        except simcord.SetupError:
            # Whoever stops the bot is no part of it: no simulated time passes meanwhile.
            await SystemClock().wait(event, seconds)
        finally:
            self._ends.pop(this, None)


class SimulatedCdn:
    """The simulated Discord's files: nothing of them is on any network."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock

    async def read(self, url: str, limit: int) -> bytes:
        """Return the file at this link. Raises CdnError, and LargerThanAllowed beyond so many bytes."""
        assert self._clock.env is not None, "the bot runs inside the simulation"
        content = self._clock.env.backend.cdn.get(url)
        if content is None:
            raise CdnError("not found")
        if len(content) > limit:
            raise LargerThanAllowed(len(content))
        return content


@dataclass
class World:
    """The simulation with everyone in it."""

    env: simcord.Env
    clock: SimulatedClock
    cloud: GmiCloud
    bot: ViduBot
    settings: Settings
    guild: simcord.GuildHandle
    channel: simcord.ChannelHandle
    member: simcord.MemberActor
    other: simcord.MemberActor
    moderator: simcord.MemberActor

    async def restart(self, **changes: Any) -> None:
        """Stop the bot in good order and start it again on the same database."""
        await self.bot.close()
        self.settings = self.settings.model_copy(update=changes)
        self.bot = new_bot(self.settings, self.clock)
        await self.env.restart_bot(self.bot)

    def cdn(self, url: str) -> bytes:
        """Return what the simulated Discord keeps at this link. Raises KeyError."""
        content = self.env.backend.cdn.get(url)
        if content is None:
            raise KeyError(url)
        return content


def new_bot(settings: Settings, clock: SimulatedClock) -> ViduBot:
    """Return a bot for the simulation."""
    return ViduBot(settings, clock=clock, cdn=SimulatedCdn(clock), lease_times=LEASE_TIMES)


def settings_for(cloud: GmiCloud, database_url: str, **changes: Any) -> Settings:
    """Return settings that lead to the stand-in and read no `.env`."""
    values: dict[str, Any] = {
        "discord_token": FAKE_TOKEN,
        "gmi_api_key": FAKE_KEY,
        "gmi_base_url": cloud.base_url,
        "database_url": database_url,
        "shard_count": 1,  # the simulation has no gateway to ask
        "http_port": 0,
    }
    # A prefix that nobody sets: the simulation must not depend on the shell that it runs in.
    return parse(values | changes)


class FastSettlingEnv(simcord.Env):
    """SimCord's environment, looking again within moments whether the bot has come to rest.

    SimCord wakes up when a task ends. The bot's tasks rather begin another wait, which it notices only
    after its pause of 50 ms: half the time of the tests was spent in that pause. At a start SimCord waits for
    5 s: here as long as everywhere, since machines may be busy.
    """

    async def _settle_internal(self, **options: Any) -> None:
        await super()._settle_internal(**(options | {"idle": SETTLE_PAUSE, "timeout": SETTLE_SECONDS}))


@asynccontextmanager
async def open_world(
    cloud: GmiCloud,
    clock: SimulatedClock,
    settings: Settings,
    *,
    topic: str | None = None,
    locale: str = ENGLISH,
) -> AsyncIterator[World]:
    """Start the bot in a new simulated server, of this locale, with two members and a moderator."""
    bot = new_bot(settings, clock)
    env = FastSettlingEnv(bot, settle_timeout=SETTLE_SECONDS)
    clock.env = env
    env.backend.bot_user.name = "Vidu"
    await env.start()
    guild = env.create_guild("Vidu workshop", preferred_locale=locale)
    channel = guild.create_text_channel("videos", topic=topic)
    moderators = guild.create_role("Moderators", permissions=discord.Permissions(moderate_members=True))
    member, other = guild.add_member(env.create_user("mia")), guild.add_member(env.create_user("ben"))
    moderator = guild.add_member(env.create_user("noor"), roles=[moderators])
    await env.settle()
    world = World(env, clock, cloud, bot, settings, guild, channel, member, other, moderator)
    try:
        yield world
    finally:
        await world.bot.close()
        await env.shutdown()


def texts(message: Any) -> list[str]:
    """Return every text of a message with its components, in reading order."""
    found: list[str] = [message.content] if message.content else []

    for component in components(message):
        found += [component[key] for key in ("content", "label") if isinstance(component.get(key), str)]
    return found


def components(message: Any) -> list[dict[str, Any]]:
    """Return every component of a message as Discord got it, in reading order."""
    found: list[dict[str, Any]] = []

    def walk(children: list[dict[str, Any]]) -> None:
        for component in children:
            found.append(component)
            walk(component.get("components", []))
            walk([component["accessory"]] if "accessory" in component else [])

    walk(message.components)
    return found
