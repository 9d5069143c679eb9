"""Options of a command that sets a limit: which rule they make, and which make none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.quota_options import LimitOptions, OptionsProblem, OptionsRefused
from bot.models.quotas import Period, Rule

OLD = Rule(3, 30, Period.WEEK, 2)
RULES = st.builds(
    Rule,
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 30),
    st.sampled_from(Period),
    st.none() | st.integers(1, 3),
)
OPTIONS = st.builds(
    LimitOptions,
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 30),
    st.none() | st.sampled_from(Period),
    st.booleans(),
    st.none() | st.integers(1, 3),
)


@pytest.mark.parametrize(
    ("options", "before", "rule"),
    [
        (LimitOptions(videos=5), None, Rule(5, None)),
        (LimitOptions(seconds=0, per=Period.HOUR), None, Rule(None, 0, Period.HOUR)),
        (LimitOptions(videos=5), OLD, Rule(5, None, Period.DAY, 2)),
        (LimitOptions(videos=5, at_once=1), OLD, Rule(5, None, Period.DAY, 1)),
        (LimitOptions(at_once=1), OLD, Rule(3, 30, Period.WEEK, 1)),
        (LimitOptions(unlimited=True), None, Rule(None, None)),
        (LimitOptions(unlimited=True), OLD, Rule(None, None, Period.DAY, 2)),
        (LimitOptions(unlimited=True, at_once=7), None, Rule(None, None, Period.DAY, 7)),
    ],
)
def test_what_they_make(options: LimitOptions, before: Rule | None, rule: Rule) -> None:
    assert options.apply(before) == rule


@pytest.mark.parametrize(
    ("options", "before", "problem"),
    [
        (LimitOptions(), OLD, OptionsProblem.NO_AMOUNT),
        (LimitOptions(per=Period.WEEK), OLD, OptionsProblem.NO_AMOUNT),
        (LimitOptions(per=Period.WEEK, at_once=1), OLD, OptionsProblem.NO_AMOUNT),
        (LimitOptions(unlimited=True, videos=0), None, OptionsProblem.UNLIMITED_AND_AMOUNT),
        (LimitOptions(unlimited=True, seconds=5), OLD, OptionsProblem.UNLIMITED_AND_AMOUNT),
        (LimitOptions(at_once=1), None, OptionsProblem.NO_RULE_YET),
    ],
)
def test_what_makes_no_rule(options: LimitOptions, before: Rule | None, problem: OptionsProblem) -> None:
    with pytest.raises(OptionsRefused) as caught:
        options.apply(before)
    assert caught.value.problem is problem


@given(options=OPTIONS, before=st.none() | RULES)
def test_every_option_that_was_given_is_in_the_rule(options: LimitOptions, before: Rule | None) -> None:
    try:
        rule = options.apply(before)
    except OptionsRefused:
        return
    assert options.at_once in {None, rule.at_once}
    assert options.videos in {None, rule.videos}
    assert options.seconds in {None, rule.seconds}
    assert options.unlimited is False or not rule.limits
    assert options.at_once is not None or rule.at_once == (before.at_once if before else None)
    assert options.empty is False
