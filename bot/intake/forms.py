"""What members typed: kept for a day, and opened in the form again."""

from __future__ import annotations

import logging

from bot.clock import Clock
from bot.intake.access import allowed_or_answered
from bot.intake.answers import answer_privately
from bot.intake.context import Interaction
from bot.intake.server_rules import ServerRules
from bot.models.access import AccessRule
from bot.models.drafts import Draft
from bot.models.remedies import Remedy
from bot.storage.drafts import DraftStore
from bot.storage.storage import StorageFault, StorageUnavailable
from bot.ui.buttons import reopen_view
from bot.ui.modal import VideoModal
from bot.ui.texts import answers as texts

log = logging.getLogger(__name__)


class DraftForms:
    """Opens forms with drafts, and gives a refused member their draft back."""

    def __init__(
        self, drafts: DraftStore, server_rules: ServerRules, access: AccessRule, clock: Clock
    ) -> None:
        self._drafts = drafts
        self._server_rules = server_rules
        self._access = access
        self._clock = clock

    async def open(self, interaction: Interaction, draft: Draft, about_files: str | None = None) -> None:
        """Open the form of a draft; it must be the first answer to the interaction."""
        if not await allowed_or_answered(self._access, interaction):
            return
        if refusal := self._server_rules.refusal_of_member(interaction):
            await answer_privately(interaction, refusal.text)
            return
        # A form needs memory only for what does not come back with its answer.
        needed = bool(draft.sources) or draft.stays_spoiler or bool(draft.cast)
        kept = needed and await self._keep(draft)
        if needed and not kept:
            await answer_privately(interaction, texts.storage_unavailable())
            return
        await interaction.response.send_modal(VideoModal(draft, kept=kept, about_files=about_files))

    async def kept(self, draft_id: int) -> Draft | None:
        """Return what was typed and kept under this id, for as long as it is kept."""
        return await self._drafts.get(draft_id)

    async def refuse(
        self, interaction: Interaction, draft: Draft, text: str, remedy: Remedy = Remedy.CHANGE
    ) -> None:
        """Tell the member why not; where something helps, with a button that opens what they typed again."""
        kept = remedy is not Remedy.NONE and await self._keep(draft)
        await answer_privately(interaction, text, view=reopen_view(draft.id, remedy) if kept else None)

    async def _keep(self, draft: Draft) -> bool:
        """Keep what was typed for a day; tell whether that went well."""
        try:
            await self._drafts.save(draft, self._clock.now())
        except (StorageUnavailable, StorageFault) as error:
            log.warning("A draft could not be kept (%s)", error)
            return False
        return True
