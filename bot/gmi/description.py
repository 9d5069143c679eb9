"""What GMI Cloud says of a model: its parameters with their limits, read without trusting it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.gmi.lenient import read_json, read_number

# The names of a limit differ with what it limits: a value, a text, a list.
_LOWEST = ("min_value", "minimum", "min")
_HIGHEST = ("max_value", "maximum", "max", "max_length", "max_items")
NAME_MAX = 100  # characters of a parameter's name


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a model; what GMI doesn't say is None."""

    name: str
    type: str | None = None
    required: bool = False
    lowest: float | None = None
    highest: float | None = None  # of a text or a list: how long it may be


def parse_description(body: bytes) -> dict[str, Parameter] | None:
    """Return the parameters by name, None where the answer describes no model."""
    value = read_json(body)
    if isinstance(value, dict) and isinstance(value.get("model"), dict):
        value = value["model"]
    if not isinstance(value, dict) or "parameters" not in value:
        return None
    return {parameter.name: parameter for parameter in _parameters(value["parameters"])}


def _parameters(value: object) -> Iterator[Parameter]:
    """Yield what makes sense of a list of parameters, or of an object with a name for each."""
    named = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, list):
        named = [(record.get("name"), record) for record in value if isinstance(record, dict)]
    for name, record in named:
        if isinstance(name, str) and isinstance(record, dict):
            yield _parameter(name[:NAME_MAX], record)


def _parameter(name: str, record: dict[str, Any]) -> Parameter:
    kind = record.get("type")
    options = record.get("options")
    numbers = [
        number
        for option in (options if isinstance(options, list) else [])
        if (number := read_number(option.get("value") if isinstance(option, dict) else option)) is not None
    ]
    lowest, highest = _first_number(record, _LOWEST), _first_number(record, _HIGHEST)
    if numbers:
        lowest = min(numbers) if lowest is None else lowest
        highest = max(numbers) if highest is None else highest
    return Parameter(
        name,
        kind[:NAME_MAX].lower() if isinstance(kind, str) else None,
        record.get("required") is True,
        lowest,
        highest,
    )


def _first_number(record: dict[str, Any], names: tuple[str, ...]) -> float | None:
    return next((number for name in names if (number := read_number(record.get(name))) is not None), None)
