"""Going on from a finished video: it becomes the reference clip of the next scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.models.requests import IMAGES_MAX_WITH_VIDEOS, VIDEO_SECONDS_MAX

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


def carried_over(cast: Sequence[int], pictures: int) -> tuple[list[int], int]:
    """Return what of a video's images fits beside its clip: of which saved references, and how many pictures.

    `cast` says how many images each reference has; the answer has their positions. They come first: a picture
    can be attached in the form, a reference can't be chosen there.
    """
    kept, room = [], IMAGES_MAX_WITH_VIDEOS
    for position, images in enumerate(cast):
        if images <= room:
            kept.append(position)
            room -= images
    return kept, min(pictures, room)
