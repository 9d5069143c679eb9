"""A request for a video, and what is wrong with one: its limits come from the model's row in the catalog."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.models.catalog import DEFAULT, Kind, Model
from bot.models.problems import Problem, ProblemCode, Values

MODEL = DEFAULT.id
_IMAGES, _VIDEOS = DEFAULT.slot(Kind.IMAGE), DEFAULT.slot(Kind.VIDEO)

PROMPT_MAX = DEFAULT.prompt.length_max  # characters
IMAGES_MAX, IMAGES_MAX_WITH_VIDEOS = _IMAGES.count_max, _IMAGES.count_max_mixed
VIDEOS_MAX = _VIDEOS.count_max
VIDEO_SECONDS_MAX = _VIDEOS.seconds_max  # of a single video, and of each of two
DURATION_MIN, DURATION_DEFAULT, DURATION_MAX = (  # seconds
    DEFAULT.durations.min,
    DEFAULT.durations.default,
    DEFAULT.durations.max,
)
IMAGE_BYTES_MAX, VIDEO_BYTES_MAX = _IMAGES.bytes_max, _VIDEOS.bytes_max
SEED_MIN, SEED_MAX = DEFAULT.seeds.min, DEFAULT.seeds.max

NO_CAST: Mapping[str, int] = {}
SECONDS_TOLERANCE = 0.1  # containers round up: a video cut at 8 s often reads 8.03 s

# Invisible characters that could reorder or break a card, except line feed and tab: C0 and C1 controls,
# zero-width and bidirectional marks. The zero-width joiner stays, emoji are made with it, and so does the
# zero-width non-joiner, Persian is spelled with it.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Reference:
    """A checked image or video that the new video is to follow."""

    kind: Kind
    name: str
    url: str
    size: int  # bytes
    width: int  # pixels
    height: int  # pixels
    seconds: float | None = None  # of a video
    uploaded_url: str | None = None  # in the provider's own storage


@dataclass(frozen=True, slots=True)
class CastUse:
    """A saved reference in a request, and where the provider reads its pictures."""

    reference_id: int
    name: str
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """One video that a member asks for."""

    prompt: str
    references: tuple[Reference, ...]
    duration: int  # seconds
    seed: int
    cast: tuple[CastUse, ...] = ()
    sent_prompt: str | None = None  # what the provider reads, where that isn't what was typed

    def payload(self, model: Model = DEFAULT, *, uploaded: bool = False) -> dict[str, object]:
        """Return the payload that GMI Cloud documents for the model, without a null and an empty list.

        With `uploaded` each file has the link of its upload, if there is one.
        """
        payload: dict[str, object] = {"prompt": self.sent_prompt or self.prompt}
        for slot in model.slots:
            urls = [
                (reference.uploaded_url if uploaded else None) or reference.url
                for reference in self.references
                if reference.kind is slot.kind
            ]
            if slot.kind is Kind.IMAGE:
                urls += [link for use in self.cast for link in use.links]
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
    # int() alone would take "1_000" and digits of other scripts, and refuses thousands of digits.
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 20):
        raise ValueError("not a whole number")
    return int(text)


def clean_prompt(text: str) -> str:
    """Return the prompt without invisible control characters and without outer white space."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def prompt_problems(prompt: str) -> list[Problem]:
    """Return why this (cleaned) prompt cannot be used."""
    if DEFAULT.prompt.required and not prompt:
        return [Problem(ProblemCode.PROMPT_EMPTY)]
    if len(prompt) > PROMPT_MAX:
        return [Problem(ProblemCode.PROMPT_TOO_LONG, {"length": len(prompt), "length_max": PROMPT_MAX})]
    return []


def option_problems(duration: int, seed: int | None) -> list[Problem]:
    """Return a problem for each number outside what the model takes."""
    problems = []
    if not DURATION_MIN <= duration <= DURATION_MAX:
        values = {"duration": duration, "duration_min": DURATION_MIN, "duration_max": DURATION_MAX}
        problems.append(Problem(ProblemCode.DURATION_OUT_OF_RANGE, values))
    if seed is not None and not SEED_MIN <= seed <= SEED_MAX:
        values = {"seed": seed, "seed_min": SEED_MIN, "seed_max": SEED_MAX}
        problems.append(Problem(ProblemCode.SEED_OUT_OF_RANGE, values))
    return problems


def count_problems(images: int, videos: int, cast: Mapping[str, int] = NO_CAST) -> list[Problem]:
    """Return a problem for each way in which the number of references is wrong.

    `cast` has the names of saved references, and how many images each brings besides.
    """
    total = images + sum(cast.values())
    if total + videos == 0:
        return [Problem(ProblemCode.NO_REFERENCES)]
    problems = []
    code, limit = ProblemCode.TOO_MANY_IMAGES, IMAGES_MAX
    if videos:
        code, limit = ProblemCode.TOO_MANY_IMAGES_WITH_VIDEOS, IMAGES_MAX_WITH_VIDEOS
    if total > limit and cast:
        names = ", ".join(f"{name} ({count})" for name, count in cast.items())
        values: Values = {"count": total, "count_max": limit, "names": names}
        problems.append(Problem(ProblemCode.TOO_MANY_IMAGES_WITH_CAST, values))
    elif total > limit:
        problems.append(Problem(code, {"count": total, "count_max": limit}))
    if videos > VIDEOS_MAX:
        problems.append(Problem(ProblemCode.TOO_MANY_VIDEOS, {"count": videos, "count_max": VIDEOS_MAX}))
    return problems


def shape_problems(reference: Reference) -> list[Problem]:
    """Return a problem for each way in which an image or a video is too small or too narrow."""
    slot = DEFAULT.slot(reference.kind)
    shorter, longer = sorted((reference.width, reference.height))
    values: Values = {"name": reference.name, "width": reference.width, "height": reference.height}
    problems = []
    if shorter < slot.side_min:
        problems.append(Problem(ProblemCode.SIDE_TOO_SHORT, {**values, "side_min": slot.side_min}))
    if shorter > 0 and longer > slot.ratio_max * shorter:
        problems.append(Problem(ProblemCode.RATIO_TOO_EXTREME, {**values, "ratio_max": slot.ratio_max}))
    return problems


def length_problems(videos: Sequence[Reference], given: int | None = None) -> list[Problem]:
    """Return a problem for each video that is longer than their number allows.

    `given` counts the videos that could not be read as well: a broken second one still makes two.
    """
    alone = (len(videos) if given is None else given) <= 1
    code = ProblemCode.VIDEO_TOO_LONG if alone else ProblemCode.ONE_OF_VIDEOS_TOO_LONG
    limit = _VIDEOS.seconds_max[0 if alone else 1]
    return [
        Problem(code, {"name": video.name, "seconds": video.seconds, "seconds_max": limit})
        for video in videos
        if video.seconds is not None and video.seconds > limit + SECONDS_TOLERANCE
    ]


def size_problems(name: str, size: int, kind: Kind) -> list[Problem]:
    """Return a problem if a file of this many bytes is empty or too large."""
    limit = DEFAULT.slot(kind).bytes_max
    if size == 0:
        return [Problem(ProblemCode.FILE_EMPTY, {"name": name})]
    if size > limit:
        return [Problem(ProblemCode.FILE_TOO_LARGE, {"name": name, "size": size, "size_max": limit})]
    return []
