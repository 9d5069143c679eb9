"""What `/moderation filter` answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.models.moderation import (
    ENTRIES_MAX,
    ENTRY_MAX,
    EntryKind,
    EntryProblem,
    FilterEntry,
    FilterHit,
)
from bot.ui import formatting
from bot.ui.plain_text import plain, shorten
from bot.ui.translator import N_, _

ENTRY_SHOWN, ENTRIES_SHOWN = 40, 3  # characters, and entries, where several stand in a sentence
_PROBLEMS = {
    EntryProblem.EMPTY: N_("it's empty"),
    EntryProblem.TOO_LONG: N_("it's longer than {count} characters"),
    EntryProblem.NO_LETTER: N_("it has no letter and no digit"),
    EntryProblem.FITS_EVERYTHING: N_("it also fits a text with nothing in it, so it would refuse everything"),
    EntryProblem.UNSAVABLE: N_("it has characters that can't be saved"),
}


def word_or_pattern() -> str:
    """Return that an entry is either of the two."""
    return "❌ " + _("Set `word` or `pattern`: one of them, not both.")


def bad_entry(entry: FilterEntry, problem: EntryProblem, from_library: str = "") -> str:
    """Return why an entry can't be used; of a pattern that makes no sense the library says why."""
    if problem in _PROBLEMS:
        reason = _(_PROBLEMS[problem]).format(count=formatting.number(ENTRY_MAX))
    else:
        reason = plain(from_library)
    if entry.kind is EntryKind.WORD:
        text = _("I can't use this word: {reason}.")
    else:
        text = _(
            "I can't use this pattern: {reason}. Patterns are written like in Google RE2: "
            "`cats?` finds cat and cats, and `gr[ae]y` finds gray and grey."
        )
    return "❌ " + text.format(reason=reason)


def filter_full() -> str:
    """Return that there is no room for another entry."""
    text = _("This server's filter has {count} entries, and that's the limit. Remove one first.")
    return "❌ " + text.format(count=formatting.number(ENTRIES_MAX))


def entry_added(entry: FilterEntry, *, is_new: bool) -> str:
    """Return that prompts with this in them are refused."""
    if not is_new:
        return _("{entry} is in this server's filter already. Nothing has changed.").format(
            entry=entry_text(entry)
        )
    text = _("Added {entry}. Prompts with it are refused now. Try it out with `/moderation filter test`.")
    return "✅ " + text.format(entry=entry_text(entry))


def entry_removed(entries: Sequence[FilterEntry]) -> str:
    """Return that prompts with this in them are fine again."""
    return "✅ " + _("Removed {entry}.").format(entry=entries_text(entries))


def no_such_entry() -> str:
    """Return that there is nothing to remove."""
    return "❌ " + _(
        "This server's filter has no entry like that. `/moderation filter list` shows all of them."
    )


def entry_list(entries: Sequence[FilterEntry]) -> tuple[str, list[str]]:
    """Return a title, and a line for each entry."""
    if not entries:
        return _("This server's filter is empty. To add a word, use `/moderation filter add`."), []
    return "🧹 " + _("**Filter of this server**"), [f"- {entry_text(entry)}" for entry in entries]


def text_tested(hit: FilterHit | None) -> str:
    """Return what in a text is refused."""
    if hit is None:
        return "✅ " + _("This text is fine: nothing in it is refused.")
    lines = []
    if hit.entries:
        lines.append(
            "🚫 " + _("This text is refused. It has {entries}.").format(entries=entries_text(hit.entries))
        )
    if hit.by_operator:
        lines.append("🚫 " + _("The people who run this bot don't allow this text in any server."))
    return "\n".join(lines)


def entry_text(entry: FilterEntry) -> str:
    """Return an entry as it is shown to managers."""
    if entry.kind is EntryKind.WORD:
        return _("the word **{word}**").format(word=plain(entry.text))
    return _("the pattern {pattern}").format(pattern=plain(entry.text))


def entries_text(entries: Sequence[FilterEntry]) -> str:
    """Return the first of several entries in a row, each so short that a message has room for all."""
    shown = [replace(entry, text=shorten(entry.text, ENTRY_SHOWN)) for entry in entries[:ENTRIES_SHOWN]]
    more = ["…"] if len(entries) > ENTRIES_SHOWN else []
    return formatting.listed([*(entry_text(entry) for entry in shown), *more])
