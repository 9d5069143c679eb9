"""One line of the table: what was measured, beside what, and what it should be."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its spread, and the value that it is compared to where there is one."""

    group: str  # such as "Asking" or "Holding"
    what: str
    unit: str
    runs: tuple[float, ...]  # one value for each repetition
    goal: str  # in words, such as "at most 1.25 times plain"
    reached: bool | None = None  # None where there is no goal, the line is there to compare
    beside: str = ""  # what it is compared to
    beside_runs: tuple[float, ...] = ()
    reason: str = ""  # why the goal was not reached

    @property
    def median(self) -> float:
        """Return the middle value of the repetitions."""
        return median(self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """Return the smallest and the largest value of the repetitions."""
        return min(self.runs), max(self.runs)

    @property
    def ratio(self) -> float | None:
        """Return how many times the compared value this one is, as a ratio of medians."""
        return self.median / median(self.beside_runs) if self.beside_runs else None
