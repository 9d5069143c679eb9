"""Every catalog that is there: complete, correct, and within what Discord takes."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from gettext import c2py
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message

from bot.models.languages import LOCALES, Language
from bot.ui import catalogs, formatting
from bot.ui.catalogs import FOLDER, catalog, catalog_path
from bot.ui.command_translator import CHOICE, COMMAND, DESCRIPTION, MENU, OPTION
from bot.ui.texts.language import LANGUAGE_NAMES
from bot.ui.translator import speaking
from tests import translations

TRANSLATED = translations.translated()
LONGEST = {COMMAND: 32, OPTION: 32, MENU: 32, CHOICE: 100, DESCRIPTION: 100}  # characters [Discord]
ROOT = translations.ROOT
NAME = re.compile(r"[-_'\w]{1,32}")  # of commands and options [Discord], in lower case
CODE = re.compile(r"`([^`]+)`")
SIGNS = re.compile(r"^(?:-# |### |- )|\*\*|\n|<|>", re.MULTILINE)  # what Discord turns into a format
languages = pytest.mark.parametrize("language", TRANSLATED)


@cache
def template() -> list[Message]:
    return [message for message in translations.template() if message.id]


@cache
def messages(language: Language) -> list[Message]:
    return [message for message in translations.read_po(language) if message.id]


def strings(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (str(message.string),)


def ids(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (str(message.id),)


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_folder_is_a_language_and_has_both_files() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert folders == {language.value for language in TRANSLATED}
    assert set(LANGUAGE_NAMES) == set(Language) == set(LOCALES.values())


def test_the_template_has_every_sentence() -> None:
    assert translations.TEMPLATE.read_bytes() == translations.written(translations.template()), (
        "sentences have changed: run `make translations`"
    )


@languages
def test_a_catalog_is_complete_and_compiled(language: Language) -> None:
    expected = Counter((message.context, ids(message)) for message in template())
    found = Counter((message.context, ids(message)) for message in messages(language))
    assert found == expected, "run `make translations`"
    left = [message.id for message in messages(language) if not all(strings(message))]
    assert not left, f"not translated: {left[:10]}"
    assert not [message.id for message in messages(language) if message.fuzzy]
    compiled = translations.compiled(translations.read_po(language))
    assert catalog_path(language).read_bytes() == compiled, "run `make translations`"


@languages
def test_placeholders_and_formats_are_those_of_the_sentence(language: Language) -> None:
    form = c2py(str(translations.read_po(language).plural_expr))
    only_one = {form(1)} - {form(number) for number in range(200) if number != 1}
    for message in messages(language):
        for position, text in enumerate(strings(message)):
            # "your oldest video" may stand for 1 alone; in Russian the same form is that of 21.
            sources = ids(message) if position in only_one else ids(message)[-1:]
            assert gaps(text) in [gaps(source) for source in sources], (message.id, text)
            one_of = [sorted(SIGNS.findall(source)) for source in ids(message)]
            assert sorted(SIGNS.findall(text)) in one_of, (message.id, text)


def test_no_sentence_looks_as_if_it_were_filled_with_percent_signs() -> None:
    """Tools of translators would check it for `%s`, which it has not: numbers bring their sign with them."""
    assert not [message.id for message in template() if message.python_format]


@languages
def test_what_commands_are_called_is_what_discord_takes(language: Language) -> None:
    for message in messages(language):
        (text,) = strings(message) if message.context else ("",)
        assert len(text) <= LONGEST.get(message.context or DESCRIPTION, 0), (message.id, text)
        if message.context in {COMMAND, OPTION}:
            assert NAME.fullmatch(text), (message.id, text)
            assert text == text.lower(), (message.id, text)


@languages
def test_sentences_name_commands_and_options_as_members_see_them(language: Language) -> None:
    """A sentence that names a command is followed by typing it."""
    known = catalog(language)
    for message in messages(language):
        if message.context is not None:
            continue
        expected = Counter(_localized(code, known.pgettext) for code in CODE.findall(ids(message)[-1]))
        for text in strings(message):
            assert Counter(CODE.findall(text)) == expected, (message.id, text)
    menu = known.pgettext(MENU, "Make a video from this")
    assert any(f"**{menu}**" in text for message in messages(language) for text in strings(message))


def _localized(code: str, pgettext: object) -> str:
    """Return a command or an option as it is called in a language; what is neither stays."""
    assert callable(pgettext)
    if code.startswith("/"):
        return "/" + " ".join(pgettext(COMMAND, name) for name in code[1:].split())
    return str(pgettext(OPTION, code))


def test_a_catalog_that_is_missing_or_broken_is_english_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(catalogs, "FOLDER", tmp_path)
    broken = tmp_path / "de" / "LC_MESSAGES" / "vidu.mo"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no catalog at all")
    catalogs.catalog.cache_clear()
    try:
        for language in (Language.GERMAN, Language.FRENCH):
            with speaking(language):
                assert formatting.videos(2) == "2 videos"
                assert formatting.videos(1) == "1 video"
    finally:
        catalogs.catalog.cache_clear()
    said = [record.getMessage() for record in caplog.records]
    assert [line.split("(")[0] for line in said] == [
        "The catalog 'de' can't be read ",
        "The catalog 'fr' can't be read ",
    ]


LOOKUPS = {"_", "gettext", "ngettext", "pgettext"}
UI = sorted((ROOT / "bot" / "ui").rglob("*.py"))
# For operators, and what languages call themselves.
IN_ENGLISH = {"budgets.py", "catalogs.py", "language.py"}


def calls(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def outside_functions(node: ast.AST) -> list[ast.AST]:
    """Return what runs when a module is imported."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found += [child, *outside_functions(child)]
    return found


@pytest.mark.parametrize("path", [*UI, *(ROOT / "cogs").glob("*.py")], ids=lambda path: path.name)
def test_no_sentence_is_made_at_import(path: Path) -> None:
    """Nobody's language is known then."""
    found = outside_functions(ast.parse(path.read_text()))
    assert not [node for node in found if calls(node, LOOKUPS)]


@pytest.mark.parametrize("path", [path for path in UI if path.name not in IN_ENGLISH], ids=lambda p: p.name)
def test_every_sentence_is_marked(path: Path) -> None:
    tree = ast.parse(path.read_text())
    marked = {id(part) for node in ast.walk(tree) if calls(node, LOOKUPS | {"N_"}) for part in ast.walk(node)}
    marked |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # documentation
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in marked]
    texts = [node.value for node in constants if isinstance(node.value, str)]
    assert not [text for text in texts if re.search(r"[A-Za-z]{2,} [a-z]{2,}", text)]


@pytest.mark.parametrize("path", [path for path in UI if path.name not in IN_ENGLISH], ids=lambda p: p.name)
def test_punctuation_comes_from_the_catalogs_too(path: Path) -> None:
    """French has a space before a colon, Japanese its own brackets and commas."""
    tree = ast.parse(path.read_text())
    parts = [part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values]
    joins = [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "join"]
    glue = [part.value for part in [*parts, *joins] if isinstance(part, ast.Constant)]
    assert not [text for text in glue if re.search(r"[:;,]\s|:\*\*| [(]", str(text))]
