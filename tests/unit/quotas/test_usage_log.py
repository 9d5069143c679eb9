"""The usage log: what counts within a period, to the microsecond, and what is dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.models.quotas import ATTEMPTS_PER, LONGEST, Period
from bot.quotas.usage_log import UsageLogs

START = datetime(2025, 3, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVER, MEMBER = 10, 7
LENGTHS = {Period.HOUR: HOUR, Period.DAY: DAY, Period.WEEK: 7 * DAY, Period.MONTH: 30 * DAY}


def counted(logs: UsageLogs, period: Period, now: datetime, user_id: int = MEMBER) -> list[int]:
    return [use.job_id for use in logs.read(SERVER, user_id).counted(period, now)]


@pytest.fixture
def logs() -> UsageLogs:
    return UsageLogs()


def settle(logs: UsageLogs, job_id: int) -> None:
    use = logs.held(job_id)
    assert use is not None
    use.held = False


@pytest.mark.parametrize("period", Period)
def test_a_use_counts_until_exactly_one_period_has_passed(period: Period, logs: UsageLogs) -> None:
    logs.add(1, SERVER, MEMBER, 5, START)
    end = START + LENGTHS[period]
    assert counted(logs, period, START) == [1]
    assert counted(logs, period, end - INSTANT) == [1]
    assert counted(logs, period, end) == []


def test_an_attempt_counts_for_exactly_an_hour(logs: UsageLogs) -> None:
    log = logs.keep(SERVER, MEMBER)
    log.attempts |= {2: START + INSTANT, 1: START}
    assert log.failed(START + INSTANT) == [START, START + INSTANT]
    assert log.failed(START + HOUR - INSTANT) == [START, START + INSTANT]
    assert log.failed(START + HOUR) == [START + INSTANT]
    assert log.failed(START + HOUR + INSTANT) == []


def test_uses_are_ordered_by_time_in_whatever_order_they_came(logs: UsageLogs) -> None:
    for job_id in (2, 3, 1):
        logs.add(job_id, SERVER, MEMBER, 5, START + job_id * INSTANT)
    assert counted(logs, Period.DAY, START + HOUR) == [1, 2, 3]


def test_what_is_held_runs_however_old_it_is(logs: UsageLogs) -> None:
    logs.add(1, SERVER, MEMBER, 5, START)
    logs.add(2, SERVER, MEMBER, 5, START + HOUR)
    settle(logs, 2)
    assert logs.read(SERVER, MEMBER).running == 1
    logs.prune(SERVER, MEMBER, START + 2 * LONGEST)
    assert logs.read(SERVER, MEMBER).running == 1
    assert (1 in logs, 2 in logs) == (True, False)


def test_a_log_belongs_to_one_member_of_one_server(logs: UsageLogs) -> None:
    logs.add(1, SERVER, MEMBER, 5, START)
    logs.add(2, SERVER, 8, 5, START)
    logs.add(3, SERVER + 1, MEMBER, 5, START)
    logs.add(4, None, MEMBER, 5, START)
    assert counted(logs, Period.DAY, START) == [1]
    assert [use.job_id for use in logs.read(None, MEMBER).uses] == [4]
    assert [user_id for user_id, _ in logs.of_server(SERVER)] == [MEMBER, 8]
    assert len(logs) == 4


def test_a_job_is_added_once(logs: UsageLogs) -> None:
    logs.add(1, SERVER, MEMBER, 5, START)
    with pytest.raises(ValueError, match="already reserved"):
        logs.add(1, None, 8, 5, START + DAY)
    assert logs.read(None, 8).uses == []


def test_a_settled_or_removed_use_is_not_held(logs: UsageLogs) -> None:
    logs.add(1, SERVER, MEMBER, 5, START)
    logs.add(2, SERVER, MEMBER, 5, START)
    settle(logs, 1)
    use = logs.held(2)
    assert use is not None
    logs.remove(use)
    assert (logs.held(1), logs.held(2), logs.held(3)) == (None, None, None)
    assert (1 in logs, 2 in logs) == (True, False)
    assert counted(logs, Period.DAY, START) == [1]


def test_a_reset_includes_its_own_moment_and_the_latest_one_holds(logs: UsageLogs) -> None:
    log = logs.keep(SERVER, MEMBER)
    for job_id, moment in ((1, START), (2, START + INSTANT)):
        logs.add(job_id, SERVER, MEMBER, 5, moment)
        log.attempts[job_id] = moment
    log.reset(START)
    assert counted(logs, Period.DAY, START + INSTANT) == [2]
    assert log.failed(START + INSTANT) == [START + INSTANT]
    assert log.running == 2
    log.reset(START + INSTANT)
    log.reset(START)
    assert counted(logs, Period.DAY, START + INSTANT) == []
    assert log.failed(START + INSTANT) == []


def test_pruning_drops_what_the_longest_period_no_longer_has(logs: UsageLogs) -> None:
    for job_id in (1, 2, 3):
        logs.add(job_id, SERVER, MEMBER, 5, START + job_id * INSTANT)
        settle(logs, job_id)
    logs.add(4, SERVER, 8, 5, START)
    settle(logs, 4)
    logs.prune(SERVER, MEMBER, START + 2 * INSTANT + LONGEST)
    assert [job_id for job_id in (1, 2, 3, 4) if job_id in logs] == [3, 4]
    assert counted(logs, Period.MONTH, START + 3 * INSTANT) == [3]


def test_pruning_drops_attempts_after_their_hour(logs: UsageLogs) -> None:
    log = logs.keep(SERVER, MEMBER)
    log.attempts |= {1: START, 2: START + INSTANT}
    logs.prune(SERVER, MEMBER, START + ATTEMPTS_PER)
    assert log.attempts == {2: START + INSTANT}


def test_a_reset_drops_nothing_that_was_made(logs: UsageLogs) -> None:
    logs.add(1, SERVER, MEMBER, 5, START)
    settle(logs, 1)
    log = logs.keep(SERVER, MEMBER)
    log.reset(START)
    logs.prune(SERVER, MEMBER, START + LONGEST - INSTANT)
    assert [use.job_id for use in log.uses] == [1]
    logs.prune(SERVER, MEMBER, START + LONGEST)
    assert 1 not in logs


def test_a_log_is_forgotten_when_an_empty_one_would_count_the_same(logs: UsageLogs) -> None:
    logs.add(1, SERVER, 1, 5, START)  # still running
    logs.add(2, SERVER, 2, 5, START)
    settle(logs, 2)
    logs.keep(SERVER, 3).attempts[3] = START
    logs.keep(SERVER, 4).reset(START)
    logs.keep(SERVER, 5)

    def kept(now: datetime) -> list[int]:
        logs.forget_old(now, lambda _: LONGEST)
        return [user_id for user_id, _ in logs.of_server(SERVER)]

    assert kept(START) == [1, 2, 3, 4]
    assert kept(START + ATTEMPTS_PER) == [1, 2, 4]
    assert kept(START + LONGEST - INSTANT) == [1, 2, 4]
    assert kept(START + LONGEST) == [1]
    settle(logs, 1)
    assert kept(START + LONGEST) == []
    assert len(logs) == 0
    assert 1 not in logs


def test_reading_a_log_keeps_nothing(logs: UsageLogs) -> None:
    assert logs.read(SERVER, MEMBER).counted(Period.DAY, START) == []
    assert len(logs) == 0
    assert logs.keep(SERVER, MEMBER) is logs.read(SERVER, MEMBER)
    assert len(logs) == 1
