"""From bytes to a checked reference: what a file really is, read from its bytes and never from its name."""

from __future__ import annotations

from concurrent.futures import Executor

from bot.media.clips import measure_clip
from bot.media.formats import ANY_NEEDED, NEEDED, Format, detect
from bot.media.images import measure_image
from bot.media.unreadable import Unreadable
from bot.models.requests import Kind, Reference, size_faults

_OPTION = {Kind.IMAGE: "image1", Kind.VIDEO: "video1"}
_EXPECTED = {Kind.IMAGE: "a picture", Kind.VIDEO: "a clip"}


def identify(shown: str, data: bytes, expected: Kind | None) -> tuple[Kind, Format]:
    """Return whether these bytes are a picture or a clip, and of what format. Raises Unreadable."""
    if not data:
        raise Unreadable(size_faults(shown, 0, expected or Kind.IMAGE)[0])
    found = detect(data)
    if found is None or not found.usable or (expected or found.kinds[0]) not in found.kinds:
        raise Unreadable(_refusal(shown, found, expected))
    kind = expected or found.kinds[0]
    for sentence in size_faults(shown, len(data), kind):
        raise Unreadable(sentence)
    return kind, found


def read_picture(
    shown: str, url: str, found: Format, data: bytes, megapixels_max: float | None = None
) -> Reference | None:
    """Return the picture that these bytes are, or None if it is larger than that; the name must be safe.

    Decodes the whole picture: run it in a thread, one at a time. Raises Unreadable.
    """
    size = measure_image(shown, found, data, megapixels_max)
    return None if size is None else Reference(Kind.IMAGE, shown, url, len(data), *size)


async def read_clip(shown: str, url: str, found: Format, data: bytes, threads: Executor) -> Reference:
    """Return the clip that these bytes are; its name must be safe to show.

    Runs a process that takes memory and time: only few at a time. Raises Unreadable and TookTooLong.
    """
    measures = await measure_clip(shown, found, data, threads)
    return Reference(Kind.VIDEO, shown, url, len(data), *measures)


def _refusal(shown: str, found: Format | None, expected: Kind | None) -> str:
    needed = NEEDED[expected] if expected else ANY_NEEDED
    if found is None:
        return (
            f"**{shown}** is not a picture or a clip that can be read. "
            f"Attach {_EXPECTED[expected] if expected else 'one'} as {needed}."
        )
    if not found.kinds:
        return f"**{shown}** is {found.phrase}. {needed} is needed: attach one of these."
    if expected is None or expected in found.kinds:
        return f"**{shown}** is {found.phrase}. {needed} is needed: save it as one of these."
    kind = found.kinds[0]
    action = "Attach it" if found.usable else f"Save it as {NEEDED[kind]} and attach it"
    return (
        f"**{shown}** is {found.phrase}, but {_EXPECTED[expected]} ({NEEDED[expected]}) is expected here. "
        f"{action} as `{_OPTION[kind]}`."
    )
