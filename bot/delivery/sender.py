"""What is posted: the state of a job, its finished videos, and files in the place of links."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import discord

from bot.delivery.attachments import CardAttachments, Upload, keeping_references, reference_names
from bot.delivery.fetcher import Fetcher, Result
from bot.delivery.messages import Content
from bot.delivery.notification import notify_owner
from bot.delivery.removal import remove_card
from bot.delivery.results import Links, choose_files
from bot.delivery.routes import Build, Route, Routes, Undeliverable
from bot.models.jobs import CardLocation, Job, PendingReply
from bot.models.states import State
from bot.telemetry.job_lines import ids_of, job_lines
from bot.ui.cards import card, lost_request_card, unknown_request_card
from bot.ui.texts.jobs import NO_EXTRAS, Extras

__all__ = ["Delivery", "Posted", "Refetched", "Upload"]

_FINAL_WHILE_OPEN = {State.OVERDUE, State.UNCONFIRMED}  # still open, but the member must hear of them


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

    def __init__(self, routes: Routes, fetcher: Fetcher, *, may_post: Callable[[], bool]) -> None:
        self._routes = routes
        self._fetcher = fetcher
        self._may_post = may_post
        self._attachments = CardAttachments(routes)

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a job that has ended."""
        self._routes.forget(job_id)
        self._attachments.forget(job_id)

    async def show(
        self, job: Job, uploads: Sequence[Upload] = (), extras: Extras = NO_EXTRAS
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
            shown = keeping_references(job, keeps)
            files = [upload.file() for upload in uploads] if travels else []
            return Content(shown.location, card(shown, extras=extras), files)

        final = not job.is_open or job.state in _FINAL_WHILE_OPEN
        location, _ = await self._post(job, build, self._routes.to_card(job, final=final))
        return location

    async def show_copy(self, job: Job) -> None:
        """Show a copy of a job's card at the job's location, with its videos. Raises Undeliverable."""
        if job.results:
            await self.deliver(job, final=False)
        else:
            routes = self._routes.to_card(job, final=False)
            await self._post(job, lambda _: Content(job.location, card(job)), routes)

    async def references(self, job: Job) -> list[discord.Attachment]:
        """Return the references that a job's card has kept, with fresh links; none if it is out of reach."""
        with job_lines(lambda: ids_of(job)):
            return await self._attachments.fresh_references(job)

    async def deliver(
        self,
        job: Job,
        extras: Extras = NO_EXTRAS,
        *,
        final: bool = True,
        refetch_until: datetime | None = None,
    ) -> Posted:
        """Download the job's videos once, post them, and return where the card is now.

        Where one could not be fetched its link is posted, and the card says until when the file may come.
        Raises Undeliverable.
        """
        routes = self._routes.to_card(job, final=final, links=Links.PLAYED)
        async with self._fetcher.fetch(job.results, _largest(routes)) as results:
            delivered = replace(job, state=State.DELIVERED)
            kept = await self._attachments.for_videos(job, len(results))
            missing = any(result.missing for result in results)

            def until(route: Route) -> datetime | None:
                return self._routes.editable_until(job, route, refetch_until) if missing else None

            def build(route: Route) -> Content:
                shown = keeping_references(delivered, bool(kept) and route.same_message)
                place = replace(route.place, refetch_until=until(route))
                chosen = choose_files(shown, results, place)
                view = card(shown, chosen.media, chosen.note, extras)
                stays = kept if shown.location.keeps_references else ()
                return Content(shown.location, view, chosen.files, stays)

            # Anew: a token may have died while the videos were fetched.
            routes = self._routes.to_card(job, final=final, links=Links.PLAYED)
            location, route = await self._post(job, build, routes)
            return Posted(location, until(route))

    @asynccontextmanager
    async def refetch(self, job: Job) -> AsyncIterator[Refetched]:
        """Fetch again what a job's card shows as a link.

        Raises Gone where there is no such card any more, Undeliverable where nobody knows.
        """
        files = await self._attachments.of_delivered(job)
        limit = _largest(self._routes.edits(job))
        async with self._fetcher.fetch(job.results, limit, files.has_video) as results:
            yield Refetched(job, results, files.kept)

    async def replace_links(self, found: Refetched, extras: Extras = NO_EXTRAS) -> CardLocation:
        """Put what was fetched in the place of links, on the same card and silently.

        Raises Gone where the card is not there any more, Undeliverable where it did not work.
        """
        job = found.job
        references = reference_names(job)
        keeps = any(attachment.filename in references for attachment in found.kept)
        shown = keeping_references(job, keeps)

        def build(route: Route) -> Content:
            until = None if found.complete else job.refetch_until
            chosen = choose_files(shown, found.results, replace(route.place, refetch_until=until))
            view = card(shown, chosen.media, chosen.note, extras)
            return Content(shown.location, view, chosen.files, found.kept)

        location, _ = await self._post(job, build, self._routes.edits(job))
        # The card stays what it was, and for whom.
        return replace(location, private=job.location.private)

    async def remove(self, job: Job) -> bool:
        """Remove the card of a deleted job; False where nothing reaches it. Raises Undeliverable."""
        return await remove_card(self._routes, job)

    async def report_lost_request(self, pending: PendingReply) -> None:
        """Tell a member that their request was lost before it began. Raises Undeliverable.

        One that has no place any more is of a restored backup: what became of it is not known, and its
        message may show a video by now. So that is not touched, and a direct message comes first: a new
        message in the channel would not say whose request it means.
        """
        placed = pending.location.message_id is not None or pending.location.token is not None
        build = lost_request_card if placed else unknown_request_card
        routes = self._routes.to_card(pending, final=not placed)
        if not placed:
            routes.reverse()
        await self._post(pending, lambda _: Content(pending.location, build()), routes)

    async def notify(self, job: Job) -> None:
        """Reply to the card so that its owner, and nobody else, is notified."""
        await notify_owner(self._routes, job)

    async def _post(
        self, job: Job | PendingReply, build: Build, routes: Sequence[Route]
    ) -> tuple[CardLocation, Route]:
        """Bring a card there; return where it is now and which way it took. Raises Undeliverable."""
        if not self._may_post():
            raise Undeliverable(f"the card of job {job.id}: another process may have taken over")
        arrival = await self._routes.try_routes(job, build, routes)
        if arrival.location.keeps_references:
            self._attachments.remember(job.id, arrival.message.attachments)
        return arrival.location, arrival.route


def _largest(routes: Sequence[Route]) -> int:
    """Return the largest file that one of these routes takes, in bytes."""
    return max((route.place.limit for route in routes), default=0)
