"""Numbers, sizes, lengths and moments as people read them."""

from __future__ import annotations

import math
from datetime import datetime

from discord.utils import format_dt

from bot.ui.translator import ngettext

MEGABYTE = 1024 * 1024  # bytes; Discord counts so, and calls it MB


def number(value: int) -> str:
    """Return a number with its thousands separated."""
    return f"{value:,}"


def megabytes(size: int) -> str:
    """Return a size in MB as Discord shows it, rounded up to a tenth.

    Rounded up, because a size just over its limit must not read like the limit.
    """
    return f"{-(-size * 10 // MEGABYTE) / 10:,g} MB"


def seconds(count: float) -> str:
    """Return a number of seconds in words, with a tenth where it is no whole number."""
    shown = round(count, 1)
    plural = int(shown) if shown == int(shown) else math.ceil(max(shown, 2))  # "0.5 seconds", "1.1 seconds"
    return ngettext("{count} second", "{count} seconds", plural).format(count=f"{shown:,.12g}")


def videos(count: int) -> str:
    """Return a number of videos in words."""
    return ngettext("{count} video", "{count} videos", count).format(count=number(count))


def relative(moment: datetime) -> str:
    """Return a moment that counts on the reader's own screen, such as "in 5 minutes"."""
    return format_dt(moment, "R")


def moment(when: datetime) -> str:
    """Return a moment with its date and time, as the reader's own screen shows both."""
    return format_dt(when, "f")
