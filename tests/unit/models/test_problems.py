"""Problems: equal if they say the same, so that nothing is listed twice."""

from __future__ import annotations

from bot.models.problems import FileFormat, Problem, ProblemCode


def test_the_same_problem_of_the_same_file_is_one() -> None:
    first = Problem(ProblemCode.FILE_EMPTY, {"name": "a.png"})
    again = Problem(ProblemCode.FILE_EMPTY, {"name": "a.png"})
    other = Problem(ProblemCode.FILE_EMPTY, {"name": "b.png"})
    assert list(dict.fromkeys([first, other, again])) == [first, other]


def test_values_are_what_their_names_say() -> None:
    assert all(code.value == code.name.lower() for code in ProblemCode)
    assert len(set(FileFormat)) == len(FileFormat.__members__)
