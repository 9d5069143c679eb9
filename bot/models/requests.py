"""What can be asked of Vidu Q2 Pro: the request, its limits, and the sentences that refuse it.

The limits stand here and nowhere else. Sources: [GMI] GMI Cloud's page of vidu-q2-pro-r2v,
[Vidu] Vidu's own API documentation of the reference-to-video task.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MODEL = "vidu-q2-pro-r2v"

PROMPT_MAX = 2000  # characters [GMI]
IMAGES_MAX = 7  # [GMI]
IMAGES_MAX_WITH_VIDEOS = 4  # [GMI]
VIDEOS_MAX = 2  # [GMI]
SECONDS_MAX_ONE_VIDEO = 8.0  # [GMI]
SECONDS_MAX_TWO_VIDEOS = 5.0  # each [GMI]
SECONDS_TOLERANCE = 0.1  # containers round up: a clip cut at 8 s often reads 8.03 s
DURATION_MIN, DURATION_DEFAULT, DURATION_MAX = 1, 5, 10  # seconds [GMI]
SIDE_MIN = 128  # pixels [Vidu]
RATIO_MAX = 4.0  # between 1:4 and 4:1 [Vidu]
IMAGE_BYTES_MAX = 50 * 1024 * 1024  # [Vidu]
VIDEO_BYTES_MAX = 100 * 1024 * 1024  # [Vidu]
SEED_MIN, SEED_MAX = 1, 2**31 - 1  # upstream reads 0 as "random", so 0 could not be recognised again

# Invisible characters that could reorder or break a card, except line feed and tab: C0 and C1 controls,
# zero-width and bidirectional marks. The zero-width joiner stays, emoji are made with it, and so does the
# zero-width non-joiner, Persian is spelled with it.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Kind(StrEnum):
    """What a reference is."""

    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Reference:
    """A checked picture or clip that the video is to follow."""

    kind: Kind
    name: str
    url: str
    size: int  # bytes
    width: int  # pixels
    height: int  # pixels
    seconds: float | None = None  # clips only


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """One video that a member asks for."""

    prompt: str
    references: tuple[Reference, ...]
    duration: int  # seconds
    seed: int

    @property
    def images(self) -> tuple[Reference, ...]:
        """Return the references that are pictures."""
        return tuple(r for r in self.references if r.kind is Kind.IMAGE)

    @property
    def videos(self) -> tuple[Reference, ...]:
        """Return the references that are clips."""
        return tuple(r for r in self.references if r.kind is Kind.VIDEO)

    def payload(self) -> dict[str, object]:
        """Return the payload that GMI Cloud documents, without a null and without an empty list."""
        payload: dict[str, object] = {"prompt": self.prompt}
        if self.images:
            payload["images"] = [r.url for r in self.images]
        if self.videos:
            payload["videos"] = [r.url for r in self.videos]
        payload["duration"] = self.duration
        payload["seed"] = self.seed
        return payload


def random_seed() -> int:
    """Return a seed for a member who chose none."""
    return random.randint(SEED_MIN, SEED_MAX)  # noqa: S311 - a seed is public, not a secret


def parse_seed(text: str) -> int | None:
    """Return the seed that was typed, or None where it is left to chance. Raises ValueError."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 20):
        raise ValueError("no whole number")
    return int(text)


def clean_prompt(text: str) -> str:
    """Return the prompt without invisible control characters and without outer white space."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def prompt_faults(prompt: str) -> list[str]:
    """Return a sentence for each reason why this (cleaned) prompt cannot be used."""
    if not prompt:
        return ["The prompt is empty. Describe in a few words what should happen in the video."]
    if len(prompt) > PROMPT_MAX:
        return [f"The prompt has {len(prompt):,} characters, the limit is {PROMPT_MAX:,}. Shorten it."]
    return []


def option_faults(duration: int, seed: int | None) -> list[str]:
    """Return a sentence for each number outside what the model takes."""
    faults = []
    if not DURATION_MIN <= duration <= DURATION_MAX:
        faults.append(
            f"A video can last {DURATION_MIN} to {DURATION_MAX} seconds, not {duration}. "
            f"Choose a `duration` between {DURATION_MIN} and {DURATION_MAX}."
        )
    if seed is not None and not SEED_MIN <= seed <= SEED_MAX:
        faults.append(
            f"The seed {seed} is outside {SEED_MIN} to {SEED_MAX}. "
            "Choose one in that range, or leave it out for a random one."
        )
    return faults


def count_faults(images: int, videos: int) -> list[str]:
    """Return a sentence for each way in which the number of references is wrong."""
    if images + videos == 0:
        return ["There is no picture and no clip. Attach at least one that the video should follow."]
    faults = []
    limit = IMAGES_MAX_WITH_VIDEOS if videos else IMAGES_MAX
    if images > limit:
        beside = " beside clips" if videos else ""
        faults.append(f"There are {images} pictures{beside}, the limit is {limit}. Remove {images - limit}.")
    if videos > VIDEOS_MAX:
        faults.append(f"There are {videos} clips, the limit is {VIDEOS_MAX}. Remove {videos - VIDEOS_MAX}.")
    return faults


def shape_faults(reference: Reference) -> list[str]:
    """Return a sentence for each way in which this picture or clip is too small or too narrow."""
    name, width, height = reference.name, reference.width, reference.height
    faults = []
    if min(width, height) < SIDE_MIN:
        faults.append(
            f"**{name}** is {width}x{height} pixels, at least {SIDE_MIN}x{SIDE_MIN} are needed. "
            "Use a larger version."
        )
    if min(width, height) > 0 and max(width, height) > RATIO_MAX * min(width, height):
        faults.append(
            f"**{name}** is {width}x{height} pixels, a ratio of {_ratio(width, height)}; "
            "between 1:4 and 4:1 is needed. Crop it."
        )
    return faults


def length_faults(videos: Sequence[Reference], given: int | None = None) -> list[str]:
    """Return a sentence for each clip that is longer than their number allows.

    `given` counts the clips that could not be read as well: a broken second one still makes two.
    """
    alone = (len(videos) if given is None else given) <= 1
    limit = SECONDS_MAX_ONE_VIDEO if alone else SECONDS_MAX_TWO_VIDEOS
    allowed = f"one clip may last {limit:g} s" if alone else f"each of two clips may last {limit:g} s"
    return [
        f"**{clip.name}** lasts {clip.seconds:.1f} s, {allowed}. Cut it shorter."
        for clip in videos
        if clip.seconds is not None and clip.seconds > limit + SECONDS_TOLERANCE
    ]


def size_faults(name: str, size: int, kind: Kind) -> list[str]:
    """Return a sentence if a file of this many bytes is empty or too large."""
    limit = IMAGE_BYTES_MAX if kind is Kind.IMAGE else VIDEO_BYTES_MAX
    if size == 0:
        return [f"**{name}** is empty (0 bytes). Attach it again."]
    if size > limit:
        return [
            f"**{name}** has {_mebibytes(size)} MiB, the limit is {_mebibytes(limit)} MiB. Make it smaller."
        ]
    return []


def _mebibytes(size: int) -> str:
    # Rounded up, as the ratio below: a value just over its limit must not read like the limit.
    return f"{-(-size * 10 // 1024 // 1024) / 10:g}"


def _ratio(width: int, height: int) -> str:
    longer, shorter = max(width, height), min(width, height)
    number = f"{-(-longer * 100 // shorter) / 100:g}"
    return f"{number}:1" if width >= height else f"1:{number}"
