"""A form's answer, however odd it is: a draft, never an error."""

from __future__ import annotations

import pytest

from bot.intake.modal_answers import filled, read_answers
from bot.models.drafts import Draft, Source
from bot.models.problems import ProblemCode


@pytest.mark.parametrize(
    "components",
    [
        [],
        [{"type": 18}],
        [{"type": 18, "component": {"type": 3, "custom_id": "duration", "values": ["soon"]}}],
        [{"type": 18, "component": {"type": 3, "custom_id": "used", "values": ["-1", "99", "x"]}}],
        [{"type": 18, "component": {"type": 19, "custom_id": "files", "values": ["5"]}}],
        [{"type": 1, "components": [{"type": 4, "custom_id": "prompt", "value": None}]}],
    ],
)
def test_an_odd_answer_is_a_draft_with_problems_and_no_error(components: list[object]) -> None:
    draft = filled(
        Draft(1, 2, chosen=(0,), sources=(Source("a.png", "x"),)), read_answers({"components": components})
    )
    assert draft.duration == 5
    assert ProblemCode.PROMPT_EMPTY in [problem.code for problem in draft.problems()]


@pytest.mark.parametrize(("remix", "spoiler"), [(True, True), (False, False)])
def test_only_a_remix_of_a_spoiler_stays_one_whatever_is_answered(remix: bool, spoiler: bool) -> None:
    draft = Draft(1, 2, spoiler=True, remix=remix)
    assert filled(draft, read_answers({"components": []})).spoiler is spoiler
