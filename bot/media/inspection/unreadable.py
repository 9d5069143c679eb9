"""Why a file cannot be a reference."""

from __future__ import annotations

from bot.models.problems import Problem


class Unreadable(Exception):  # noqa: N818 - says what the file is, as people would
    """A file that cannot be a reference."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem
