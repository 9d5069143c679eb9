"""From bytes to a checked reference: what a file really is, read from its bytes and never from its name."""

from __future__ import annotations

from concurrent.futures import Executor

from bot.media.inspection.clips import measure_clip
from bot.media.inspection.formats import Format, detect
from bot.media.inspection.unreadable import Unreadable
from bot.models.catalog import Kind
from bot.models.problems import ANY_KIND, Problem, ProblemCode
from bot.models.requests import Reference, size_problems


def identify(name: str, data: bytes, expected: Kind | None) -> tuple[Kind, Format]:
    """Return whether these bytes are an image or a clip, and of what format. Raises Unreadable."""
    if not data:
        raise Unreadable(size_problems(name, 0, expected or Kind.IMAGE)[0])
    found = detect(data)
    if found is None or not found.usable or (expected or found.kinds[0]) not in found.kinds:
        raise Unreadable(_refusal(name, found, expected))
    kind = expected or found.kinds[0]
    for problem in size_problems(name, len(data), kind):
        raise Unreadable(problem)
    return kind, found


def read_image(
    name: str, url: str, found: Format, data: bytes, megapixels_max: float | None = None
) -> Reference | None:
    """Return the image that these bytes are, or None if it is larger than that; the name must be safe.

    Decodes the whole picture: run it in a thread, one at a time. Raises Unreadable.
    """
    from bot.media.inspection.images import measure_image  # noqa: PLC0415 - Pillow, once there is a picture

    size = measure_image(name, found, data, megapixels_max)
    return None if size is None else Reference(Kind.IMAGE, name, url, len(data), *size)


async def read_clip(name: str, url: str, found: Format, data: bytes, threads: Executor) -> Reference:
    """Return the clip that these bytes are; its name must be safe to show.

    Runs a process that takes memory and time: only few at a time. Raises Unreadable and TookTooLong.
    """
    measures = await measure_clip(name, found, data, threads)
    return Reference(Kind.VIDEO, name, url, len(data), *measures)


def _refusal(name: str, found: Format | None, expected: Kind | None) -> Problem:
    wanted = expected or ANY_KIND
    if found is None:
        return Problem(ProblemCode.FORMAT_UNKNOWN, {"name": name, "expected": wanted})
    values = {"name": name, "format": found.name, "mime": found.mime, "expected": wanted}
    if not found.kinds:
        return Problem(ProblemCode.FORMAT_UNUSABLE, values)
    if expected is None or expected in found.kinds:
        return Problem(ProblemCode.FORMAT_TO_CONVERT, values)
    return Problem(ProblemCode.WRONG_OPTION if found.usable else ProblemCode.WRONG_OPTION_TO_CONVERT, values)
