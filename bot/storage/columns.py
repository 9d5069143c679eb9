"""Columns that let no odd value stop a write, and moments as numbers."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

# Postgres keeps no NUL in a text, and neither database a half of a surrogate pair: Discord's and GMI's JSON
# can hold both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
BIGGEST, _INT = 2**63 - 1, 2**31 - 1


def storable(text: str) -> str:
    """Return the text without what no database keeps."""
    return _UNSTORABLE.sub("\ufffd", text)


def dump_json(value: Any) -> str:
    """Return a value as JSON that every database keeps."""
    return json.dumps(_storable_value(value))


def _storable_value(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {name: _storable_value(item) for name, item in value.items()}
        case list() | tuple():
            return [_storable_value(item) for item in value]
        case _:
            return value


def load_json(text: str | bytes) -> Any:
    """Return the value of a JSON column; None, where it is broken: other rows come with it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class Text(sa.types.TypeDecorator[str]):
    """A text without a limit of its own."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Leave out what cannot be stored."""
        return None if value is None else storable(value)


class Word(sa.types.TypeDecorator[str]):
    """A text that is cut to its column: one that does not fit would freeze its job for ever."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Leave out what cannot be stored, and what does not fit."""
        assert isinstance(self.impl_instance, sa.String)
        return None if value is None else storable(value)[: self.impl_instance.length]


class Number(sa.types.TypeDecorator[int]):
    """A whole number that stays within its column."""

    impl: type[sa.Integer] = sa.BigInteger
    limit = BIGGEST
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """Return the nearest number that can be stored."""
        return None if value is None else max(-self.limit - 1, min(value, self.limit))


class Small(Number):
    """A whole number of 32 bits."""

    impl = sa.Integer
    limit = _INT
    cache_ok = True


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Return a moment as whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def optional_micros(moment: datetime | None) -> int | None:
    """Return a moment as whole microseconds, None as None."""
    return None if moment is None else to_micros(moment)


def to_moment(micros: int) -> datetime:
    """Return the moment of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def optional_moment(micros: int | None) -> datetime | None:
    """Return the moment of so many microseconds, None as None."""
    return None if micros is None else to_moment(micros)
