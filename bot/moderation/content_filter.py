"""Which words and patterns of a list a text has in it. No pattern can take long: RE2 reads a text once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.models.moderation import ENTRY_MAX, EntryKind, EntryProblem, FilterEntry
from bot.moderation.normalization import fold_letters, simplify, skeleton

PATTERN_MEMORY = 1 << 20  # bytes that RE2 may take for a pattern; one that needs more is refused
_PATTERN_MARK = "/"  # an entry of the operator's file between two of these is a pattern


class BadEntry(ValueError):  # noqa: N818 - it names what happened
    """An entry can't be used; the text says why to operators, without naming the entry."""

    def __init__(self, text: str, problem: EntryProblem = EntryProblem.PATTERN) -> None:
        super().__init__(text)
        self.problem = problem


class ContentFilter:
    """One list of words and patterns, made ready when it is first asked."""

    def __init__(self, entries: Sequence[FilterEntry]) -> None:
        self.entries = tuple(entries)
        self._words: list[tuple[re.Pattern[str], FilterEntry]] | None = None
        self._patterns: list[tuple[Any, FilterEntry]] = []

    def hits(self, text: str) -> list[FilterEntry]:
        """Return every entry that a text has in it."""
        if not self.entries:
            return []
        if self._words is None:
            self._prepare()
        assert self._words is not None, "it was just prepared"
        bare = skeleton(text)
        # Letters as they are too: a pattern may be written in another script.
        forms = {simplify(text), fold_letters(text)}
        found = {entry for pattern, entry in self._words if pattern.search(bare)}
        found |= {entry for pattern, entry in self._patterns if any(pattern.search(form) for form in forms)}
        return [entry for entry in self.entries if entry in found]

    def _prepare(self) -> None:
        self._words = [
            (_whole_words(entry.text), entry) for entry in self.entries if entry.kind is EntryKind.WORD
        ]
        self._patterns = [
            (_compile(entry.text), entry) for entry in self.entries if entry.kind is EntryKind.PATTERN
        ]


def check_entry(entry: FilterEntry) -> FilterEntry:
    """Return the entry as it is kept. Raises BadEntry where it can't be used."""
    text = entry.text.strip() if entry.kind is EntryKind.PATTERN else simplify(entry.text)
    if not text:
        raise BadEntry("it's empty", EntryProblem.EMPTY)
    if len(text) > ENTRY_MAX:
        raise BadEntry(f"it's longer than {ENTRY_MAX} characters", EntryProblem.TOO_LONG)
    if entry.kind is EntryKind.WORD:
        if not any(character.isalnum() for character in skeleton(text)):
            raise BadEntry("it has no letter and no digit", EntryProblem.NO_LETTER)
        return FilterEntry(text, entry.kind)
    if _compile(text).search("") is not None:
        text = "it also fits a text with nothing in it, so it would refuse everything"
        raise BadEntry(text, EntryProblem.FITS_EVERYTHING)
    return FilterEntry(text, entry.kind)


def read_entries(text: str) -> list[FilterEntry]:
    """Return the entries of an operator's file: a word or a /pattern/ a line, and comments after a #.

    Raises BadEntry with the number of the line.
    """
    entries = []
    for number, untrimmed in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line = untrimmed.strip()
        if not line or line.startswith("#"):
            continue
        is_pattern = len(line) > 2 and line[0] == line[-1] == _PATTERN_MARK
        entry = FilterEntry(line[1:-1], EntryKind.PATTERN) if is_pattern else FilterEntry(line)
        try:
            entries.append(check_entry(entry))
        except BadEntry as error:
            raise BadEntry(f"has an entry in line {number} that can't be used: {error}") from None
    return list(dict.fromkeys(entries))


def read_file(path: Path) -> list[FilterEntry]:
    """Return the entries of an operator's file. Raises BadEntry with what is wrong with it."""
    try:
        return read_entries(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadEntry(f"can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise BadEntry("isn't a text file in UTF-8") from None


def _whole_words(text: str) -> re.Pattern[str]:
    """Return what finds a word, but not as a part of another one; of several words the gaps may differ."""
    bare = skeleton(text)
    inner = r"\W+".join(re.escape(part) for part in bare.split())
    before = r"(?<!\w)" if re.match(r"\w", bare) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", bare) else ""
    return re.compile(f"{before}{inner}{after}")


def _compile(text: str) -> Any:
    """Return a pattern of RE2. Raises BadEntry with what RE2 says."""
    import re2  # noqa: PLC0415 - most servers have no pattern, and it takes memory

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        raise BadEntry(
            reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        ) from None
    except UnicodeEncodeError:
        raise BadEntry("it has characters that can't be saved", EntryProblem.UNSAVABLE) from None
