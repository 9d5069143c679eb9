"""What a check found, as one plain line for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # the bot works, and the operator should know
    FAULT = "fault"  # the bot does not work, or costs what it should not


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    about: str
    text: str

    def __str__(self) -> str:
        """Return the line."""
        return f"{self.level:<8} {self.about}: {self.text}"
