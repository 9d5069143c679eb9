"""The list of a member's videos fits into a message, whatever became of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.models.jobs import Job
from bot.models.quotas import EffectiveRule, QuotaStatus, Rule, Scope
from bot.models.requests import PROMPT_MAX, VideoRequest
from bot.models.states import Reason, State
from bot.ui.video_list import PAGE, video_list
from tests.unit.ui.test_cards import DETAILS, NOW, PICTURE, PUBLIC, assert_discord_takes, new_job, words
from tests.unit.ui.wording import assert_reads_well

SNOWFLAKE = 10**18  # as long as IDs of Discord are today
QUOTA = QuotaStatus(
    EffectiveRule(Rule(100_000, 1_000_000), Scope.MEMBER, SNOWFLAKE), 99_999, 999_999, 99, 99, NOW, 19, 20
)


def longest(state: State, reason: Reason | None, detail: str | None) -> Job:
    return replace(
        new_job(state, reason),
        id=SNOWFLAKE,
        user_id=SNOWFLAKE,
        location=replace(PUBLIC, channel_id=SNOWFLAKE, guild_id=SNOWFLAKE, message_id=SNOWFLAKE),
        request=VideoRequest("*" * PROMPT_MAX, (PICTURE,), 10, 7),
        detail=detail,
    )


@pytest.mark.parametrize("state", State)
def test_a_page_of_the_longest_entries_fits(state: State) -> None:
    for reason in (None, *Reason):
        for detail in DETAILS:
            view = video_list([longest(state, reason, detail)] * PAGE, 3, 100, QUOTA)
            assert_discord_takes(view)
            assert_reads_well(words(view))


@pytest.mark.parametrize("state", State)
def test_an_entry_of_a_failure_has_the_code_of_its_card(state: State) -> None:
    job = new_job(state, Reason.FAILED)
    reported = state in {State.FAILED, State.REFUSED, State.OVERDUE, State.UNCONFIRMED}
    assert (f"report code {job.report_code}" in words(video_list([job], 1, 1, QUOTA))) is reported
