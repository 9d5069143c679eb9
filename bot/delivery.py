"""Where a card goes: by the interaction's token while it lives, then as a channel message, then by DM.

An edit that may have happened is repeated, never replaced by a new message; only a definite no leads to the
next rung.
"""

from __future__ import annotations

import asyncio
import io
import logging
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import discord
import stamina
from discord import ui

from bot.cards import apology, card, reference_filename
from bot.clock import Clock
from bot.downloads import SIZE_MAX, DownloadError, download
from bot.jobs import Address, Job, Placeholder, State
from bot.results import Result, present

log = logging.getLogger(__name__)

TOKEN_MARGIN = timedelta(minutes=1)  # a token lives 15 minutes; a slow upload must still end within them
PARALLEL_TRANSFERS = 4  # videos on their way at once: bounds disk and bandwidth
ATTEMPTS = 4
ATTACHMENTS_MAX = 10  # of one message [Discord]; the videos come before the references
_TOO_LARGE = {40005}
_TOKEN_DEAD = {50027, 10015, 10062}  # invalid token, unknown webhook, unknown interaction
_UNSURE = (discord.DiscordServerError, aiohttp.ClientError, TimeoutError, OSError)


class Undeliverable(Exception):  # noqa: N818 - it names what happened
    """No rung of the ladder took the card."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to put on a card."""

    name: str
    data: bytes


Put = Callable[[ui.LayoutView, list[discord.File]], Awaitable[discord.Message]]


@dataclass(frozen=True, slots=True)
class _Rung:
    name: str
    limit: int  # bytes a file may have here
    same_message: bool
    private: bool  # only the member sees it there
    put: Put


Build = Callable[[_Rung], tuple[Address, ui.LayoutView, list[discord.File]]]


class Delivery:
    """Shows the cards of jobs and posts their videos."""

    def __init__(self, client: discord.Client, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._client = client
        self._session = session
        self._clock = clock
        self._transfers = asyncio.Semaphore(PARALLEL_TRANSFERS)
        self._dead_tokens: dict[int, str | None] = {}  # by job
        self._kept: dict[int, list[discord.Attachment]] = {}  # the references on a card, by job

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a job that has ended."""
        self._dead_tokens.pop(job_id, None)
        self._kept.pop(job_id, None)

    async def show(self, job: Job, uploads: Sequence[Upload] = (), usual: float | None = None) -> Address:
        """Show the job's state on its card and return where the card is now.

        A passing state is only ever an edit; an end also finds its member by a new message.
        Raises Undeliverable when no rung took it.
        """

        def build(rung: _Rung) -> tuple[Address, ui.LayoutView, list[discord.File]]:
            # References travel with the first card only, and a card names them once they have arrived:
            # Discord refuses one that names what is not attached. A card at a new place goes without them.
            travels = bool(uploads) and rung.same_message and rung.limit > 0
            keeps = rung.same_message and (travels or job.address.keeps_references)
            shown = _with_references(job, keeps)
            return (
                shown.address,
                card(shown, usual=usual),
                [_file(upload) for upload in uploads] if travels else [],
            )

        return await self._climb(job, build, final=not job.is_open or job.state in _TOLD)

    async def present(self, job: Job) -> None:
        """Show a copy of a job's card at the job's address, with its videos. Raises Undeliverable."""
        if job.results:
            await self.deliver(job, final=False)
        else:
            await self._climb(job, lambda _: (job.address, card(job), []), final=False)

    async def references(self, job: Job) -> list[discord.Attachment]:
        """Return the references that a job's card has kept, with fresh links; none if it is out of reach."""
        return await self._references(job)

    async def deliver(self, job: Job, *, final: bool = True) -> Address:
        """Download the job's videos once, post them, and return where the card is now.

        Raises Undeliverable.
        """
        async with self._transfers:
            with tempfile.TemporaryDirectory(prefix="vidu-") as folder:
                limit = min(SIZE_MAX, max((rung.limit for rung in self._rungs(job, final=final)), default=0))
                results = [await self._fetch(url, Path(folder), limit) for url in job.results]
                delivered = replace(job, state=State.DELIVERED)
                kept = await self._references(job)
                if len(kept) + len(results) > ATTACHMENTS_MAX:
                    kept = self._kept[job.id] = []

                def build(rung: _Rung) -> tuple[Address, ui.LayoutView, list[discord.File]]:
                    shown = _with_references(delivered, bool(kept) and rung.same_message)
                    media, note, files = present(shown, results, rung.limit)
                    return shown.address, card(shown, media, note), files

                return await self._climb(job, build, final=final)

    async def apologise(self, placeholder: Placeholder) -> None:
        """Tell a member that their request was lost before it began. Raises Undeliverable."""

        def build(_: _Rung) -> tuple[Address, ui.LayoutView, list[discord.File]]:
            return placeholder.address, apology(), []

        await self._climb(placeholder, build, final=False)

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

    async def _fetch(self, url: str, folder: Path, limit: int) -> Result:
        try:
            return Result(url, await download(self._session, url, folder, limit))
        except DownloadError as error:
            log.warning("A finished video could not be downloaded: %s", error)
            return Result(url, None)

    async def _climb(
        self,
        job: Job | Placeholder,
        build: Build,
        *,
        final: bool,
    ) -> Address:
        for rung in self._rungs(job, final=final):
            try:
                shown, message = await self._try(rung, build)
            except _UNSURE as error:
                # It may have happened: only the same edit may be repeated, and the caller decides when.
                raise Undeliverable(
                    f"{rung.name} of job {job.id} is unsure ({type(error).__name__})"
                ) from None
            except discord.HTTPException as error:
                if error.code in _TOKEN_DEAD or error.status == 401:
                    self._dead_tokens[job.id] = job.address.token
                log.info("Job %s: %s did not work (%s, %s)", job.id, rung.name, error.status, error.code)
                continue
            if shown.keeps_references:
                self._kept.setdefault(job.id, list(message.attachments))
            return replace(
                shown,
                channel_id=message.channel.id,
                message_id=message.id,
                private=rung.private,
                # Written down, so that no later process tries a dead token either.
                token=None if self._is_dead(job) else job.address.token,
                guild_id=job.address.guild_id,
            )
        raise Undeliverable(f"no place took the card of job {job.id}")

    async def _try(self, rung: _Rung, build: Build) -> tuple[Address, discord.Message]:
        try:
            return await self._put(rung, build)
        except discord.HTTPException as error:
            # 413 comes from the edge before Discord's own code: the same place takes the card without files.
            if error.status != 413 and error.code not in _TOO_LARGE:
                raise
        return await self._put(replace(rung, limit=0), build)

    async def _put(self, rung: _Rung, build: Build) -> tuple[Address, discord.Message]:
        async for attempt in stamina.retry_context(on=_UNSURE, attempts=ATTEMPTS, timeout=None):
            with attempt, ExitStack() as stack:
                shown, view, files = build(rung)
                for file in files:
                    stack.callback(file.close)
                return shown, await rung.put(view, files)
        raise AssertionError("a retry context either returns or raises")

    def _rungs(self, job: Job | Placeholder, *, final: bool) -> Iterator[_Rung]:
        address = job.address
        if self._token_lives(job):
            limit = address.upload_limit or discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
            yield _Rung("edit by token", limit, True, address.private, self._edit_by_token(job))
        if address.message_id and not (address.private or address.guest):
            yield _Rung("edit in the channel", self._limit(address), True, False, self._edit_in_channel(job))
        if final and not (address.private or address.guest):
            yield _Rung("a new message", self._limit(address), False, False, self._send(job, dm=False))
        if final:
            default = discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
            yield _Rung("a direct message", default, False, True, self._send(job, dm=True))

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
        return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES

    def _webhook(self, token: str) -> discord.Webhook:
        application = self._client.application_id
        assert application is not None, "the bot is logged in before it shows a card"
        return discord.Webhook.partial(application, token, session=self._session, client=self._client)

    def _edit_by_token(self, job: Job | Placeholder) -> Put:
        token = job.address.token
        assert token is not None
        # Until Discord has told the id, the first answer to an interaction goes by a name of its own.
        message_id: Any = job.address.message_id or "@original"

        async def put(view: ui.LayoutView, files: list[discord.File]) -> discord.Message:
            webhook = self._webhook(token)
            if not files:
                return await webhook.edit_message(message_id, view=view)
            attachments: list[discord.Attachment | discord.File] = [*self._kept_by(job), *files]
            return await webhook.edit_message(message_id, view=view, attachments=attachments)

        return put

    def _edit_in_channel(self, job: Job | Placeholder) -> Put:
        message_id = job.address.message_id
        assert message_id is not None

        async def put(view: ui.LayoutView, files: list[discord.File]) -> discord.Message:
            message = self._channel(job).get_partial_message(message_id)
            if not files:
                return await message.edit(view=view, allowed_mentions=discord.AllowedMentions.none())
            attachments: list[discord.Attachment | discord.File] = [*self._kept_by(job), *files]
            return await message.edit(
                view=view, attachments=attachments, allowed_mentions=discord.AllowedMentions.none()
            )

        return put

    def _send(self, job: Job | Placeholder, *, dm: bool) -> Put:
        async def put(view: ui.LayoutView, files: list[discord.File]) -> discord.Message:
            place: discord.abc.Messageable = self._channel(job)
            if dm:
                user = self._client.get_user(job.user_id) or await self._client.fetch_user(job.user_id)
                place = user
            # The nonce makes a repeat after a lost answer return the first message instead of a second one.
            return await place.send(view=view, files=files, nonce=f"{job.id}-{'d' if dm else 'c'}")

        return put

    def _channel(self, job: Job | Placeholder) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(job.address.channel_id, guild_id=job.address.guild_id)

    def _kept_by(self, job: Job | Placeholder) -> list[discord.Attachment]:
        return self._kept.get(job.id, []) if job.address.keeps_references else []

    async def _references(self, job: Job) -> list[discord.Attachment]:
        """Return the references on the card, fetched anew after a restart."""
        if not job.address.keeps_references or job.address.message_id is None:
            return []
        if job.address.private and not self._token_lives(job):
            return []  # nothing else reaches that message
        if job.id not in self._kept:
            try:
                message = await self._fetch_message(job, job.address.message_id)
            except (discord.HTTPException, *_UNSURE) as error:
                log.info("Job %s: its references could not be read again (%s)", job.id, type(error).__name__)
                return []
            expected = {
                reference_filename(position, reference)
                for position, reference in enumerate(job.request.references, start=1)
            }
            self._kept[job.id] = [kept for kept in message.attachments if kept.filename in expected]
        return self._kept[job.id]

    async def _fetch_message(self, job: Job, message_id: int) -> discord.Message:
        if job.address.private and job.address.token:
            return await self._webhook(job.address.token).fetch_message(message_id)
        return await self._channel(job).fetch_message(message_id)


_TOLD = {State.OVERDUE, State.UNCONFIRMED}  # still open, but the member must hear of them


def _with_references(job: Job, keeps: bool) -> Job:
    return replace(job, address=replace(job.address, keeps_references=keeps))


def _file(upload: Upload) -> discord.File:
    return discord.File(io.BytesIO(upload.data), filename=upload.name)
