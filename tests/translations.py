"""Collect every sentence, bring the catalogs up to date with them, and compile those: `make translations`.

`make translations ARGS=fr` begins a new one.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from discord import Locale, app_commands

from bot.client.bot import EXTENSIONS, ViduBot
from bot.models.languages import Language
from bot.settings import parse
from bot.ui.catalogs import DOMAIN, FOLDER
from bot.ui.command_translator import COMMAND, MENU, OPTION, context_of
from bot.ui.texts.language import LANGUAGE_NAMES

ROOT = Path(__file__).parent.parent
TEMPLATE = FOLDER / f"{DOMAIN}.pot"
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
# What is the same in all languages; discord.py says "…" of an option that has no description.
UNTRANSLATED = {"…", *LANGUAGE_NAMES.values()}
NOTES = {
    COMMAND: "The name of a command: up to 32 lower-case letters, no spaces, each name only once",
    OPTION: "The name of an option: up to 32 lower-case letters, no spaces, each name only once in a command",
    MENU: "An entry of a message's menu: up to 32 characters",
}
OTHERS = "Up to 100 characters"  # descriptions and choices
HEADER = """\
# Every sentence of the bot. docs/translating.md says how to translate them."""
# A moment that never changes, so that only sentences change the files.
MADE = datetime(2026, 1, 1, tzinfo=UTC)


class _Collector(app_commands.Translator):
    """Notes what discord.py would ask for when it registers commands."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], None] = {}

    async def translate(
        self,
        string: app_commands.locale_str,
        _locale: Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """Note what is asked for."""
        where = context_of(context)
        if where is not None and string.message not in UNTRANSLATED:
            self.found.setdefault((where, string.message))
        return None


async def command_tree() -> app_commands.CommandTree[ViduBot]:
    """Return all commands as they are registered; nothing behind them is there."""
    bot = ViduBot(parse({"discord_token": "none", "gmi_api_key": "none"}))
    for part in ViduBot.__annotations__:
        setattr(bot, part, Mock())
    for extension in EXTENSIONS:
        await bot.load_extension(extension)
    tree: app_commands.CommandTree[ViduBot] = bot.tree
    return tree


async def command_words() -> list[tuple[str, str]]:
    """Return every name and description of commands, each with its context."""
    tree, collector = await command_tree(), _Collector()
    for command in tree.get_commands():
        await command.get_translated_payload(tree, collector)
    return list(collector.found)


def template() -> Catalog:
    """Return every sentence that there is to translate."""
    catalog = Catalog(
        project="vidu-bot", header_comment=HEADER, creation_date=MADE, fuzzy=False, charset="utf-8"
    )
    for place, message, notes, context in _sentences():
        catalog.add(message, locations=[(place, 1)], auto_comments=notes, context=context)
    for context, words in asyncio.run(command_words()):
        catalog.add(words, auto_comments=[NOTES.get(context, OTHERS)], context=context)
    return catalog


def _sentences() -> Iterator[tuple[str, str | tuple[str, ...], list[str], str | None]]:
    for folder in ("bot", "cogs"):
        found = extract_from_dir(
            ROOT / folder, [("**.py", "python")], keywords=KEYWORDS, comment_tags=["i18n:"]
        )
        for file, _line, message, notes, context in found:
            yield f"{folder}/{file}", message, notes, context


def po_path(language: Language) -> Path:
    """Return where the sentences of a language are translated."""
    return FOLDER / language.value / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_po(language: Language) -> Catalog:
    """Return a catalog as it was written by people."""
    with po_path(language).open("rb") as file:
        return pofile.read_po(file, locale=language.value, abort_invalid=True)


def compiled(catalog: Catalog) -> bytes:
    """Return a catalog as the bot reads it."""
    buffer = io.BytesIO()
    mofile.write_mo(buffer, catalog)
    return buffer.getvalue()


def written(catalog: Catalog) -> bytes:
    """Return a catalog as people read it."""
    buffer = io.BytesIO()
    pofile.write_po(buffer, catalog, width=110, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    return buffer.getvalue()


def translated() -> list[Language]:
    """Return the languages that have a catalog."""
    return [language for language in Language if po_path(language).exists()]


def begin(language: Language) -> None:
    """Begin the catalog of a language, with nothing translated."""
    catalog = Catalog(
        locale=language.value, project="vidu-bot", header_comment=HEADER, creation_date=MADE, fuzzy=False
    )
    po_path(language).parent.mkdir(parents=True, exist_ok=True)
    po_path(language).write_bytes(written(catalog))


def update() -> None:
    """Write the template, and bring every catalog up to date."""
    found = template()
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_bytes(written(found))
    for language in translated():
        catalog = read_po(language)
        catalog.update(found, no_fuzzy_matching=True)
        po_path(language).write_bytes(written(catalog))
        po_path(language).with_suffix(".mo").write_bytes(compiled(catalog))
        left = sum(1 for message in catalog if message.id and not is_translated(message.string))
        print(f"{language.value}: {left} of {len(catalog)} sentences left to translate")


def is_translated(string: object) -> bool:
    """Tell whether a translation is complete, in all its plural forms."""
    return all(string) if isinstance(string, tuple) else bool(string)


if __name__ == "__main__":
    for new in sys.argv[1:]:
        begin(Language(new))
    update()
