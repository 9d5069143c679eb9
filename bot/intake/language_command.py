"""What `/language` does, and what it answers."""

from __future__ import annotations

import logging

from bot.models.languages import Language
from bot.models.moderation import ChangeKind
from bot.moderation.audit_log import AuditLog
from bot.moderation.languages import ServerLanguages
from bot.moderation.service import ModerationService
from bot.ui.texts import language as texts

log = logging.getLogger(__name__)


class LanguageCommand:
    """Does what moderators ask for, and puts the answer into words. `by` is who asks."""

    def __init__(
        self, moderation: ModerationService, languages: ServerLanguages, audit_log: AuditLog
    ) -> None:
        self._moderation = moderation
        self._languages = languages
        self._audit_log = audit_log

    def show(self, guild_id: int) -> str:
        """Show which language everyone in a server sees."""
        chosen = self._moderation.settings(guild_id).language
        return texts.language_shown(chosen, self._languages.of(guild_id))

    async def choose(self, guild_id: int, by: int, chosen: Language | None) -> str:
        """Choose the language of what everyone sees; None is the server's own in Discord."""
        before = await self._moderation.set_language(guild_id, chosen)
        log.info("Server %s: %s set its language to %s", guild_id, by, chosen or "automatic")
        if before is not chosen:
            with self._audit_log.speaking(guild_id):
                old, new = texts.language_name(before), texts.language_name(chosen)
                await self._audit_log.record(guild_id, by, ChangeKind.LANGUAGE, before=old, after=new)
        return texts.language_set(chosen, self._languages.of(guild_id), before)

    def trouble(self, guild_id: int) -> list[str]:
        """Return what the moderator who runs any command has to know."""
        return self._audit_log.trouble(guild_id)
