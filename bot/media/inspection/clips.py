"""Measure a clip: in a process of its own, which never outlives its limit or whoever asked."""

from __future__ import annotations

import json
from concurrent.futures import Executor

from bot.media.inspection.containers import has_impossible_table, top_boxes
from bot.media.inspection.formats import Format
from bot.media.inspection.limited_process import PROBE, TookTooLong, converse
from bot.media.inspection.unreadable import Unreadable
from bot.models.problems import Problem, ProblemCode

__all__ = ["PROBE", "TookTooLong", "measure", "measure_clip"]

SECONDS_MAX = 6.0  # a whole clip of 100 MiB takes well under one


async def measure_clip(name: str, found: Format, data: bytes, threads: Executor) -> tuple[int, int, float]:
    """Return width and height in pixels as displayed, and the seconds. Raises Unreadable and TookTooLong."""
    _check_whole(name, found, data)
    if has_impossible_table(data):
        raise Unreadable(Problem(ProblemCode.VIDEO_BROKEN, {"name": name, "format": found.name}))
    return _measures(name, found, await measure(data, threads))


async def measure(data: bytes, threads: Executor) -> dict[str, float] | None:
    """Return what probe.py finds out about a clip, or None if it cannot be read.

    Raises TookTooLong, and RuntimeError where the reader itself does not work.
    """
    output = await converse(PROBE, data, threads, SECONDS_MAX)
    measures: dict[str, float] | None = None if output is None else json.loads(output)
    return measures


def _measures(name: str, found: Format, measures: dict[str, float] | None) -> tuple[int, int, float]:
    """Return width and height in pixels as displayed, and the seconds. Raises Unreadable."""
    about = {"name": name, "format": found.name}
    if measures is None or not measures["videos"] + measures["sounds"]:
        raise Unreadable(Problem(ProblemCode.VIDEO_BROKEN, about))
    if not measures["videos"]:
        raise Unreadable(Problem(ProblemCode.VIDEO_WITHOUT_PICTURE, about))
    width, height, seconds = int(measures["width"]), int(measures["height"]), measures["seconds"]
    if min(width, height) < 1:
        raise Unreadable(Problem(ProblemCode.VIDEO_BROKEN, about))
    if seconds <= 0:
        raise Unreadable(Problem(ProblemCode.VIDEO_WITHOUT_LENGTH, {"name": name}))
    return width, height, seconds


def _check_whole(name: str, found: Format, data: bytes) -> None:
    """Raise Unreadable if the end of a clip is missing, which its index alone would not show."""
    about = {"name": name, "format": found.name}
    seen = set()
    for kind, end in top_boxes(data):
        seen.add(kind)
        if end > len(data):
            raise Unreadable(Problem(ProblemCode.VIDEO_CUT_OFF, {"name": name}))
    if b"moov" not in seen:
        raise Unreadable(Problem(ProblemCode.VIDEO_WITHOUT_INDEX, about))
    if b"mdat" not in seen:
        raise Unreadable(Problem(ProblemCode.VIDEO_BROKEN, about))
