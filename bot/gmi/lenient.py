"""Read what GMI Cloud sends without trusting it: everything is bounded, and what makes no sense is absent."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

TEXT_MAX = 2000  # characters of an error that are looked at
NUMBER_MAX = 40  # characters of a number in text
MILLISECONDS_FROM = 1e11  # a time from here on is in milliseconds: in seconds it would be the year 5138


def read_json(body: bytes) -> Any:
    """Return the JSON value of a body, None where it cannot be read.

    This reader has a limit to how deep it looks; the standard library's raises RecursionError.
    """
    try:
        return from_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None


def read_number(value: object) -> float | None:
    """Return a number, also one in text. One too large for a float is infinite; what is no number is None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value[:NUMBER_MAX] if isinstance(value, str) else value)
    except OverflowError:
        return math.inf if not isinstance(value, str) and value > 0 else -math.inf
    except ValueError:
        return None
    return None if math.isnan(number) else number


def read_time(value: object) -> datetime | None:
    """Return the moment of so many seconds or milliseconds since 1970; text is not understood."""
    seconds = None if isinstance(value, str) else read_number(value)
    if seconds is None or seconds <= 0:
        return None
    if seconds >= MILLISECONDS_FROM:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def error_text(value: object) -> str:
    """Return the text of an error, which stands as text or as an object with code and message."""
    if isinstance(value, dict):
        parts = (value.get("code"), value.get("message"))
        value = " ".join(part for part in parts if isinstance(part, str))
    return value[:TEXT_MAX].strip() if isinstance(value, str) else ""


def body_text(body: bytes) -> str:
    """Return the error texts in the body of an answer, or the body itself where it is no JSON object."""
    value = read_json(body)
    if not isinstance(value, dict):
        return body[:TEXT_MAX].decode(errors="replace")
    texts = (value.get(key) for key in ("error", "message", "detail"))
    return "\n".join(filter(None, map(error_text, texts)))
