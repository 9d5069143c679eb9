"""Numbers, sizes, lengths, moments and lists as people read them, in their language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from discord.utils import format_dt

from bot.ui.conventions import Conventions, conventions_of
from bot.ui.translator import _, current_language, ngettext

MEGABYTE = 1024 * 1024  # bytes; Discord counts so, and calls it MB


def number(value: int) -> str:
    """Return a number with its thousands separated."""
    return _localized(f"{value:,}")


def decimal(value: float) -> str:
    """Return a number with as many decimals as it has."""
    return _localized(f"{value:,.12g}")


def plain_decimal(value: float) -> str:
    """Return a number with as many decimals as it has, and without signs between its thousands."""
    return _localized(f"{value:.12g}")


def amount(value: Decimal) -> str:
    """Return an amount of money with all the decimals that it comes with."""
    return _localized(f"{value:,}")


def percent(value: int) -> str:
    """Return a number of hundredths: languages differ in the space before the sign."""
    return _("{count}%").format(count=number(value))


def megabytes(size: int) -> str:
    """Return a size in MB as Discord shows it, rounded up to a tenth.

    Rounded up, because a size just over its limit must not read like the limit.
    """
    return _("{count} MB").format(count=decimal(-(-size * 10 // MEGABYTE) / 10))


def seconds(count: float) -> str:
    """Return a number of seconds in words, with a tenth where it is no whole number."""
    shown = round(count, 1)
    return ngettext("{count} second", "{count} seconds", _countable(shown)).format(count=decimal(shown))


def videos(count: int) -> str:
    """Return a number of videos in words."""
    return ngettext("{count} video", "{count} videos", count).format(count=number(count))


def relative(moment: datetime) -> str:
    """Return a moment that counts on the reader's own screen, such as "in 5 minutes"."""
    return format_dt(moment, "R")


def moment(when: datetime) -> str:
    """Return a moment with its date and time, as the reader's own screen shows both."""
    return format_dt(when, "f")


def listed(items: Iterable[str]) -> str:
    """Return a list on one line."""
    return _conventions().comma.join(items)


def labeled(name: str, value: str) -> str:
    """Return a value behind its name: languages differ in the space before a colon."""
    return _("{name}: {value}").format(name=name, value=value)


def bracketed(text: str, aside: str) -> str:
    """Return a text with a few words in brackets behind it: languages differ in brackets and spaces."""
    return _("{text} ({aside})").format(text=text, aside=aside)


def sentences(parts: Iterable[str]) -> str:
    """Return those of these sentences that say something, one after the other."""
    return _conventions().gap.join(part for part in parts if part)


def _conventions() -> Conventions:
    return conventions_of(current_language())


def _localized(text: str) -> str:
    """Return a number with the signs of the current language; it comes with those of English."""
    signs = _conventions()
    return text.translate({ord(","): signs.thousands, ord("."): signs.decimal})


def _countable(value: float) -> int:
    """Return a whole number that has the same form of a word."""
    if value == int(value):
        return int(value)
    signs = _conventions()
    return 1 if signs.singular_below_two and value < 2 else signs.fraction_like
