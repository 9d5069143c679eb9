"""A draft: what a member has typed and chosen so far, kept so that no refusal loses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from urllib.parse import parse_qs, urlsplit

from bot.models.requests import (
    DURATION_DEFAULT,
    IMAGES_MAX,
    IMAGES_MAX_WITH_VIDEOS,
    VIDEOS_MAX,
    Kind,
    count_faults,
    option_faults,
    parse_seed,
    prompt_faults,
    size_faults,
)

_CLIP_SUFFIXES = ("mp4", "m4v", "mov", "webm", "mkv", "avi")


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
        return Kind.VIDEO if self.name.rsplit(".", 1)[-1].lower() in _CLIP_SUFFIXES else Kind.IMAGE

    def is_expired(self, now: datetime) -> bool:
        """Tell whether Discord's link has run out: it is signed with the second until which it lives."""
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

    @property
    def used(self) -> tuple[Source, ...]:
        """Return the files that the video is to follow."""
        return self.sources if self.chosen is None else tuple(self.sources[each] for each in self.chosen)

    def without_expired(self, now: datetime) -> Self:
        """Return the draft without its files if a link to one of them has run out."""
        if not any(source.is_expired(now) for source in self.sources):
            return self
        return replace(self, sources=(), chosen=None)

    def faults(self) -> list[str]:
        """Return a sentence for everything that is wrong and can be told without reading a file."""
        faults = prompt_faults(self.prompt)
        try:
            faults += option_faults(self.duration, parse_seed(self.seed))
        except ValueError:
            faults.append(
                f"The seed “{self.seed[:20]}” is no whole number. "
                "Use digits only, or leave it empty for a random one."
            )
        clips = sum(source.likely_kind is Kind.VIDEO for source in self.used)
        faults += count_faults(len(self.used) - clips, clips)
        for source in self.used:
            if source.size is not None:
                faults += size_faults(source.name, source.size, source.likely_kind)
        return faults


def fitting(sources: Sequence[Source]) -> tuple[int, ...]:
    """Return the positions of the first files that fit into one request."""
    clips = [each for each, source in enumerate(sources) if source.likely_kind is Kind.VIDEO][:VIDEOS_MAX]
    limit = IMAGES_MAX_WITH_VIDEOS if clips else IMAGES_MAX
    pictures = [each for each, source in enumerate(sources) if source.likely_kind is Kind.IMAGE][:limit]
    return tuple(sorted(clips + pictures))
