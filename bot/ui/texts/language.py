"""What `/language` answers."""

from __future__ import annotations

from bot.models.languages import Language
from bot.ui.texts.moderation import before_line
from bot.ui.translator import _

# As each language calls itself, so that everybody finds theirs.
LANGUAGE_NAMES = {
    Language.ENGLISH: "English",
    Language.PORTUGUESE: "Português (Brasil)",
    Language.SPANISH: "Español (Latinoamérica)",
    Language.FRENCH: "Français",
    Language.GERMAN: "Deutsch",
    Language.RUSSIAN: "Русский",
    Language.JAPANESE: "日本語",
    Language.KOREAN: "한국어",
}


def language_name(chosen: Language | None) -> str:
    """Return what a choice is called; None is automatic."""
    return _("automatic") if chosen is None else LANGUAGE_NAMES[chosen]


def language_shown(chosen: Language | None, spoken: Language) -> str:
    """Return which language a server sees, and whether somebody chose it."""
    if chosen is None:
        text = _(
            "Everyone in this server sees my videos and the log in {language}. I chose it automatically."
        )
    else:
        text = _("Everyone in this server sees my videos and the log in {language}.")
    return "\n".join(["🌐 " + text.format(language=LANGUAGE_NAMES[spoken]), _private()])


def language_set(chosen: Language | None, spoken: Language, before: Language | None) -> str:
    """Return that a language was chosen, and what was so before."""
    if chosen is None:
        text = _(
            "I follow the language of this server in Discord now: {language}. "
            "Only Community servers have one, all others are in English."
        )
    else:
        text = _("Everyone in this server sees new videos and the log in {language} now.")
    lines = [
        "✅ " + text.format(language=LANGUAGE_NAMES[spoken]),
        before_line(language_name(before)),
        _private(),
    ]
    return "\n".join(lines)


def _private() -> str:
    return "-# " + _("What only you can see follows the language of your own Discord app.")
