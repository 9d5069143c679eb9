"""What a card shows and holds: its state, the references that it keeps, and the finished videos."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import discord

from bot.delivery.fetcher import Fetcher, Result
from bot.delivery.results import Links, present
from bot.delivery.routes import UNSURE, Build, Content, Gone, Route, Routes, Undeliverable
from bot.models.jobs import CardLocation, Job, PendingReply, State
from bot.ui.cards import card, lost_request_card, reference_filename, video_filename
from bot.ui.custom_ids import CardAction, card_button_id
from bot.ui.job_texts import notification

log = logging.getLogger(__name__)

ATTACHMENTS_MAX = 10  # of one message [Discord]; the videos come before the references


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to put on a card."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a card with videos is, and until when a file may still take the place of a link there."""

    location: CardLocation
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


class Delivery:
    """Shows the cards of jobs and posts their videos."""

    def __init__(self, routes: Routes, fetcher: Fetcher) -> None:
        self._routes = routes
        self._fetcher = fetcher
        self._kept: dict[int, list[discord.Attachment]] = {}  # the references on a card, by open job

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a job that has ended."""
        self._routes.forget(job_id)
        self._kept.pop(job_id, None)

    async def show(
        self, job: Job, uploads: Sequence[Upload] = (), usual: float | None = None
    ) -> CardLocation:
        """Show the job's state on its card and return where the card is now.

        A passing state is only ever an edit; an end also finds its member by a new message.
        Raises Undeliverable when no route took it.
        """

        def build(route: Route) -> Content:
            # References travel with the first card only, and a card names them once they have arrived:
            # Discord refuses one that names what is not attached. A card at a new place goes without them.
            travels = bool(uploads) and route.same_message and route.place.limit > 0
            keeps = route.same_message and (travels or job.location.keeps_references)
            shown = _with_references(job, keeps)
            files = [_file(upload) for upload in uploads] if travels else []
            return Content(shown.location, card(shown, usual=usual), files)

        location, _ = await self._post(
            job, build, self._routes.to_card(job, final=not job.is_open or job.state in _TOLD)
        )
        return location

    async def present(self, job: Job) -> None:
        """Show a copy of a job's card at the job's address, with its videos. Raises Undeliverable."""
        if job.results:
            await self.deliver(job, final=False)
        else:
            routes = self._routes.to_card(job, final=False)
            await self._post(job, lambda _: Content(job.location, card(job)), routes)

    async def references(self, job: Job) -> list[discord.Attachment]:
        """Return the references that a job's card has kept, with fresh links; none if it is out of reach."""
        # Never from memory: Discord's links to files live for about a day.
        return await self._read_references(job) or []

    async def deliver(self, job: Job, *, final: bool = True, refetch_until: datetime | None = None) -> Posted:
        """Download the job's videos once, post them, and return where the card is now.

        Where one could not be fetched its link is posted, and the card tells until when the file may come.
        Raises Undeliverable.
        """
        routes = self._routes.to_card(job, final=final, links=Links.PLAYED)
        limit = max((route.place.limit for route in routes), default=0)
        async with self._fetcher.fetch(job.results, limit) as results:
            delivered = replace(job, state=State.DELIVERED)
            kept = await self._references(job)
            if len(kept) + len(results) > ATTACHMENTS_MAX:
                kept = self._kept[job.id] = []
            missing = any(result.missing for result in results)

            def until(route: Route) -> datetime | None:
                return self._routes.editable_until(job, route, refetch_until) if missing else None

            def build(route: Route) -> Content:
                shown = _with_references(delivered, bool(kept) and route.same_message)
                content = present(shown, results, replace(route.place, refetch_until=until(route)))
                view = card(shown, content.media, content.note)
                return Content(
                    shown.location, view, content.files, kept if shown.location.keeps_references else ()
                )

            routes = self._routes.to_card(job, final=final, links=Links.PLAYED)
            location, route = await self._post(job, build, routes)
            return Posted(location, until(route))

    @asynccontextmanager
    async def refetch(self, job: Job) -> AsyncIterator[Refetched]:
        """Fetch again what a job's card shows as a link.

        Raises Gone where there is no such card any more, Undeliverable where nobody knows.
        """
        message = await self._card_message(job)
        attached = list(message.attachments) if message is not None else self._kept.get(job.id, [])
        names = {attachment.filename for attachment in attached}
        videos = [video_filename(job, position) for position in range(1, len(job.results) + 1)]
        references = _reference_names(job) if job.location.keeps_references else set()
        if len(references) + len(videos) > ATTACHMENTS_MAX:
            references = set()
        kept = [each for each in attached if each.filename in references or each.filename in videos]
        limit = max((route.place.limit for route in self._routes.edits(job)), default=0)
        async with self._fetcher.fetch(job.results, limit, [name in names for name in videos]) as results:
            yield Refetched(job, results, kept)

    async def replace_links(self, found: Refetched) -> CardLocation:
        """Put what was fetched in the place of links, on the same card and silently.

        Raises Gone where the card is not there any more, Undeliverable where it did not work.
        """
        job = found.job
        references = _reference_names(job)
        keeps = any(each.filename in references for each in found.kept)
        shown = _with_references(job, keeps)

        def build(route: Route) -> Content:
            until = None if found.complete else job.refetch_until
            content = present(shown, found.results, replace(route.place, refetch_until=until))
            view = card(shown, content.media, content.note)
            return Content(shown.location, view, content.files, found.kept)

        location, _ = await self._post(job, build, self._routes.edits(job))
        # The card stays what it was, and for whom.
        return replace(location, private=job.location.private)

    async def report_lost_request(self, placeholder: PendingReply) -> None:
        """Tell a member that their request was lost before it began. Raises Undeliverable."""
        routes = self._routes.to_card(placeholder, final=False)
        await self._post(placeholder, lambda _: Content(placeholder.location, lost_request_card()), routes)

    async def notify(self, job: Job) -> None:
        """Reply to the card so that its owner, and nobody else, is notified."""
        allowed = discord.AllowedMentions(
            everyone=False, roles=False, replied_user=False, users=[discord.Object(job.user_id)]
        )
        text = notification(job)
        try:
            if job.location.guest:
                await self._follow_up(job, text, allowed)
            else:
                await self._reply(job, text, allowed)
        except (discord.HTTPException, *UNSURE) as error:
            # The card tells it all the same; a second attempt could notify twice.
            log.info("Job %s: its owner could not be notified (%s)", job.id, type(error).__name__)

    async def _follow_up(self, job: Job, text: str, allowed: discord.AllowedMentions) -> None:
        """Notify where the bot is a guest: Discord allows it five follow-ups, this is the only one."""
        if self._routes.token_lives(job) and job.location.token:
            await self._routes.webhook(job.location.token).send(text, allowed_mentions=allowed)

    async def _reply(self, job: Job, text: str, allowed: discord.AllowedMentions) -> None:
        channel = self._routes.channel(job)
        card_message = channel.get_partial_message(job.location.message_id or 0)
        await channel.send(
            text,
            reference=card_message.to_reference(fail_if_not_exists=False),
            allowed_mentions=allowed,
            nonce=f"{job.id}-n",
        )

    async def _post(
        self, job: Job | PendingReply, build: Build, routes: Sequence[Route]
    ) -> tuple[CardLocation, Route]:
        """Bring a card there; return where it is now and which way it took. Raises Undeliverable."""
        arrival = await self._routes.attempt(job, build, routes)
        if arrival.location.keeps_references:
            self._kept.setdefault(job.id, list(arrival.message.attachments))
        return arrival.location, arrival.route

    async def _references(self, job: Job) -> list[discord.Attachment]:
        """Return the references on the card of a job under way, fetched anew after a restart."""
        if not job.location.keeps_references:
            return []
        if job.id not in self._kept:
            found = await self._read_references(job)
            if found is None:
                return []
            self._kept[job.id] = found
        return self._kept[job.id]

    async def _read_references(self, job: Job) -> list[discord.Attachment] | None:
        """Return the references on the card as Discord has them now, None where it is out of reach."""
        location = job.location
        if not location.keeps_references or location.message_id is None:
            return None
        if (location.private or location.guest) and not self._routes.token_lives(job):
            return None  # nothing else reaches that message
        try:
            message = await self._routes.read(job, by_token=location.private or location.guest)
        except (discord.HTTPException, *UNSURE) as error:
            log.info("Job %s: its references could not be read again (%s)", job.id, type(error).__name__)
            return None
        names = _reference_names(job)
        return [attachment for attachment in message.attachments if attachment.filename in names]

    async def _card_message(self, job: Job) -> discord.Message | None:
        """Return the message of a delivered card, None where the bot may not read it.

        Raises Gone where it is not there any more, Undeliverable where nobody knows.
        """
        own = job.location.private or job.location.guest
        for by_token in [True, False] if own and self._routes.token_lives(job) else [False]:
            try:
                message = await self._routes.read(job, by_token=by_token)
            except UNSURE as error:
                raise Undeliverable(f"the card of job {job.id} is unsure ({type(error).__name__})") from None
            except discord.HTTPException as error:
                if self._routes.is_gone(job, error):
                    continue  # a token does not reach a direct message
                return None
            if not _has_button(message.components, card_button_id(CardAction.DELETE, job.id)):
                raise Gone(f"the card of job {job.id} was deleted")
            return message
        raise Gone(f"the card of job {job.id} is not there any more")


_TOLD = {State.OVERDUE, State.UNCONFIRMED}  # still open, but the member must hear of them


def _with_references(job: Job, keeps: bool) -> Job:
    return replace(job, location=replace(job.location, keeps_references=keeps))


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
