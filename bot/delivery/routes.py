"""The ways to a card: by the interaction's token while it lives, as a channel message, by a new one, by DM.

An edit that may have happened is repeated, never replaced by a new message; only a definite no leads to the
next route.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import aiohttp
import discord
import stamina

from bot.clock import Clock
from bot.delivery.messages import Content, Messages, Put
from bot.delivery.results import Links, Place
from bot.models.jobs import CardLocation, Job, PendingReply
from bot.ui.translator import speaking

log = logging.getLogger(__name__)

TOKEN_MARGIN = timedelta(minutes=1)  # a token lives 15 minutes; a slow upload must still end within them
ATTEMPTS = 4
# What any place takes since 2026-09-03 [Discord]; discord.py 2.7 still says 10 MiB. A 413 has the last word.
UPLOAD_DEFAULT = max(20 * 1024 * 1024, discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES)  # bytes
UNSURE = (discord.DiscordServerError, aiohttp.ClientError, TimeoutError, OSError)
_TOO_LARGE = {40005}
_TOKEN_DEAD = {50027, 10015, 10062}  # invalid token, unknown webhook, unknown interaction
_CLOSED = {50083}  # the thread is archived: a 400 that no other card would change


class Undeliverable(Exception):  # noqa: N818 - it names what happened
    """No route took the card."""


class Gone(Undeliverable):
    """The card is not there any more."""


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a card, and what may be there."""

    name: str
    place: Place
    same_message: bool
    private: bool  # only the member sees it there
    put: Put = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A card that has arrived."""

    location: CardLocation
    route: Route
    message: discord.Message


Build = Callable[[Route], Content]


class Routes:
    """Knows the ways to cards, and takes them."""

    def __init__(self, client: discord.Client, session: aiohttp.ClientSession, clock: Clock) -> None:
        self.messages = Messages(client, session)
        self._clock = clock
        self._dead_tokens: dict[int, str | None] = {}  # by job

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a job that has ended."""
        self._dead_tokens.pop(job_id, None)

    def to_card(self, job: Job | PendingReply, *, final: bool, links: Links = Links.NONE) -> list[Route]:
        """Return the ways to the card; a card without links has nothing to do without."""
        location = job.location
        here = Place(max(self.messages.guild_limit(location.guild_id), UPLOAD_DEFAULT), links)
        reachable = not (location.private or location.guest)
        routes: list[Route] = []
        if self.token_lives(job):
            there = replace(here, limit=location.upload_limit or UPLOAD_DEFAULT)
            put = self.messages.edit_by_token(job)
            routes.append(Route("edit by token", there, True, location.private, put))
        if location.message_id and reachable:
            put = self.messages.edit_in_channel(job)
            routes.append(Route("edit in the channel", here, True, False, put))
        if final and reachable:
            put = self.messages.send(job, dm=False)
            routes.append(Route("a new message", here, False, False, put))
        if final:
            put = self.messages.send(job, dm=True)
            routes.append(Route("a direct message", replace(here, limit=UPLOAD_DEFAULT), False, True, put))
        return routes

    def edits(self, job: Job) -> list[Route]:
        """Return the ways to edit a card that was delivered: a private one may be a direct message."""
        routes = self.to_card(job, final=False, links=Links.PLAYED)
        if job.location.message_id and (job.location.private or job.location.guest):
            place = Place(UPLOAD_DEFAULT, Links.PLAYED)
            put = self.messages.edit_in_channel(job)
            routes.append(Route("edit it as the bot's own", place, True, True, put))
        return routes

    async def try_routes(self, job: Job | PendingReply, build: Build, routes: Sequence[Route]) -> Arrival:
        """Take the first route that works.

        Raises Gone where each of them says that the card is not there, Undeliverable where none worked.
        """
        gone = True
        for route in routes:
            try:
                # Whoever has this done may be anybody: the card speaks to those who see it.
                with speaking(job.location.language):
                    shown, message = await _try(route, build)
            except UNSURE as error:
                # It may have happened: only the same edit may be repeated, and the caller decides when.
                raise Undeliverable(
                    f"{route.name} of job {job.id} is unsure ({type(error).__name__})"
                ) from None
            except discord.HTTPException as error:
                gone = self.is_gone(job, error) and gone
                log.info("Job %s: %s did not work (%s, %s)", job.id, route.name, error.status, error.code)
                continue
            location = replace(
                shown,
                channel_id=message.channel.id,
                message_id=message.id,
                private=route.private,
                # Written down, so that no later process tries a dead token either.
                token=None if self._is_dead(job) else job.location.token,
                guild_id=job.location.guild_id,
            )
            return Arrival(location, route, message)
        raise (Gone if gone else Undeliverable)(f"no place took the card of job {job.id}")

    def is_gone(self, job: Job | PendingReply, error: discord.HTTPException) -> bool:
        """Tell whether an answer means that the message, or the way to it, is no more; note dead tokens."""
        dead = error.code in _TOKEN_DEAD or error.status == 401
        if dead:
            self._dead_tokens[job.id] = job.location.token
        return dead or error.status == 404

    def editable_until(self, job: Job, route: Route, until: datetime | None) -> datetime | None:
        """Return until when a file can take a link's place; what only a token reaches ends with it."""
        location = job.location
        if until is None or not route.same_message or not (location.private or location.guest):
            return until
        assert location.token_expires is not None, "it was just edited by its token"
        return min(until, location.token_expires - TOKEN_MARGIN)

    def token_lives(self, job: Job | PendingReply) -> bool:
        """Tell whether the interaction's token can still be used."""
        location = job.location
        return (
            location.token is not None
            and location.token_expires is not None
            and self._clock.now() < location.token_expires - TOKEN_MARGIN
            and not self._is_dead(job)
        )

    def _is_dead(self, job: Job | PendingReply) -> bool:
        return job.id in self._dead_tokens and self._dead_tokens[job.id] == job.location.token


async def _try(route: Route, build: Build) -> tuple[CardLocation, discord.Message]:
    """Put the card there, with less of what Discord refuses about it."""
    while True:
        try:
            return await _put(route, build)
        except discord.HTTPException as error:
            less = less_after(route.place, error)
            if less is None:
                raise
            log.info("A card was refused (%s, %s), trying a plainer one", error.status, error.code)
            route = replace(route, place=less)


async def _put(route: Route, build: Build) -> tuple[CardLocation, discord.Message]:
    async for attempt in stamina.retry_context(on=UNSURE, attempts=ATTEMPTS, timeout=None):
        with attempt, ExitStack() as stack:
            content = build(route)
            for file in content.files:
                stack.callback(file.close)
            return content.location, await route.put(content)
    raise AssertionError("a retry context either returns or raises")


def less_after(place: Place, error: discord.HTTPException) -> Place | None:
    """Return what a place takes after it has refused a card, None where no other card would help."""
    # 413 comes from the edge before Discord's own code: the same place takes the card without files.
    if error.status == 413 or error.code in _TOO_LARGE:
        return replace(place, limit=0) if place.limit else None
    if error.status == 400 and error.code not in _CLOSED and place.links is not Links.NONE:
        return replace(place, links=Links(place.links + 1))
    return None
