"""What moderation says reads well, and fits however long the words of members and moderators are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.models.budgets import Price
from bot.models.jobs import CardLocation, Job, without_content
from bot.models.moderation import (
    ENTRY_MAX,
    REASON_MAX,
    AgeRule,
    Block,
    ChangeKind,
    EntryKind,
    EntryProblem,
    FilterEntry,
    FilterHit,
    RuleChange,
)
from bot.models.states import State
from bot.moderation.log_writer import ENTRIES_MAX
from bot.ui.texts import moderation, moderation_filter, moderation_log, moderation_report
from tests.unit.storage.samples import new_job
from tests.unit.ui.wording import assert_reads_well

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = 2**63 - 1  # no longer one is possible
BLOCK = Block(1, ID, ID, NOW, NOW + timedelta(days=1), "@" * REASON_MAX)
WORD = FilterEntry("@" * ENTRY_MAX)
PATTERN = FilterEntry("[" * ENTRY_MAX, EntryKind.PATTERN)
PRICE = Price(Decimal("0.07"), "USD")
MESSAGE_MAX, CARD_MAX = 2000, 4000  # characters [Discord]


def public_job(prompt: str = "a fox") -> Job:
    job = new_job(ID, user_id=ID)
    references = tuple(replace(job.request.references[0], name="_" * 90 + ".png") for _ in range(7))
    request = replace(job.request, prompt=prompt, references=references)
    return replace(job, request=request, location=CardLocation(ID, ID, ID))


ANSWERS: list[Callable[[], str]] = [
    lambda: moderation.blocked(BLOCK),
    lambda: moderation.blocked(replace(BLOCK, until=None, reason="")),
    lambda: moderation.member_blocked(BLOCK, replace(BLOCK, until=None)),
    lambda: moderation.member_unblocked(ID),
    lambda: moderation.not_blocked(ID),
    lambda: moderation.bots_make_no_videos(ID),
    moderation.only_in_age_restricted,
    lambda: moderation.prompt_refused(by_server=True),
    lambda: moderation.prompt_refused(by_server=False),
    *(lambda rule=rule: moderation.age_set(rule, AgeRule.SHOWN) for rule in AgeRule),
    moderation_filter.word_or_pattern,
    lambda: moderation_filter.bad_entry(WORD, EntryProblem.EMPTY),
    lambda: moderation_filter.bad_entry(PATTERN, EntryProblem.PATTERN, f"missing ]: {PATTERN.text}"),
    moderation_filter.filter_full,
    lambda: moderation_filter.entry_added(PATTERN, is_new=True),
    lambda: moderation_filter.entry_added(WORD, is_new=False),
    lambda: moderation_filter.entry_removed([WORD, PATTERN]),
    moderation_filter.no_such_entry,
    lambda: moderation_filter.text_tested(None),
    lambda: moderation_filter.text_tested(FilterHit([WORD] * 50, by_operator=True)),
    lambda: moderation_log.channel_set(ID, everyone_reads=True),
    lambda: moderation_log.channel_refused(ID),
    moderation_log.channel_off,
    lambda: moderation_log.channel_shown(None),
    lambda: moderation_log.channel_shown(ID),
    lambda: moderation_log.log_broken(ID),
    moderation_log.discord_in_trouble,
    moderation_report.reported,
    moderation_report.already_reported,
    moderation_report.already_gone,
    moderation_report.no_video,
    moderation_report.no_log,
    moderation_report.not_written,
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_answer_reads_well_and_fits(answer: Callable[[], str]) -> None:
    text = answer()
    assert_reads_well(text)
    assert len(text) <= MESSAGE_MAX


LOGGED: list[Callable[[], str]] = [
    lambda: moderation_log.job_entry(public_job("@" * 2000), PRICE),
    lambda: moderation_log.filter_hit(ID, "[" * 2000, FilterHit([PATTERN] * 50)),
    lambda: moderation_log.filter_hit(ID, None, FilterHit([], by_operator=True)),
    lambda: moderation_log.change_line(
        RuleChange(1, ID, NOW, ChangeKind.FILTER, f"<@{ID}>", "x" * 900, "y" * 900)
    ),
    lambda: moderation_report.report(ID, ID, f"https://discord.com/channels/{ID}/{ID}/{ID}"),
]


@pytest.mark.parametrize("entry", LOGGED)
def test_a_message_has_room_for_a_batch_of_the_longest_entries(entry: Callable[[], str]) -> None:
    assert_reads_well(entry())
    assert len(moderation_log.joined([entry()] * ENTRIES_MAX)) <= CARD_MAX


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.QUEUED, "⏳ In progress"),
        (State.OVERDUE, "⏳ In progress"),
        (State.DELIVERED, "✅ Ready"),
        (State.CANCELLED, "🚫 Canceled"),
        (State.FAILED, "❌ No video"),
        (State.REFUSED, "❌ No video"),
    ],
)
def test_an_entry_says_how_its_job_stands(state: State, words: str) -> None:
    assert moderation_log.job_entry(replace(public_job(), state=state), None).startswith(f"{words} · <@")


def test_what_nobody_pays_for_has_no_cost() -> None:
    job = replace(public_job(), state=State.REFUSED)
    assert "5 seconds, not billed" in moderation_log.job_entry(job, PRICE)
    assert "5 seconds, about 0.35 USD" in moderation_log.job_entry(public_job(), PRICE)


def test_an_entry_of_a_deleted_or_private_job_shows_nothing_of_it() -> None:
    private = replace(public_job(), location=CardLocation(3, 1, 4, private=True))
    deleted = without_content(public_job(), NOW)
    for job in (private, deleted):
        assert "fox" not in moderation_log.job_entry(job, None)
        assert "https" not in moderation_log.job_entry(job, None)
