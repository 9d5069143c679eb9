"""The language of what everyone in a server sees."""

from __future__ import annotations

from collections.abc import Callable

from bot.models.languages import Language, language_of
from bot.moderation.service import ModerationService


class ServerLanguages:
    """Knows what moderators chose, and otherwise which language a server has in Discord."""

    def __init__(self, moderation: ModerationService, locale_of: Callable[[int], object]) -> None:
        self._moderation = moderation
        self._locale_of = locale_of  # of a server that the bot is in

    def of(self, guild_id: int, locale: object = None) -> Language:
        """Return the language of a server; its locale is looked up where nobody has just heard it.

        Discord says en-US for every server that isn't a Community server.
        """
        chosen = self._moderation.settings(guild_id).language
        return chosen or language_of(locale or self._locale_of(guild_id))
