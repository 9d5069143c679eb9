"""Names and descriptions of commands in all languages, as Discord shows them to each member."""

from __future__ import annotations

from gettext import NullTranslations

from discord import Locale
from discord.app_commands import (
    ContextMenu,
    TranslationContextLocation,
    TranslationContextTypes,
    Translator,
    locale_str,
)

from bot.models.languages import LOCALES, Language
from bot.ui.catalogs import languages, read_catalog

# How the catalogs tell apart what may be the same word in English. They are in the catalogs: change none.
COMMAND, MENU, OPTION, CHOICE, DESCRIPTION = "command", "menu", "option", "choice", "description"
_CONTEXTS = {
    TranslationContextLocation.command_name: COMMAND,
    TranslationContextLocation.group_name: COMMAND,
    TranslationContextLocation.parameter_name: OPTION,
    TranslationContextLocation.choice_name: CHOICE,
    TranslationContextLocation.command_description: DESCRIPTION,
    TranslationContextLocation.group_description: DESCRIPTION,
    TranslationContextLocation.parameter_description: DESCRIPTION,
}


class CommandTranslator(Translator):
    """Looks up what stands in the catalogs; it is needed only while the commands are registered."""

    def __init__(self) -> None:
        spoken = languages()
        # Asked for each text in each of Discord's locales, of which there are many more than languages.
        self._languages = {
            locale: LOCALES[locale.value]
            for locale in Locale
            if locale.value in LOCALES and LOCALES[locale.value] in spoken
        }
        self._catalogs: dict[Language, NullTranslations] = {}

    async def translate(
        self, string: locale_str, locale: Locale, context: TranslationContextTypes
    ) -> str | None:
        """Return a name or a description for a locale, None where English is to be shown."""
        language = self._languages.get(locale)
        if language is None or (where := context_of(context)) is None:
            return None
        if language not in self._catalogs:
            # Not kept for members: they are asked in few of the languages in which commands are registered.
            self._catalogs[language] = read_catalog(language)
        found = self._catalogs[language].pgettext(where, string.message)
        # Those who chose English read what was written in English, also where Discord's default may change.
        return found if found != string.message or language is Language.ENGLISH else None


def context_of(context: TranslationContextTypes) -> str | None:
    """Return where in the catalogs a name or a description of a command is looked up."""
    if isinstance(context.data, ContextMenu):
        return MENU
    return _CONTEXTS.get(context.location)
