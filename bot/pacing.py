"""When to ask next."""

from __future__ import annotations

SHORTEST = 2.0  # seconds; a video takes tens of seconds, asking more often shows nothing new
LONGEST = 15.0  # seconds; the card's news is never older than this
SHARE = 0.08  # of the time already waited: a job that has taken long is likely to take longer still
LATE = 10 * 60.0  # seconds between questions about a job that is overdue or was lost long ago

SEARCH_SOON, SEARCH_SOON_FOR = 5.0, 60.0  # seconds: a POST that arrived shows in the list at once


def interval(waited: float, *, overdue: bool = False) -> float:
    """Return the seconds until the next question about a job that was asked for this many seconds ago."""
    if overdue:
        return LATE
    return min(max(SHORTEST, waited * SHARE), LONGEST)


def search_interval(searched: float) -> float:
    """Return the seconds until the next look for a lost POST that was looked for this many seconds."""
    return SEARCH_SOON if searched < SEARCH_SOON_FOR else LATE
