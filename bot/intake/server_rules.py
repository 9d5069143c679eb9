"""Whether the rules that moderators set for their server let a member make a video."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from bot.intake.context import Interaction, is_age_restricted, quota_guild_id
from bot.intake.refusals import Refusal
from bot.models.drafts import Draft
from bot.models.moderation import AgeRule
from bot.models.remedies import Remedy
from bot.moderation.audit_log import AuditLog
from bot.moderation.service import ModerationService
from bot.ui.texts import moderation as texts
from bot.ui.texts import moderation_log as log_texts
from bot.ui.texts.cast import name_refused

log = logging.getLogger(__name__)


class ServerRules:
    """Asks the rules of a server, before anything is spent."""

    def __init__(self, moderation: ModerationService, audit_log: AuditLog) -> None:
        self._moderation = moderation
        self._audit_log = audit_log

    def refusal(self, interaction: Interaction, draft: Draft) -> Refusal | None:
        """Return why a draft may not become a video here, None where it may."""
        return self.refusal_of_member(interaction) or self._refusal_of_prompt(interaction, draft)

    def refusal_of_member(self, interaction: Interaction) -> Refusal | None:
        """Return why a member may not make any video here, None where they may."""
        guild_id, user_id = quota_guild_id(interaction), interaction.user.id
        if guild_id is None:
            return None
        if block := self._moderation.block_of(guild_id, user_id):
            log.info("Interaction %s was refused: %s is blocked in %s", interaction.id, user_id, guild_id)
            return Refusal(texts.blocked(block), Remedy.NONE, ["blocked"])
        if self._age_rule(interaction) is AgeRule.REFUSED:
            log.info("Interaction %s was refused: its channel isn't age-restricted", interaction.id)
            return Refusal(texts.only_in_age_restricted(), Remedy.NONE, ["not_age_restricted"])
        return None

    def refusal_of_names(self, interaction: Interaction, names: Sequence[str]) -> Refusal | None:
        """Return why saved references may not be used under these names here: everybody sees them."""
        guild_id = quota_guild_id(interaction)
        if not any(self._moderation.filter_hit(guild_id, name) for name in names):
            return None
        log.info("Interaction %s was refused by a filter in server %s", interaction.id, guild_id)
        return Refusal(name_refused(), Remedy.CHANGE, ["content_filter"])

    def covered(self, interaction: Interaction, draft: Draft) -> Draft:
        """Return a draft whose video is covered where the server wants that."""
        covers = self._age_rule(interaction) is AgeRule.COVERED
        return replace(draft, spoiler=True) if covers else draft

    def _age_rule(self, interaction: Interaction) -> AgeRule:
        """Return how a video is shown in this channel; in age-restricted ones and outside servers it is."""
        guild_id = quota_guild_id(interaction)
        if guild_id is None or is_age_restricted(interaction):
            return AgeRule.SHOWN
        return self._moderation.settings(guild_id).age

    def _refusal_of_prompt(self, interaction: Interaction, draft: Draft) -> Refusal | None:
        guild_id = quota_guild_id(interaction)
        hit = self._moderation.filter_hit(guild_id, draft.prompt)
        if hit is None:
            return None
        log.info("Interaction %s was refused by a filter in server %s", interaction.id, guild_id)
        if guild_id is not None:
            prompt = None if draft.private else draft.prompt
            with self._audit_log.speaking(guild_id):
                self._audit_log.note(guild_id, log_texts.filter_hit(interaction.user.id, prompt, hit))
        return Refusal(texts.prompt_refused(by_server=bool(hit.entries)), Remedy.CHANGE, ["content_filter"])
