"""What a moderator chose for a limit, and the rule that it makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from bot.models.quotas import Period, Rule


class OptionsProblem(Enum):
    """Why options make no rule."""

    NO_AMOUNT = auto()
    UNLIMITED_AND_AMOUNT = auto()
    NO_RULE_YET = auto()  # `at_once` alone changes a rule that must be there


class OptionsRefused(Exception):  # noqa: N818 - it names what happened
    """The options make no rule; `problem` says why."""

    def __init__(self, problem: OptionsProblem) -> None:
        super().__init__(problem.name)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """The options of a command that sets a limit; None is one that was left out."""

    videos: int | None = None
    seconds: int | None = None
    per: Period | None = None
    unlimited: bool = False
    at_once: int | None = None

    @property
    def empty(self) -> bool:
        """Return whether nothing was chosen at all."""
        return self == LimitOptions()

    def apply(self, before: Rule | None) -> Rule:
        """Return the rule that these options make of the one before. Raises OptionsRefused.

        New amounts replace all amounts; `at_once` is a limit of its own and stays until another one is set.
        """
        amounts = self.videos is not None or self.seconds is not None
        if self.unlimited and amounts:
            raise OptionsRefused(OptionsProblem.UNLIMITED_AND_AMOUNT)
        if not self.unlimited and not amounts:
            return self._with_at_once(before)
        at_once = self.at_once
        if at_once is None and before is not None:
            at_once = before.at_once
        return Rule(self.videos, self.seconds, self.per or Period.DAY, at_once)

    def _with_at_once(self, before: Rule | None) -> Rule:
        """Return the rule before with another number of videos at once. Raises OptionsRefused."""
        if self.at_once is None or self.per is not None:
            raise OptionsRefused(OptionsProblem.NO_AMOUNT)
        if before is None:
            raise OptionsRefused(OptionsProblem.NO_RULE_YET)
        return replace(before, at_once=self.at_once)
