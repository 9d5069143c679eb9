"""Make a picture small enough to keep: in a process with limits, without what its camera noted."""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import Executor
from pathlib import Path

from bot.media.inspection.limited_process import TookTooLong, converse
from bot.media.inspection.unreadable import Unreadable
from bot.models.cast import PREVIEW_SIDE, SIDE_MAX, PictureInfo, SavedPicture
from bot.models.problems import FileFormat, Problem, ProblemCode

SECONDS_MAX = 12.0  # the largest pictures that are accepted take about 4
SHRINKER = (
    sys.executable,
    "-P",
    str(Path(__file__).with_name("shrinker.py")),
    str(SIDE_MAX),
    str(PREVIEW_SIDE),
)


async def shrink(name: str, found: FileFormat, data: bytes, position: int, threads: Executor) -> SavedPicture:
    """Return a picture that was checked as it is kept. Raises Unreadable."""
    try:
        answer = await converse(SHRINKER, data, threads, SECONDS_MAX)
    except TookTooLong:
        answer = None
    if answer is None:
        raise Unreadable(Problem(ProblemCode.IMAGE_BROKEN, {"name": name, "format": found}))
    line, _, both = answer.partition(b"\n")
    about = json.loads(line)
    content, preview = both[: about["size"]], both[about["size"] :]
    info = PictureInfo(
        position,
        FileFormat(about["format"]),
        len(content),
        about["width"],
        about["height"],
        hashlib.sha256(content).hexdigest(),
    )
    return SavedPicture(info, content, preview)
