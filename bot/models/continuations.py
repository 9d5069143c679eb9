"""Going on from a finished video: it becomes the reference clip of the next scene."""

from __future__ import annotations

from dataclasses import dataclass

from bot.models.requests import VIDEO_SECONDS_MAX

SECONDS_MAX = VIDEO_SECONDS_MAX[0]  # of a video that is the only clip of a request


@dataclass(frozen=True, slots=True)
class Continuation:
    """Which video a request goes on from, and how many there are up to its own."""

    job_id: int
    scene: int  # its own number in the chain; the first video is scene 1
    link: str | None = None  # to the card of the video before, where others may see it too


def can_continue(seconds: float) -> bool:
    """Return whether a video of this length can be the reference clip of another one."""
    return seconds <= SECONDS_MAX
