"""A request for a video, and what is wrong with one: its limits come from the model's row in the catalog."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.models.catalog import DEFAULT, Kind, Model

__all__ = [
    "DURATION_DEFAULT",
    "DURATION_MAX",
    "DURATION_MIN",
    "IMAGES_MAX",
    "IMAGES_MAX_WITH_VIDEOS",
    "IMAGE_BYTES_MAX",
    "MODEL",
    "PROMPT_MAX",
    "SEED_MAX",
    "SEED_MIN",
    "VIDEOS_MAX",
    "VIDEO_BYTES_MAX",
    "Kind",
    "Reference",
    "VideoRequest",
    "clean_prompt",
    "count_faults",
    "length_faults",
    "option_faults",
    "parse_seed",
    "prompt_faults",
    "random_seed",
    "shape_faults",
    "size_faults",
]

MODEL = DEFAULT.id
_IMAGES, _VIDEOS = DEFAULT.slot(Kind.IMAGE), DEFAULT.slot(Kind.VIDEO)

PROMPT_MAX = DEFAULT.prompt.length_max  # characters
IMAGES_MAX, IMAGES_MAX_WITH_VIDEOS = _IMAGES.count_max, _IMAGES.count_max_mixed
VIDEOS_MAX = _VIDEOS.count_max
DURATION_MIN, DURATION_DEFAULT, DURATION_MAX = (  # seconds
    DEFAULT.durations.min,
    DEFAULT.durations.default,
    DEFAULT.durations.max,
)
IMAGE_BYTES_MAX, VIDEO_BYTES_MAX = _IMAGES.bytes_max, _VIDEOS.bytes_max
SEED_MIN, SEED_MAX = DEFAULT.seeds.min, DEFAULT.seeds.max

SECONDS_TOLERANCE = 0.1  # containers round up: a clip cut at 8 s often reads 8.03 s

# Invisible characters that could reorder or break a card, except line feed and tab: C0 and C1 controls,
# zero-width and bidirectional marks. The zero-width joiner stays, emoji are made with it, and so does the
# zero-width non-joiner, Persian is spelled with it.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


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

    def payload(self, model: Model = DEFAULT) -> dict[str, object]:
        """Return the payload that GMI Cloud documents for the model, without a null and an empty list."""
        payload: dict[str, object] = {"prompt": self.prompt}
        for slot in model.slots:
            urls = [reference.url for reference in self.references if reference.kind is slot.kind]
            if urls:
                payload[slot.key] = urls
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
    if DEFAULT.prompt.required and not prompt:
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
    slot = DEFAULT.slot(reference.kind)
    faults = []
    if min(width, height) < slot.side_min:
        faults.append(
            f"**{name}** is {width}x{height} pixels, at least {slot.side_min}x{slot.side_min} are needed. "
            "Use a larger version."
        )
    if min(width, height) > 0 and max(width, height) > slot.ratio_max * min(width, height):
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
    limit = _VIDEOS.seconds_max[0 if alone else 1]
    allowed = f"one clip may last {limit:g} s" if alone else f"each of two clips may last {limit:g} s"
    return [
        f"**{clip.name}** lasts {clip.seconds:.1f} s, {allowed}. Cut it shorter."
        for clip in videos
        if clip.seconds is not None and clip.seconds > limit + SECONDS_TOLERANCE
    ]


def size_faults(name: str, size: int, kind: Kind) -> list[str]:
    """Return a sentence if a file of this many bytes is empty or too large."""
    limit = DEFAULT.slot(kind).bytes_max
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
