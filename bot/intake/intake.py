"""From a draft to a started job: name what is wrong, read and probe the files, place the order."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import discord

from bot.delivery.sender import Upload
from bot.intake.answers import STORAGE, answer_privately
from bot.intake.attachments import AttachmentReader, InspectedFiles
from bot.intake.context import home, is_guest, role_ids, time_to_read
from bot.jobs.service import DuplicateRequest, ShuttingDown, Submission
from bot.models.drafts import Draft
from bot.models.jobs import CardLocation, PendingReply
from bot.models.quotas import QuotaExceeded
from bot.models.requests import VideoRequest, parse_seed, random_seed
from bot.storage.storage import StorageFault, StorageUnavailable
from bot.ui import quota_texts as sentences
from bot.ui.cards import notice_card, reference_filename
from bot.ui.modal import VideoModal, reopening

if TYPE_CHECKING:
    from bot.client import ViduBot

log = logging.getLogger(__name__)

TOKEN_LIFE = timedelta(minutes=15)  # [Discord]
KEEP_MAX = 24 * 1024 * 1024  # bytes of references on a card; a whole request may have 25 MiB [Discord]

RESTARTING = "🔄 I am about to restart. Nothing was sent; please ask again in a minute."


class Intake:
    """Takes requests in, whichever way they came."""

    def __init__(self, bot: ViduBot) -> None:
        self._bot = bot
        self._files = AttachmentReader(bot)

    async def take(self, interaction: discord.Interaction[Any], draft: Draft) -> None:
        """Start the job that a draft asks for, or tell the member what stands in its way."""
        faults = draft.faults()
        if faults:
            limit = time_to_read(interaction)
            faults += (await self._files.examine_briefly(interaction.user.id, draft.used, limit)).faults
            await self.refuse(interaction, draft, sentences.faults(list(dict.fromkeys(faults))))
            return
        try:
            self._bot.job_service.check_quota(
                home(interaction), interaction.user.id, role_ids(interaction), draft.duration
            )
        except QuotaExceeded as error:
            await self.refuse(interaction, draft, sentences.quota_exceeded(error))
            return
        async with self.placeholder(interaction, private=draft.private) as location:
            if location.guest:
                await interaction.edit_original_response(view=notice_card(sentences.GUEST))
            keep_max = min(interaction.filesize_limit, KEEP_MAX)
            examined = await self._files.examine(interaction.user.id, draft.used, keep_max)
            if examined.faults:
                await self.refuse(interaction, draft, sentences.faults(examined.faults))
                return
            await self._place(interaction, draft, examined, location)

    async def refuse(self, interaction: discord.Interaction[Any], draft: Draft, text: str) -> None:
        """Tell the member why not, with a button that opens what they typed again."""
        kept = await self.keep(draft)
        await answer_privately(interaction, text, view=reopening(draft) if kept else None)

    async def open_window(
        self, interaction: discord.Interaction[Any], draft: Draft, about_files: str | None = None
    ) -> None:
        """Open the window of a draft; it must be the first answer to the interaction."""
        # An empty window needs no memory: everything comes back with its answer.
        kept = bool(draft.sources) and await self.keep(draft)
        if draft.sources and not kept:
            await answer_privately(interaction, STORAGE)
            return
        await interaction.response.send_modal(VideoModal(draft, kept=kept, about_files=about_files))

    async def keep(self, draft: Draft) -> bool:
        """Keep what was typed for a day; tell whether that went well."""
        try:
            await self._bot.storage.drafts.save(draft, self._bot.clock.now())
        except (StorageUnavailable, StorageFault) as error:
            log.warning("A draft could not be kept (%s)", error)
            return False
        return True

    @asynccontextmanager
    async def placeholder(
        self, interaction: discord.Interaction[Any], *, private: bool
    ) -> AsyncIterator[CardLocation]:
        """Show a placeholder, and remember over any crash that an answer was promised."""
        runner = self._bot.job_service
        location = self.location(interaction, private=private)
        # Written before the placeholder shows, so that after a crash nobody looks at it for ever. Where the
        # disk takes too long for Discord's 3 s, the member reads that instead, and nobody else sees anything.
        await runner.add_pending_reply(PendingReply(interaction.id, interaction.user.id, location))
        try:
            answer = await interaction.response.defer(ephemeral=private, thinking=True)
            location = replace(location, message_id=answer.message_id if answer is not None else None)
            # With the message's id the promise can be kept even after the token's life.
            await runner.add_pending_reply(PendingReply(interaction.id, interaction.user.id, location))
            yield location
        except Exception:
            # The failure is about to be answered; a cancellation is not: then the process ends.
            await runner.remove_pending_reply(interaction.id)
            raise
        if not runner.has(interaction.id):
            await runner.remove_pending_reply(interaction.id)

    def location(self, interaction: discord.Interaction[Any], *, private: bool) -> CardLocation:
        """Return where the answer to an interaction goes; the id of its message is not known yet."""
        assert interaction.channel_id is not None, "nothing happens outside a channel"
        return CardLocation(
            channel_id=interaction.channel_id,
            guild_id=home(interaction),
            token=interaction.token,
            token_expires=self._bot.clock.now() + TOKEN_LIFE,
            private=private,
            upload_limit=interaction.filesize_limit,
            guest=is_guest(interaction),
        )

    async def _place(
        self,
        interaction: discord.Interaction[Any],
        draft: Draft,
        examined: InspectedFiles,
        location: CardLocation,
    ) -> None:
        """Start the job whose placeholder is shown already; where it cannot start the member is told why."""
        references, contents = tuple(examined.references), examined.contents
        request = VideoRequest(
            draft.prompt, references, draft.duration, parse_seed(draft.seed) or random_seed()
        )
        named = zip(references, contents, strict=bool(contents))  # all of them are kept, or none
        uploads = [
            Upload(reference_filename(position, reference), content)
            for position, (reference, content) in enumerate(named, start=1)
        ]
        order = Submission(
            interaction.id,
            interaction.user.id,
            role_ids(interaction),
            home(interaction),
            location,
            request,
            uploads,
            draft.spoiler,
            release=partial(self._bot.upload_bytes.give_back, sum(map(len, contents))),
        )
        try:
            await self._start(order)
        except QuotaExceeded as error:
            await self.refuse(interaction, draft, sentences.quota_exceeded(error))
        except ShuttingDown:
            await self.refuse(interaction, draft, RESTARTING)
        except DuplicateRequest:
            log.info("Interaction %s arrived twice", interaction.id)

    async def _start(self, order: Submission) -> None:
        """Start the job; if there is none, its files leave memory at once."""
        try:
            await self._bot.job_service.start(order)
        except BaseException:
            order.release()
            raise
