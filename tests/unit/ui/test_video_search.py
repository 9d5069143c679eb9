"""A page of /videos with pictures and a search: it fits into a message, and says what was looked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from discord import ButtonStyle

from bot.models.jobs import Job
from bot.models.quotas import EffectiveRule, QuotaStatus, Rule, Scope
from bot.models.requests import PROMPT_MAX, VideoRequest
from bot.models.states import Reason, State
from bot.ui.custom_ids import SEARCH_MAX
from bot.ui.video_list import PAGE, video_list
from tests.unit.ui.test_cards import (
    DETAILS,
    NOW,
    PICTURE,
    PUBLIC,
    assert_discord_takes,
    components,
    new_job,
    words,
)
from tests.unit.ui.wording import assert_reads_well

SNOWFLAKE = 10**18  # as long as IDs of Discord are today
QUOTA = QuotaStatus(
    EffectiveRule(Rule(100_000, 1_000_000), Scope.MEMBER, SNOWFLAKE), 99_999, 999_999, 99, 99, NOW, 19, 20
)
PICTURES = {SNOWFLAKE + number: f"https://cdn.example.invalid/{number}.png" for number in range(PAGE)}
BUTTON, THUMBNAIL = 2, 11  # types of components [Discord]


def longest(number: int, state: State, reason: Reason | None, detail: str | None) -> Job:
    return replace(
        new_job(state, reason),
        id=SNOWFLAKE + number,
        user_id=SNOWFLAKE,
        location=replace(PUBLIC, channel_id=SNOWFLAKE, guild_id=SNOWFLAKE, message_id=SNOWFLAKE),
        request=VideoRequest("*" * PROMPT_MAX, (PICTURE,), 10, 7),
        detail=detail,
    )


@pytest.mark.parametrize("state", State)
def test_a_page_of_the_longest_entries_with_pictures_and_a_search_fits(state: State) -> None:
    for reason in (None, *Reason):
        for detail in DETAILS:
            jobs = [longest(number, state, reason, detail) for number in range(PAGE)]
            view = video_list(jobs, 3, 100, QUOTA, search="*" * SEARCH_MAX, thumbnails=PICTURES)
            assert_discord_takes(view)
            assert_reads_well(words(view))


@pytest.mark.parametrize("spoiler", [True, False])
def test_only_entries_with_a_picture_have_one_and_a_spoiler_is_covered(spoiler: bool) -> None:
    jobs = [replace(new_job(State.DELIVERED), id=SNOWFLAKE + 1, spoiler=spoiler), new_job(State.DELIVERED)]
    view = video_list(jobs, 1, 1, QUOTA, thumbnails=PICTURES)
    [thumbnail] = [part for part in components(view) if part["type"] == THUMBNAIL]
    assert thumbnail["media"]["url"] == PICTURES[SNOWFLAKE + 1]
    assert thumbnail["spoiler"] is spoiler


def test_the_prompt_is_the_title_and_nothing_but_text() -> None:
    prompt = "[free](https://example.com) <@1> **big** @everyone discord.gg/abc" + " and so on" * 20
    job = new_job(State.DELIVERED)
    view = video_list([replace(job, request=replace(job.request, prompt=prompt))], 1, 1, QUOTA)
    title, state, *_ = components(view)[2]["content"].splitlines()
    assert title.startswith("**\\[free\\](https:")
    assert title.endswith("…**")
    for live in ("https://", "<@1>", "@everyone", "discord.gg", "**big"):
        assert live not in title.replace("\\<", "")
    assert state.startswith("✅ Your video is ready · <t:")


@pytest.mark.parametrize("state", State)
def test_nothing_in_the_list_asks_to_be_spent_on(state: State) -> None:
    view = video_list([new_job(state)] * PAGE, 2, 3, QUOTA, search="fox")
    buttons = [part for part in components(view) if part["type"] == BUTTON]
    assert {part["style"] for part in buttons} == {ButtonStyle.secondary.value}


def test_what_was_looked_for_is_text_and_said_also_where_nothing_was_found() -> None:
    found = words(video_list([new_job(State.DELIVERED)], 1, 1, QUOTA, search="*fox* 50%"))
    assert "🔎 With these words in the prompt: \\*fox\\* 50%" in found
    nothing = words(video_list([], 1, 1, QUOTA, search="*fox* 50%"))
    assert "No prompt of yours has all of these words: **\\*fox\\* 50%**." in nothing
    assert "None yet." in words(video_list([], 1, 1, QUOTA))
    for text in (found, nothing):
        assert_reads_well(text)
        assert "📊 Your quota" in text
