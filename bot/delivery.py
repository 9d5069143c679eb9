"""Where a card goes: by the interaction's token while it lives, then as a channel message, then by DM.

An edit that may have happened is repeated, never replaced by a new message; only a definite no leads to the
next rung.
"""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import discord
import stamina
from discord import ui

from bot.buttons import CardButton, Press
from bot.cards import apology, card, reference_filename, video_filename
from bot.clock import Clock
from bot.fetching import Fetcher, Result
from bot.jobs import Address, Job, Placeholder, State
from bot.results import Links, Place, present

log = logging.getLogger(__name__)

TOKEN_MARGIN = timedelta(minutes=1)  # a token lives 15 minutes; a slow upload must still end within them
ATTEMPTS = 4
# What any place takes since 2026-09-03 [Discord]; discord.py 2.7 still says 10 MiB. A 413 has the last word.
UPLOAD_DEFAULT = max(20 * 1024 * 1024, discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES)  # bytes
ATTACHMENTS_MAX = 10  # of one message [Discord]; the videos come before the references
_TOO_LARGE = {40005}
_TOKEN_DEAD = {50027, 10015, 10062}  # invalid token, unknown webhook, unknown interaction
_CLOSED = {50083}  # the thread is archived: a 400 that no other card would change
_UNSURE = (discord.DiscordServerError, aiohttp.ClientError, TimeoutError, OSError)


class Undeliverable(Exception):  # noqa: N818 - it names what happened
    """No rung of the ladder took the card."""


class Gone(Undeliverable):
    """The card is not there any more."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to put on a card."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a card with videos is, and until when a file may still take the place of a link there."""

    address: Address
    refetch_until: datetime | None = None  # None: nothing is missing


@dataclass(frozen=True, slots=True)
class Refetched:
    """Videos that were fetched for a card that shows their links."""

    job: Job
    results: Sequence[Result]
    kept: Sequence[discord.Attachment]  # what the card has already

    @property
    def complete(self) -> bool:
        """Tell whether nothing is missing any more."""
        return not any(result.missing for result in self.results)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a message is to hold."""

    address: Address
    view: ui.LayoutView
    files: Sequence[discord.File] = ()
    kept: Sequence[discord.Attachment] = ()  # of those it has; they are only named where files come


Put = Callable[[_Content], Awaitable[discord.Message]]


@dataclass(frozen=True, slots=True)
class _Rung:
    name: str
    place: Place
    same_message: bool
    private: bool  # only the member sees it there
    put: Put = field(repr=False)


Build = Callable[[_Rung], _Content]


class Delivery:
    """Shows the cards of jobs and posts their videos."""

    def __init__(
        self, client: discord.Client, session: aiohttp.ClientSession, fetcher: Fetcher, clock: Clock
    ) -> None:
        self._client = client
        self._session = session
        self._fetcher = fetcher
        self._clock = clock
        self._dead_tokens: dict[int, str | None] = {}  # by job
        self._kept: dict[int, list[discord.Attachment]] = {}  # the references on a card, by open job

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a job that has ended."""
        self._dead_tokens.pop(job_id, None)
        self._kept.pop(job_id, None)

    async def show(self, job: Job, uploads: Sequence[Upload] = (), usual: float | None = None) -> Address:
        """Show the job's state on its card and return where the card is now.

        A passing state is only ever an edit; an end also finds its member by a new message.
        Raises Undeliverable when no rung took it.
        """

        def build(rung: _Rung) -> _Content:
            # References travel with the first card only, and a card names them once they have arrived:
            # Discord refuses one that names what is not attached. A card at a new place goes without them.
            travels = bool(uploads) and rung.same_message and rung.place.limit > 0
            keeps = rung.same_message and (travels or job.address.keeps_references)
            shown = _with_references(job, keeps)
            files = [_file(upload) for upload in uploads] if travels else []
            return _Content(shown.address, card(shown, usual=usual), files)

        address, _ = await self._climb(
            job, build, self._rungs(job, final=not job.is_open or job.state in _TOLD)
        )
        return address

    async def present(self, job: Job) -> None:
        """Show a copy of a job's card at the job's address, with its videos. Raises Undeliverable."""
        if job.results:
            await self.deliver(job, final=False)
        else:
            content = _Content(job.address, card(job))
            await self._climb(job, lambda _: content, self._rungs(job, final=False))

    async def references(self, job: Job) -> list[discord.Attachment]:
        """Return the references that a job's card has kept, with fresh links; none if it is out of reach."""
        # Never from memory: Discord's links to files live for about a day.
        return await self._read_references(job) or []

    async def deliver(self, job: Job, *, final: bool = True, refetch_until: datetime | None = None) -> Posted:
        """Download the job's videos once, post them, and return where the card is now.

        Where one could not be fetched its link is posted, and the card tells until when the file may come.
        Raises Undeliverable.
        """
        rungs = self._rungs(job, final=final, links=Links.PLAYED)
        limit = max((rung.place.limit for rung in rungs), default=0)
        async with self._fetcher.fetch(job.results, limit) as results:
            delivered = replace(job, state=State.DELIVERED)
            kept = await self._references(job)
            if len(kept) + len(results) > ATTACHMENTS_MAX:
                kept = self._kept[job.id] = []
            missing = any(result.missing for result in results)

            def until(rung: _Rung) -> datetime | None:
                return self._editable_until(job, rung, refetch_until) if missing else None

            def build(rung: _Rung) -> _Content:
                shown = _with_references(delivered, bool(kept) and rung.same_message)
                content = present(shown, results, replace(rung.place, refetch_until=until(rung)))
                view = card(shown, content.media, content.note)
                return _Content(
                    shown.address, view, content.files, kept if shown.address.keeps_references else ()
                )

            rungs = self._rungs(job, final=final, links=Links.PLAYED)
            address, rung = await self._climb(job, build, rungs)
            return Posted(address, until(rung))

    @asynccontextmanager
    async def refetch(self, job: Job) -> AsyncIterator[Refetched]:
        """Fetch again what a job's card shows as a link.

        Raises Gone where there is no such card any more, Undeliverable where nobody knows.
        """
        message = await self._card_message(job)
        attached = list(message.attachments) if message is not None else self._kept.get(job.id, [])
        names = {attachment.filename for attachment in attached}
        videos = [video_filename(job, position) for position in range(1, len(job.results) + 1)]
        references = _reference_names(job) if job.address.keeps_references else set()
        if len(references) + len(videos) > ATTACHMENTS_MAX:
            references = set()
        kept = [each for each in attached if each.filename in references or each.filename in videos]
        limit = max((rung.place.limit for rung in self._edits(job)), default=0)
        async with self._fetcher.fetch(job.results, limit, [name in names for name in videos]) as results:
            yield Refetched(job, results, kept)

    async def replace_links(self, found: Refetched) -> Address:
        """Put what was fetched in the place of links, on the same card and silently.

        Raises Gone where the card is not there any more, Undeliverable where it did not work.
        """
        job = found.job
        references = _reference_names(job)
        keeps = any(each.filename in references for each in found.kept)
        shown = _with_references(job, keeps)

        def build(rung: _Rung) -> _Content:
            until = None if found.complete else job.refetch_until
            content = present(shown, found.results, replace(rung.place, refetch_until=until))
            view = card(shown, content.media, content.note)
            return _Content(shown.address, view, content.files, found.kept)

        address, _ = await self._climb(job, build, self._edits(job))
        # The card stays what it was, and for whom.
        return replace(address, private=job.address.private)

    async def apologise(self, placeholder: Placeholder) -> None:
        """Tell a member that their request was lost before it began. Raises Undeliverable."""

        content = _Content(placeholder.address, apology())
        await self._climb(placeholder, lambda _: content, self._rungs(placeholder, final=False))

    async def notify(self, job: Job) -> None:
        """Reply to the card so that its owner, and nobody else, is notified."""
        words = "your video is ready." if job.state is State.DELIVERED else "there is news about your video."
        allowed = discord.AllowedMentions(
            everyone=False, roles=False, replied_user=False, users=[discord.Object(job.user_id)]
        )
        text = f"<@{job.user_id}> {words}"
        try:
            if job.address.guest:
                await self._follow_up(job, text, allowed)
            else:
                await self._reply(job, text, allowed)
        except (discord.HTTPException, *_UNSURE) as error:
            # The card tells it all the same; a second attempt could notify twice.
            log.info("Job %s: its owner could not be notified (%s)", job.id, type(error).__name__)

    async def _follow_up(self, job: Job, text: str, allowed: discord.AllowedMentions) -> None:
        """Notify where the bot is a guest: Discord allows it five follow-ups, this is the only one."""
        if self._token_lives(job) and job.address.token:
            await self._webhook(job.address.token).send(text, allowed_mentions=allowed)

    async def _reply(self, job: Job, text: str, allowed: discord.AllowedMentions) -> None:
        channel = self._channel(job)
        card_message = channel.get_partial_message(job.address.message_id or 0)
        await channel.send(
            text,
            reference=card_message.to_reference(fail_if_not_exists=False),
            allowed_mentions=allowed,
            nonce=f"{job.id}-n",
        )

    async def _climb(
        self, job: Job | Placeholder, build: Build, rungs: Sequence[_Rung]
    ) -> tuple[Address, _Rung]:
        """Take the first rung that works; return where the card is and which one it was."""
        gone = True
        for rung in rungs:
            try:
                shown, message = await self._try(rung, build)
            except _UNSURE as error:
                # It may have happened: only the same edit may be repeated, and the caller decides when.
                raise Undeliverable(
                    f"{rung.name} of job {job.id} is unsure ({type(error).__name__})"
                ) from None
            except discord.HTTPException as error:
                gone = gone and self._is_gone(job, error)
                log.info("Job %s: %s did not work (%s, %s)", job.id, rung.name, error.status, error.code)
                continue
            if shown.keeps_references:
                self._kept.setdefault(job.id, list(message.attachments))
            address = replace(
                shown,
                channel_id=message.channel.id,
                message_id=message.id,
                private=rung.private,
                # Written down, so that no later process tries a dead token either.
                token=None if self._is_dead(job) else job.address.token,
                guild_id=job.address.guild_id,
            )
            return address, rung
        raise (Gone if gone else Undeliverable)(f"no place took the card of job {job.id}")

    def _is_gone(self, job: Job | Placeholder, error: discord.HTTPException) -> bool:
        """Tell whether an answer means that the message, or the way to it, is no more; note dead tokens."""
        dead = error.code in _TOKEN_DEAD or error.status == 401
        if dead:
            self._dead_tokens[job.id] = job.address.token
        return dead or error.status == 404

    async def _try(self, rung: _Rung, build: Build) -> tuple[Address, discord.Message]:
        """Put the card there, with less of what Discord refuses about it."""
        while True:
            try:
                return await self._put(rung, build)
            except discord.HTTPException as error:
                less = _less(rung.place, error)
                if less is None:
                    raise
                log.info("A card was refused (%s, %s), trying a plainer one", error.status, error.code)
                rung = replace(rung, place=less)

    async def _put(self, rung: _Rung, build: Build) -> tuple[Address, discord.Message]:
        async for attempt in stamina.retry_context(on=_UNSURE, attempts=ATTEMPTS, timeout=None):
            with attempt, ExitStack() as stack:
                content = build(rung)
                for file in content.files:
                    stack.callback(file.close)
                return content.address, await rung.put(content)
        raise AssertionError("a retry context either returns or raises")

    def _rungs(self, job: Job | Placeholder, *, final: bool, links: Links = Links.NONE) -> list[_Rung]:
        """Return the ways to the card; a card without links has nothing to do without."""
        address, here = job.address, Place(self._limit(job.address), links)
        reachable = not (address.private or address.guest)
        rungs: list[_Rung] = []
        if self._token_lives(job):
            there = replace(here, limit=address.upload_limit or UPLOAD_DEFAULT)
            rungs.append(_Rung("edit by token", there, True, address.private, self._edit_by_token(job)))
        if address.message_id and reachable:
            rungs.append(_Rung("edit in the channel", here, True, False, self._edit_in_channel(job)))
        if final and reachable:
            rungs.append(_Rung("a new message", here, False, False, self._send(job, dm=False)))
        if final:
            there = replace(here, limit=UPLOAD_DEFAULT)
            rungs.append(_Rung("a direct message", there, False, True, self._send(job, dm=True)))
        return rungs

    def _edits(self, job: Job) -> list[_Rung]:
        """Return the ways to edit a card that was delivered: a private one may be a direct message."""
        rungs = self._rungs(job, final=False, links=Links.PLAYED)
        if job.address.message_id and (job.address.private or job.address.guest):
            place = Place(UPLOAD_DEFAULT, Links.PLAYED)
            rungs.append(_Rung("edit it as the bot's own", place, True, True, self._edit_in_channel(job)))
        return rungs

    def _editable_until(self, job: Job, rung: _Rung, until: datetime | None) -> datetime | None:
        """Return until when a file can take a link's place; what only a token reaches ends with it."""
        address = job.address
        if until is None or not rung.same_message or not (address.private or address.guest):
            return until
        assert address.token_expires is not None, "it was just edited by its token"
        return min(until, address.token_expires - TOKEN_MARGIN)

    def _token_lives(self, job: Job | Placeholder) -> bool:
        address = job.address
        return (
            address.token is not None
            and address.token_expires is not None
            and self._clock.now() < address.token_expires - TOKEN_MARGIN
            and not self._is_dead(job)
        )

    def _is_dead(self, job: Job | Placeholder) -> bool:
        return job.id in self._dead_tokens and self._dead_tokens[job.id] == job.address.token

    def _limit(self, address: Address) -> int:
        guild = self._client.get_guild(address.guild_id) if address.guild_id else None
        return max(guild.filesize_limit, UPLOAD_DEFAULT) if guild else UPLOAD_DEFAULT

    def _webhook(self, token: str) -> discord.Webhook:
        application = self._client.application_id
        assert application is not None, "the bot is logged in before it shows a card"
        return discord.Webhook.partial(application, token, session=self._session, client=self._client)

    def _edit_by_token(self, job: Job | Placeholder) -> Put:
        token = job.address.token
        assert token is not None
        # Until Discord has told the id, the first answer to an interaction goes by a name of its own.
        message_id: Any = job.address.message_id or "@original"

        async def put(content: _Content) -> discord.Message:
            webhook = self._webhook(token)
            if not content.files:
                return await webhook.edit_message(message_id, view=content.view)
            return await webhook.edit_message(
                message_id, view=content.view, attachments=[*content.kept, *content.files]
            )

        return put

    def _edit_in_channel(self, job: Job | Placeholder) -> Put:
        message_id = job.address.message_id
        assert message_id is not None

        async def put(content: _Content) -> discord.Message:
            message = self._channel(job).get_partial_message(message_id)
            silent = discord.AllowedMentions.none()
            if not content.files:
                return await message.edit(view=content.view, allowed_mentions=silent)
            return await message.edit(
                view=content.view, attachments=[*content.kept, *content.files], allowed_mentions=silent
            )

        return put

    def _send(self, job: Job | Placeholder, *, dm: bool) -> Put:
        async def put(content: _Content) -> discord.Message:
            place: discord.abc.Messageable = self._channel(job)
            if dm:
                user = self._client.get_user(job.user_id) or await self._client.fetch_user(job.user_id)
                place = user
            # The nonce makes a repeat after a lost answer return the first message instead of a second one.
            nonce = f"{job.id}-{'d' if dm else 'c'}"
            return await place.send(view=content.view, files=content.files, nonce=nonce)

        return put

    def _channel(self, job: Job | Placeholder) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(job.address.channel_id, guild_id=job.address.guild_id)

    async def _references(self, job: Job) -> list[discord.Attachment]:
        """Return the references on the card of a job under way, fetched anew after a restart."""
        if not job.address.keeps_references:
            return []
        if job.id not in self._kept:
            found = await self._read_references(job)
            if found is None:
                return []
            self._kept[job.id] = found
        return self._kept[job.id]

    async def _read_references(self, job: Job) -> list[discord.Attachment] | None:
        """Return the references on the card as Discord has them now, None where it is out of reach."""
        address = job.address
        if not address.keeps_references or address.message_id is None:
            return None
        if (address.private or address.guest) and not self._token_lives(job):
            return None  # nothing else reaches that message
        try:
            message = await self._fetch_message(job, by_token=address.private or address.guest)
        except (discord.HTTPException, *_UNSURE) as error:
            log.info("Job %s: its references could not be read again (%s)", job.id, type(error).__name__)
            return None
        names = _reference_names(job)
        return [attachment for attachment in message.attachments if attachment.filename in names]

    async def _card_message(self, job: Job) -> discord.Message | None:
        """Return the message of a delivered card, None where the bot may not read it.

        Raises Gone where it is not there any more, Undeliverable where nobody knows.
        """
        own = job.address.private or job.address.guest
        for by_token in [True, False] if own and self._token_lives(job) else [False]:
            try:
                message = await self._fetch_message(job, by_token=by_token)
            except _UNSURE as error:
                raise Undeliverable(f"the card of job {job.id} is unsure ({type(error).__name__})") from None
            except discord.HTTPException as error:
                if self._is_gone(job, error):
                    continue  # the token does not reach a direct message
                return None
            if not _has_button(message.components, CardButton(Press.DELETE, job.id).custom_id):
                raise Gone(f"the card of job {job.id} was deleted")
            return message
        raise Gone(f"the card of job {job.id} is not there any more")

    async def _fetch_message(self, job: Job, *, by_token: bool) -> discord.Message:
        message_id, token = job.address.message_id, job.address.token
        assert message_id is not None
        if by_token and token:
            return await self._webhook(token).fetch_message(message_id)
        return await self._channel(job).fetch_message(message_id)


_TOLD = {State.OVERDUE, State.UNCONFIRMED}  # still open, but the member must hear of them


def _with_references(job: Job, keeps: bool) -> Job:
    return replace(job, address=replace(job.address, keeps_references=keeps))


def _file(upload: Upload) -> discord.File:
    return discord.File(io.BytesIO(upload.data), filename=upload.name)


def _reference_names(job: Job) -> set[str]:
    return {
        reference_filename(position, reference)
        for position, reference in enumerate(job.request.references, start=1)
    }


def _has_button(components: Sequence[Any], custom_id: str) -> bool:
    return any(
        getattr(component, "custom_id", None) == custom_id
        or _has_button(getattr(component, "children", ()), custom_id)
        for component in components
    )


def _less(place: Place, error: discord.HTTPException) -> Place | None:
    """Return what a place takes after it has refused a card, None where no other card would help."""
    # 413 comes from the edge before Discord's own code: the same place takes the card without files.
    if error.status == 413 or error.code in _TOO_LARGE:
        return replace(place, limit=0) if place.limit else None
    if error.status == 400 and error.code not in _CLOSED and place.links is not Links.NONE:
        return replace(place, links=Links(place.links + 1))
    return None
