"""A draft: what a member has typed and chosen so far, kept so that no refusal loses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from urllib.parse import parse_qs, urlsplit

from bot.models.catalog import Kind
from bot.models.continuations import Continuation
from bot.models.problems import Problem, ProblemCode
from bot.models.requests import (
    DURATION_DEFAULT,
    IMAGES_MAX,
    IMAGES_MAX_WITH_VIDEOS,
    NO_CAST,
    VIDEOS_MAX,
    count_problems,
    option_problems,
    parse_seed,
    prompt_problems,
    size_problems,
)

SEED_SHOWN = 20  # characters of what was typed in place of a seed

_VIDEO_SUFFIXES = ("mp4", "m4v", "mov", "webm", "mkv", "avi")


@dataclass(frozen=True, slots=True)
class Source:
    """A file in Discord that is to become a reference; nobody has looked into it yet."""

    name: str  # safe to show
    url: str
    size: int | None = None  # bytes; unknown for what is embedded
    kind: Kind | None = None  # None: its bytes decide

    @property
    def likely_kind(self) -> Kind:
        """Return what it is said to be, or what its name lets expect."""
        if self.kind is not None:
            return self.kind
        return Kind.VIDEO if self.name.rsplit(".", 1)[-1].lower() in _VIDEO_SUFFIXES else Kind.IMAGE

    def is_expired(self, now: datetime) -> bool:
        """Return whether Discord's link has run out: it is signed with the second until which it lives."""
        try:
            return int(parse_qs(urlsplit(self.url).query)["ex"][0], 16) <= now.timestamp()
        except (KeyError, ValueError):
            return False


@dataclass(frozen=True, slots=True)
class Draft:
    """One request before it is checked."""

    id: int  # the snowflake of the interaction that it was last changed by
    user_id: int
    prompt: str = ""
    sources: tuple[Source, ...] = ()
    chosen: tuple[int, ...] | None = None  # positions in `sources`; None: all of them are used
    duration: int = DURATION_DEFAULT  # seconds
    seed: str = ""  # as typed; empty for a random one
    private: bool = False
    spoiler: bool = False
    remix: bool = False  # it began with somebody else's video
    continues: Continuation | None = None  # the video before, if it is its next scene
    cast: str = ""  # saved references as they were chosen, by name or number

    @property
    def stays_spoiler(self) -> bool:
        """Return whether it must stay a spoiler: whoever remixes a covered video doesn't uncover it."""
        return self.remix and self.spoiler

    @property
    def used(self) -> tuple[Source, ...]:
        """Return the files that the video is to follow."""
        return (
            self.sources if self.chosen is None else tuple(self.sources[position] for position in self.chosen)
        )

    def without_expired(self, now: datetime) -> Self:
        """Return the draft without its files if a link to one of them has run out."""
        if not any(source.is_expired(now) for source in self.sources):
            return self
        return replace(self, sources=(), chosen=None)

    def problems(self, cast: Mapping[str, int] = NO_CAST) -> list[Problem]:
        """Return everything that is wrong and can be known without reading a file.

        `cast` has the names of saved references that it uses, and how many images each has.
        """
        problems = prompt_problems(self.prompt)
        try:
            seed = parse_seed(self.seed)
        except ValueError:
            seed = None
            problems.append(Problem(ProblemCode.SEED_NOT_A_NUMBER, {"typed": self.seed[:SEED_SHOWN]}))
        problems += option_problems(self.duration, seed)
        videos = sum(source.likely_kind is Kind.VIDEO for source in self.used)
        problems += count_problems(len(self.used) - videos, videos, cast)
        for source in self.used:
            if source.size is not None:
                problems += size_problems(source.name, source.size, source.likely_kind)
        return problems


def fitting(sources: Sequence[Source]) -> tuple[int, ...]:
    """Return the positions of the first files that fit into one request."""
    kinds = [source.likely_kind for source in sources]
    videos = [position for position, kind in enumerate(kinds) if kind is Kind.VIDEO][:VIDEOS_MAX]
    limit = IMAGES_MAX_WITH_VIDEOS if videos else IMAGES_MAX
    images = [position for position, kind in enumerate(kinds) if kind is Kind.IMAGE][:limit]
    return tuple(sorted(videos + images))
