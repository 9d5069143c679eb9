"""The poller against the stand-in: what it asks, when, and what it finds."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.gmi.schemas import RequestStatus
from bot.models.jobs import Job, Reason, State
from bot.models.requests import MODEL
from bot.polling.estimator import DurationEstimator
from bot.polling.poller import StatusUpdate
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud, Timing
from fakes.gmi.script import Outcome
from tests.unit.polling.rig import EPOCH, Rig, job_of, rigged

QUEUED, PROCESSING, SUCCEEDED, FAILED = State.QUEUED, State.PROCESSING, State.SUCCEEDED, State.FAILED


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as rig:
        rig.cloud.timing = Timing(queued=10, processing=60)
        yield rig


def name(job: Job) -> str:
    assert job.request_id is not None
    return job.request_id


def unlist(monkeypatch: pytest.MonkeyPatch, rig: Rig, *hidden: Job) -> None:
    """Let the list show all requests of now but these."""
    shown = [post for post in rig.cloud.posts if post.request_id not in {job.request_id for job in hidden}]
    monkeypatch.setattr(GmiCloud, "posts", property(lambda _: shown))


# One job.


async def test_one_job_is_asked_about_by_itself(rig: Rig) -> None:
    job = await rig.submit()
    await rig.advance(1.9)
    assert rig.asked() == {}  # its POST has just told its status
    await rig.advance(0.1)
    assert rig.asked() == {name(job): 1}
    await rig.advance(8)
    assert rig.asked() == {name(job): 5}  # every two seconds in line
    assert rig.states(job) == [PROCESSING]
    await rig.advance(90)
    assert set(rig.asked()) == {name(job)}
    assert rig.states(job) == [PROCESSING, SUCCEEDED]
    [update] = rig.updates[1:]
    assert update.status is not None
    assert update.status.results
    assert update.at <= rig.clock.now()
    learned = DurationEstimator()
    learned.learn(MODEL, 5, 60)
    expected = pytest.approx(learned.expected(MODEL, 5)[0], abs=0.1)
    assert rig.estimator.expected(MODEL, 5)[0] == expected


async def test_nothing_is_asked_while_nothing_is_tracked(rig: Rig) -> None:
    await rig.advance(1)
    assert rig.clock.wakes_in is None
    job = await rig.submit()
    await rig.advance(0)
    assert rig.clock.wakes_in == 2
    await rig.advance(120)
    assert rig.states(job)[-1] is SUCCEEDED
    assert rig.clock.wakes_in is None


async def test_a_dropped_job_is_asked_about_no_more(rig: Rig) -> None:
    job, other = await rig.submit(), await rig.submit()
    await rig.advance(3)
    rig.poller.drop(job.id)
    before = rig.seen
    await rig.advance(120)
    assert rig.states(job) == []
    assert rig.states(other) == [PROCESSING, SUCCEEDED]
    rig.poller.drop(job.id)
    await rig.advance(1)
    assert rig.clock.wakes_in is None
    assert name(job) not in rig.asked(before)


async def test_a_failure_ends_with_its_reason(rig: Rig) -> None:
    rig.cloud.outcome(script.failed("TaskTimeout"))
    job = await rig.submit()
    await rig.advance(120)
    assert rig.states(job) == [PROCESSING, FAILED]
    assert rig.updates[-1].status is not None
    assert rig.updates[-1].status.detail == "TaskTimeout"
    assert rig.estimator.dump() == "[]"


@pytest.mark.parametrize("number", [1, 2])
async def test_a_deadline_is_reported_once_and_the_job_is_polled_on(number: int, rig: Rig) -> None:
    jobs = [await rig.submit(deadline=31) for _ in range(number)]
    await rig.advance(30.9)
    assert all(rig.states(job) == [PROCESSING] for job in jobs)
    await rig.advance(0.1)
    assert all(rig.states(job) == [PROCESSING, None] for job in jobs)
    assert rig.updates[-1].at == EPOCH + timedelta(seconds=31)
    await rig.advance(120)
    assert all(rig.states(job) == [PROCESSING, None, SUCCEEDED] for job in jobs)


async def test_a_deadline_in_the_past_is_reported_at_once(rig: Rig) -> None:
    job = await rig.submit(deadline=-5)
    await rig.advance(0)
    assert rig.states(job) == [None]
    assert rig.asked() == {name(job): 1}


async def test_a_job_that_is_tracked_again_has_its_new_deadline(rig: Rig) -> None:
    job = await rig.submit(deadline=20)
    await rig.advance(5)
    rig.track(job, deadline=40)
    await rig.advance(39)
    assert None not in rig.states(job)
    await rig.advance(2)
    assert rig.states(job).count(None) == 1


# The list.


@pytest.mark.parametrize("number", [2, 20])
async def test_one_list_serves_several_jobs(number: int, rig: Rig) -> None:
    jobs = [await rig.submit() for _ in range(number)]
    await rig.advance(60)
    asked = rig.asked()
    assert set(asked) == {"requests"}
    assert 5 <= asked["requests"] <= 60
    await rig.advance(60)
    assert set(rig.asked()) == {"requests"}
    for job in jobs:
        assert rig.states(job) == [PROCESSING, SUCCEEDED]
    assert rig.clock.wakes_in is None


async def test_jobs_in_line_are_seen_by_a_list_every_two_seconds(rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=100, processing=60)
    await rig.submit()
    await rig.submit()
    await rig.advance(20)
    assert rig.asked() == {"requests": 10}


async def test_a_second_job_begins_the_list(rig: Rig) -> None:
    first = await rig.submit()
    await rig.advance(5)
    assert rig.asked() == {name(first): 2}
    second = await rig.submit()
    before = rig.seen
    await rig.advance(5)
    assert set(rig.asked(before)) == {"requests"}
    rig.poller.drop(second.id)
    before = rig.seen
    await rig.advance(40)
    assert set(rig.asked(before)) == {name(first)}  # one alone is asked about by itself again


async def test_a_new_job_is_served_by_the_next_list(rig: Rig) -> None:
    for _ in range(50):
        rig.estimator.learn(MODEL, 5, 600)
    rig.cloud.timing = Timing(queued=2, processing=600)
    await rig.submit()
    await rig.submit()
    await rig.advance(70)  # the list has just been asked for, and would come again in half a minute
    before = rig.seen
    new = await rig.submit()
    await rig.advance(1.9)
    assert rig.asked(before) == {}
    await rig.advance(0.2)
    assert rig.asked(before) == {"requests": 1}  # in two seconds, not in thirty
    assert rig.states(new) == [PROCESSING]


async def test_a_new_job_that_no_list_shows_is_asked_about_in_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(50):
        rig.estimator.learn(MODEL, 5, 600)
    rig.cloud.timing = Timing(queued=2, processing=600)
    await rig.submit()
    await rig.submit()
    await rig.advance(70)
    before = rig.seen
    new = await rig.submit(deadline=20)
    unlist(monkeypatch, rig, new)
    await rig.advance(2.1)
    assert rig.asked(before) == {"requests": 1, name(new): 1}
    assert rig.states(new) == [PROCESSING]
    await rig.advance(18)
    assert rig.states(new) == [PROCESSING, None]


async def test_a_job_missing_from_the_list_is_asked_about_singly(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing, *others = [await rig.submit() for _ in range(3)]
    unlist(monkeypatch, rig, missing)
    await rig.advance(30)
    asked = rig.asked()
    assert set(asked) == {"requests", name(missing)}
    assert asked[name(missing)] >= 3
    await rig.advance(90)
    for job in (missing, *others):
        assert rig.states(job) == [PROCESSING, SUCCEEDED]


async def test_a_job_that_leaves_the_list_is_asked_about_at_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, _ = await rig.submit(), await rig.submit()
    await rig.advance(3)
    assert set(rig.asked()) == {"requests"}
    unlist(monkeypatch, rig, leaving)
    before = rig.seen
    await rig.advance(1)
    assert rig.asked(before) == {"requests": 1, name(leaving): 1}


@pytest.mark.parametrize("mode", sorted(script.LIST_MODES))
async def test_a_list_of_no_use_is_tried_again_after_a_minute(mode: str, rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=300, processing=60)
    rig.cloud.list_mode = mode
    jobs = [await rig.submit() for _ in range(3)]
    await rig.advance(60)
    asked = rig.asked()
    assert asked["requests"] == 1
    assert all(asked[name(job)] >= 10 for job in jobs)
    rig.cloud.list_mode = "ok"
    await rig.advance(12)
    before = rig.seen
    await rig.advance(60)
    assert set(rig.asked(before)) == {"requests"}
    rig.cloud.list_mode = mode
    before = rig.seen
    await rig.advance(20)
    assert rig.asked(before)["requests"] == 1
    assert all(rig.asked(before)[name(job)] for job in jobs)


async def test_a_list_that_is_too_long_is_not_asked_for(rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=100_000, processing=60)
    for _ in range(300):
        rig.cloud.add_stranger({"prompt": "x" * 1000, "seed": 1})
    jobs = [await rig.submit() for _ in range(3)]
    await rig.advance(1700)
    asked = rig.asked()
    assert asked["requests"] == 1
    assert all(asked[name(job)] > 50 for job in jobs)
    await rig.advance(200)
    assert rig.asked()["requests"] == 2  # it is weighed again after half an hour


async def test_a_list_that_became_too_long_for_few_jobs_is_weighed_again_later(rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=100_000, processing=60)
    for _ in range(10):
        rig.cloud.add_stranger({"prompt": "x" * 1000, "seed": 1})
    jobs = [await rig.submit() for _ in range(3)]
    await rig.advance(10)
    assert set(rig.asked()) == {"requests"}  # cheaper than three questions
    rig.poller.drop(jobs.pop().id)
    before = rig.seen
    await rig.advance(1700)
    assert set(rig.asked(before)) == {name(job) for job in jobs}  # and dearer than two
    await rig.advance(120)
    assert rig.asked(before)["requests"] == 1


async def test_a_state_that_the_list_words_oddly_is_asked_for_singly(rig: Rig) -> None:
    jobs = [await rig.submit(), await rig.submit()]
    records = [{"request_id": name(job), "status": "who knows"} for job in jobs]
    rig.cloud.fault("GET", "/requests", script.answer(200, {"requests": records}).repeated(None))
    await rig.advance(30)
    assert all(rig.states(job) == [PROCESSING] for job in jobs)
    await rig.advance(90)
    assert all(rig.states(job) == [PROCESSING, SUCCEEDED] for job in jobs)


# Ends that lack something.


async def test_a_reason_that_the_list_does_not_give_is_asked_for(rig: Rig) -> None:
    rig.cloud.outcome(Outcome("failed", {"error": "AuditSubmitIllegal"}, listed_end=False), times=2)
    jobs = [await rig.submit(), await rig.submit()]
    await rig.advance(120)
    for job in jobs:
        assert rig.states(job) == [PROCESSING, FAILED]
    assert {update.status.reason for update in rig.updates[2:] if update.status} == {Reason.POLICY}
    assert all(rig.asked()[name(job)] == 1 for job in jobs)


async def test_a_reason_that_cannot_be_asked_for_is_given_up_at_the_deadline(rig: Rig) -> None:
    rig.cloud.outcome(Outcome("failed", {"error": "AuditSubmitIllegal"}, listed_end=False))
    job, other = await rig.submit(deadline=100), await rig.submit()
    rig.cloud.fault("GET", f"/requests/{name(job)}", script.HTML_PAGE.repeated(None))
    await rig.advance(99)
    assert rig.states(job) == [PROCESSING]
    await rig.advance(1)
    assert rig.states(job) == [PROCESSING, FAILED]
    assert rig.updates[-1].status is not None
    assert rig.updates[-1].status.reason is None
    assert rig.states(other)[-1] is SUCCEEDED


async def test_what_a_single_question_tells_after_a_failure_without_a_reason_is_final(rig: Rig) -> None:
    job = await rig.submit(track=False)
    rig.track(job, 30, unexplained=RequestStatus(name(job), FAILED))
    await rig.advance(0)
    assert rig.asked() == {name(job): 1}  # at once
    await rig.advance(40)
    assert rig.states(job) == [PROCESSING, None]  # and no failure at its deadline


async def test_an_unknown_word_of_a_single_question_is_not_final(rig: Rig) -> None:
    job = await rig.submit(track=False)
    odd = script.answer(200, {"request_id": name(job), "status": "who knows"})
    rig.cloud.fault("GET", "/requests/*", odd.repeated(None))
    rig.track(job, 30, unexplained=RequestStatus(name(job), FAILED))
    await rig.advance(40)
    assert rig.states(job) == [FAILED]


@pytest.mark.parametrize("number", [1, 2])
async def test_a_link_that_comes_later_is_waited_for(number: int, rig: Rig) -> None:
    rig.cloud.outcome(Outcome(link_after=20), times=number)
    jobs = [await rig.submit() for _ in range(number)]
    await rig.advance(75)
    assert all(rig.states(job) == [PROCESSING, SUCCEEDED] for job in jobs)
    assert not any(update.status and update.status.results for update in rig.updates)
    before = rig.seen
    await rig.advance(30)
    assert all(rig.states(job) == [PROCESSING, SUCCEEDED, SUCCEEDED] for job in jobs)
    assert rig.updates[-1].status is not None
    assert rig.updates[-1].status.results
    assert set(rig.asked(before)) == {name(job) for job in jobs}
    assert all(7 <= rig.asked(before)[name(job)] <= 16 for job in jobs)


@pytest.mark.parametrize("others", [0, 2])
async def test_a_missing_link_is_asked_for_twice_a_second_at_first(others: int, rig: Rig) -> None:
    rig.cloud.outcome(Outcome(link_after=20))
    rig.cloud.timing = Timing(queued=2, processing=10)
    job = await rig.submit()
    rig.cloud.timing = Timing(queued=1000, processing=10)
    for _ in range(others):
        await rig.submit()
    while SUCCEEDED not in rig.states(job):
        await rig.advance(0.1)
    before = rig.seen
    await rig.advance(2.9)
    assert 5 <= rig.asked(before)[name(job)] <= 6
    await rig.advance(7)
    assert rig.asked(before)[name(job)] <= 10  # less often later


async def test_a_list_may_still_give_the_link_of_a_job_that_is_asked_about_alone(rig: Rig) -> None:
    rig.cloud.outcome(Outcome(link_after=20))
    job = await rig.submit()
    rig.cloud.timing = Timing(queued=10, processing=300)
    others = [await rig.submit(), await rig.submit()]
    rig.cloud.fault("GET", f"/requests/{name(job)}", script.HTML_PAGE.repeated(None))
    await rig.advance(160)
    assert rig.states(job) == [PROCESSING, SUCCEEDED, SUCCEEDED]
    assert rig.states(others[0]) == [PROCESSING]


# The budget.


async def test_the_budget_is_kept_and_everyone_has_a_turn() -> None:
    async with rigged(per_minute=12) as rig:
        rig.cloud.timing = Timing(queued=3, processing=600)
        rig.cloud.list_mode = "missing"
        jobs = [await rig.submit() for _ in range(10)]
        for _ in range(3):
            before = rig.seen
            await rig.advance(60)
            assert 11 <= rig.asked(before).total() <= 13
        before = rig.seen
        await rig.advance(180)
        assert all(rig.asked(before)[name(job)] >= 2 for job in jobs)


@pytest.mark.parametrize(("per_minute", "together"), [(30, 1), (60, 1), (120, 2), (6000, 50)])
async def test_a_seconds_worth_of_questions_goes_out_together(per_minute: int, together: int) -> None:
    async with rigged(per_minute=per_minute) as rig:
        rig.cloud.timing = Timing(queued=1000, processing=60)
        rig.cloud.list_mode = "missing"
        for _ in range(together + 5):
            await rig.submit()
        await rig.advance(2)
        assert rig.asked()["requests"] == 1
        assert rig.asked().total() == 1 + together
        await rig.advance(60 / per_minute * (1 + together) - 0.001)
        assert rig.asked().total() == 1 + together
        await rig.advance(0.002)
        assert rig.asked().total() == 1 + together + min(together, 5)


async def test_the_budget_goes_to_those_most_likely_finished() -> None:
    async with rigged(per_minute=6) as rig:
        for _ in range(50):
            rig.estimator.learn(MODEL, 5, 180)
        rig.cloud.timing = Timing(queued=3, processing=900)
        rig.cloud.list_mode = "missing"
        older = [await rig.submit() for _ in range(3)]
        await rig.advance(150)
        younger = [await rig.submit() for _ in range(3)]
        before = rig.seen
        await rig.advance(120)
        asked = rig.asked(before)
        assert min(asked[name(job)] for job in older) > max(asked[name(job)] for job in younger)


async def test_a_deadline_comes_before_everything_else() -> None:
    async with rigged(per_minute=1) as rig:
        rig.cloud.timing = Timing(queued=1000, processing=60)
        rig.cloud.list_mode = "missing"
        others = [await rig.submit() for _ in range(5)]
        late = await rig.submit(deadline=30)
        await rig.advance(121.9)
        assert rig.asked().total() == 2  # the list, and one of them
        await rig.advance(0.1)
        assert rig.states(late).count(None) == 1
        assert sum(rig.asked()[name(job)] for job in others) == 1


# Lost POSTs.


async def test_a_lost_post_is_found_whatever_its_status_says(rig: Rig) -> None:
    job = await rig.lose()
    [post] = rig.cloud.posts
    record = {"request_id": post.request_id, "status": "who knows", "payload": job.request.payload()}
    rig.cloud.fault("GET", "/requests", script.answer(200, {"requests": [record]}).repeated(None))
    await rig.advance(0)
    [update] = rig.updates
    assert update.job_id == job.id
    assert update.status is not None
    assert (update.status.request_id, update.status.state) == (post.request_id, None)


@pytest.mark.parametrize("others", [0, 3])
async def test_a_lost_post_is_searched_for_at_once(others: int, rig: Rig) -> None:
    for _ in range(others):
        await rig.submit()
    await rig.advance(3)
    before = rig.seen
    job = await rig.lose()
    await rig.advance(0)
    assert rig.asked(before) == {"requests": 1}
    assert rig.states(job) == [QUEUED]
    assert rig.updates[-1].status is not None
    found = replace(job, state=QUEUED, request_id=rig.updates[-1].status.request_id)
    rig.own.jobs[-1] = found
    rig.track(found)
    await rig.advance(120)
    assert rig.states(job) == [QUEUED, PROCESSING, SUCCEEDED]


async def test_a_lost_post_that_does_not_show_is_searched_for_until_its_deadline(rig: Rig) -> None:
    job = job_of(9, State.SUBMITTING, request_id=None)
    rig.own.jobs.append(job)
    rig.track(job, deadline=60)
    await rig.advance(59.9)
    assert rig.asked() == {"requests": 12}
    assert rig.states(job) == []
    await rig.advance(0.1)
    assert rig.states(job) == [None]
    before = rig.seen
    await rig.advance(1800)
    assert rig.asked(before) == {"requests": 3}


async def test_single_questions_about_lost_posts_count_for_the_budget() -> None:
    async with rigged(per_minute=6) as rig:
        rig.cloud.outcome(Outcome(echoes=False))
        job = await rig.lose()
        other = await rig.submit()
        await rig.advance(0)
        assert rig.states(job) == [QUEUED]  # the only record of its moment
        rig.poller.drop(job.id)
        assert rig.asked().total() == 2  # the list, and the record
        await rig.advance(19.9)
        assert rig.asked().total() == 2
        await rig.advance(0.1)
        assert rig.asked()[name(other)] == 1


async def test_without_the_storage_lost_posts_are_searched_for_again(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    job, other = await rig.lose(), await rig.submit()
    rig.own.jobs.broken = True
    await rig.advance(4)
    assert rig.states(job) == []
    assert "could not be searched for" in caplog.text
    rig.own.jobs.broken = False
    await rig.advance(2)
    assert rig.states(job) == [QUEUED]
    await rig.advance(120)
    assert rig.states(other)[-1] is SUCCEEDED


async def test_a_found_job_that_is_rendered_already_teaches_nothing(rig: Rig) -> None:
    job = await rig.lose()
    rig.poller.drop(job.id)
    await rig.advance(30)
    rig.track(job)
    await rig.advance(0)
    assert rig.states(job) == [PROCESSING]
    assert rig.updates[-1].status is not None
    rig.track(
        replace(
            job, state=PROCESSING, state_since=rig.clock.now(), request_id=rig.updates[-1].status.request_id
        )
    )
    await rig.advance(120)
    assert rig.states(job) == [PROCESSING, SUCCEEDED]
    assert rig.estimator.dump() == "[]"


async def test_a_job_that_was_rendered_when_the_bot_started_teaches(rig: Rig) -> None:
    job = await rig.submit(track=False)
    await rig.advance(12)
    rig.track(replace(job, state=PROCESSING, state_since=rig.clock.now()))
    await rig.advance(120)
    assert rig.states(job) == [SUCCEEDED]
    assert rig.estimator.dump() != "[]"


# Trouble inside.


async def test_polling_that_begins_anew_loses_no_job(rig: Rig) -> None:
    jobs = [await rig.submit() for _ in range(3)]
    for _ in range(30):
        await rig.advance(3)
        await rig.begin()
    await rig.advance(60)
    for job in jobs:
        assert rig.states(job) == [PROCESSING, SUCCEEDED]


@pytest.mark.parametrize(
    ("broken", "number"),
    [
        ("request_list.ListSchedule.is_usable", 3),
        ("request_list.ListSchedule.plan", 3),
        ("questions.Questions.status", 1),
        ("questions.Questions.requests", 3),
    ],
)
async def test_a_round_that_breaks_off_loses_no_job(
    broken: str, number: int, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [await rig.submit(deadline=30) for _ in range(number)]

    def breaks(*_: object) -> bool:
        raise RuntimeError("for this test")

    with monkeypatch.context() as patched:
        patched.setattr(f"bot.polling.{broken}", breaks)
        with pytest.raises(RuntimeError):
            await rig.advance(10)
    await rig.begin()
    await rig.advance(120)
    for job in jobs:
        assert rig.states(job) == [PROCESSING, None, SUCCEEDED]


async def test_polling_that_begins_anew_asks_no_more_than_before(rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=1000, processing=60)
    late, other = await rig.submit(deadline=1), await rig.submit()
    await rig.advance(10)
    assert rig.states(late) == [None]
    before = rig.seen
    await rig.begin()
    await rig.advance(0)
    assert rig.asked(before) == {}
    await rig.advance(10)
    assert set(rig.asked(before)) == {"requests"}
    rig.poller.drop(other.id)
    await rig.advance(10)
    before = rig.seen
    await rig.begin()
    await rig.advance(0.5)
    assert rig.asked(before) == {}


async def test_trouble_in_the_middle_of_a_round_keeps_the_budget_and_what_was_found() -> None:
    class Full(list[StatusUpdate]):
        def append(self, update: StatusUpdate, /) -> None:
            raise RuntimeError("for this test")

    async with rigged(per_minute=6) as rig:
        rig.cloud.timing = Timing(queued=0, processing=60)
        jobs = [await rig.submit() for _ in range(3)]
        rig.updates = Full()
        with pytest.raises(RuntimeError):
            await rig.advance(2)
        rig.updates, before = [], rig.seen
        await rig.begin()
        await rig.advance(0)
        assert [rig.states(job) for job in jobs[1:]] == [[PROCESSING], [PROCESSING]]
        await rig.advance(9.9)
        assert rig.asked(before) == {}
        await rig.advance(10)
        assert rig.asked(before).total() == 1


async def test_trouble_with_one_job_is_its_own(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = [await rig.submit(), await rig.submit()]
    learn, left = DurationEstimator.learn, 1

    def chokes(self: DurationEstimator, model: str, duration: int, seconds: float) -> None:
        nonlocal left
        if left:
            left -= 1
            raise RuntimeError("for this test")
        learn(self, model, duration, seconds)

    monkeypatch.setattr(DurationEstimator, "learn", chokes)
    with caplog.at_level(logging.ERROR):
        await rig.advance(72)
        [line] = [record.getMessage() for record in caplog.records]
        assert line == f"Job {jobs[0].id}: what GMI Cloud said of it could not be taken"
        assert rig.states(jobs[1]) == [PROCESSING, SUCCEEDED]
        await rig.advance(31)
    assert rig.states(jobs[0])[-1] is SUCCEEDED


async def test_a_job_with_trouble_is_asked_about_again_after_a_while(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await rig.submit()
    await rig.advance(11)
    assert rig.states(job) == [PROCESSING]

    def chokes(*_: object) -> None:
        raise RuntimeError("for this test")

    with monkeypatch.context() as broken:
        broken.setattr(DurationEstimator, "learn", chokes)
        await rig.advance(70)
    before = rig.seen
    await rig.advance(30)
    assert rig.asked(before)[name(job)] == 1
    assert rig.states(job)[-1] is SUCCEEDED
