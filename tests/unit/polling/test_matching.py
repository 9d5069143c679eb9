"""A lost POST in the list: it is found by what was sent and when, and nobody gets another's video."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.gmi.schemas import RequestStatus
from bot.models.jobs import Job, without_content
from bot.models.requests import SEED_MAX
from bot.models.states import State
from bot.polling.matching import NOTE, LostPosts, echoes
from bot.storage.storage import StorageUnavailable
from fakes.gmi import script
from tests.unit.polling.rig import EPOCH, Rig, job_of, rigged

SKEW = 120.0  # seconds between GMI's clock and ours
LATEST = 60 + SKEW  # a POST takes at most a minute


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as rig:
        yield rig


@pytest.fixture
def lost_posts(rig: Rig) -> LostPosts:
    return LostPosts(rig.client, rig.own, rig.clock)


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def lost(number: int = 1, *, created: float = 0.0, state: State = State.SUBMITTING) -> Job:
    return job_of(number, state, request_id=None, created_at=at(created))


def record(name: str, payload: dict[str, Any] | None, created: float | None = 0.0) -> RequestStatus:
    moment = None if created is None else at(created)
    return RequestStatus(name, State.PROCESSING, payload=payload, created_at=moment)


def stranger(rig: Rig, payload: dict[str, Any], created: float | None = 0.0, **more: Any) -> RequestStatus:
    """Let GMI have a record of which the list shows no payload."""
    told = rig.cloud.add_stranger(payload, status="processing", outcome=None, **more)
    return record(told["request_id"], None, created)


async def find(
    rig: Rig,
    lost_posts: LostPosts,
    statuses: list[RequestStatus],
    *jobs: Job,
    tracked: frozenset[str] = frozenset(),
) -> dict[int, str]:
    rig.own.jobs += [job for job in jobs if job not in rig.own.jobs]
    found = await lost_posts.find(statuses, tracked, jobs)
    return {job_id: status.request_id for job_id, status in found.items()}


SENT: dict[str, object] = {"prompt": "a fox", "duration": 5, "seed": 7}


@pytest.mark.parametrize(
    ("payload", "matches"),
    [
        (SENT, True),
        (SENT | {"watermark": True}, True),
        (SENT | {"seed": 8}, False),
        ({"seed": 8}, False),
        ({"seed": 7}, None),
        ({"watermark": True}, None),
        ({}, None),
        (None, None),
    ],
)
def test_an_echo_has_all_that_was_sent_and_maybe_more(
    payload: dict[str, object] | None, matches: bool | None
) -> None:
    assert echoes(payload, SENT) is matches


async def test_a_lost_post_is_found_by_its_payload(rig: Rig, lost_posts: LostPosts) -> None:
    job, other = lost(1), lost(2)
    records = [
        record("two", other.request.payload()),
        record("one", job.request.payload() | {"watermark": False}),
    ]
    assert await find(rig, lost_posts, records, job, other) == {1: "one", 2: "two"}
    assert lost_posts.questions == 0
    assert rig.own.notes.values == {}


async def test_two_alike_are_found_each_once(rig: Rig, lost_posts: LostPosts) -> None:
    first = lost(1)
    second = replace(lost(2), request=first.request)
    payload = first.request.payload()
    records = [record("one", payload), record("two", payload)]
    found = await find(rig, lost_posts, records, first, second)
    assert sorted(found.values()) == ["one", "two"]
    assert await find(rig, lost_posts, records[:1], first, second) == {1: "one"}


@pytest.mark.parametrize(
    ("created", "found"), [(-SKEW - 1, False), (-SKEW, True), (0, True), (9999, True), (None, True)]
)
async def test_a_record_from_before_the_job_is_another_request_with_the_same_seed(
    created: float | None, found: bool, rig: Rig, lost_posts: LostPosts
) -> None:
    job = lost()
    records = [record("one", job.request.payload(), created)]
    assert await find(rig, lost_posts, records, job) == ({1: "one"} if found else {})


async def test_the_record_of_an_earlier_job_is_never_taken_twice(rig: Rig, lost_posts: LostPosts) -> None:
    job = lost()
    rig.own.jobs.append(replace(job, id=5, request_id="one"))
    payload = job.request.payload()
    assert await find(rig, lost_posts, [record("one", payload)], job) == {}
    assert await find(rig, lost_posts, [record("two", payload)], job, tracked=frozenset({"two"})) == {}
    assert await find(rig, lost_posts, [record("one", payload), record("three", payload)], job) == {
        1: "three"
    }


async def test_a_record_that_left_the_list_is_looked_up_again(rig: Rig, lost_posts: LostPosts) -> None:
    job = lost()
    payload = job.request.payload()
    assert await find(rig, lost_posts, [record("one", payload)], job, tracked=frozenset({"one"})) == {}
    assert await find(rig, lost_posts, [record("one", payload)], job) == {}  # still known from the last list
    assert await find(rig, lost_posts, [], job) == {}
    assert await find(rig, lost_posts, [record("one", payload)], job) == {1: "one"}


# Records without their payload.


async def test_a_record_without_its_payload_is_asked_about_once(rig: Rig, lost_posts: LostPosts) -> None:
    job = lost()
    shown = stranger(rig, job.request.payload())
    assert await find(rig, lost_posts, [shown], job) == {1: shown.request_id}
    assert lost_posts.questions == 1
    assert await find(rig, lost_posts, [shown], job) == {1: shown.request_id}
    assert lost_posts.questions == 0
    assert await find(rig, lost_posts, [shown]) == {}  # nothing is lost any more: what was asked is forgotten
    assert await find(rig, lost_posts, [shown], job) == {1: shown.request_id}
    assert lost_posts.questions == 1


async def test_few_records_are_asked_about_at_once(rig: Rig, lost_posts: LostPosts) -> None:
    job = lost()
    shown = [stranger(rig, {"seed": 100 + number}) for number in range(4)]
    shown.append(stranger(rig, job.request.payload()))
    assert await find(rig, lost_posts, shown, job) == {}
    assert lost_posts.questions == 3
    assert await find(rig, lost_posts, shown, job) == {1: shown[-1].request_id}
    assert lost_posts.questions == 2


@pytest.mark.parametrize(("created", "asked"), [(-SKEW - 1, 0), (-SKEW, 1), (9999, 1), (None, 0)])
async def test_only_records_of_the_right_time_are_asked_about(
    created: float | None, asked: int, rig: Rig, lost_posts: LostPosts
) -> None:
    await find(rig, lost_posts, [stranger(rig, {}, created)], lost())
    assert lost_posts.questions == asked


@pytest.mark.parametrize(("created", "asked"), [(300 + SKEW, 1), (300 + SKEW + 1, 0)])
async def test_what_was_given_up_is_not_searched_for_among_later_records(
    created: float, asked: int, rig: Rig, lost_posts: LostPosts
) -> None:
    job = replace(lost(state=State.UNCONFIRMED), state_since=at(300))
    await find(rig, lost_posts, [stranger(rig, {}, created)], job)
    assert lost_posts.questions == asked


async def test_a_record_that_contradicts_is_not_asked_about(rig: Rig, lost_posts: LostPosts) -> None:
    await find(rig, lost_posts, [record("one", {"seed": 99})], lost())
    assert lost_posts.questions == 0


async def test_a_record_that_cannot_be_read_does_not_stop_the_others(
    rig: Rig, lost_posts: LostPosts, caplog: pytest.LogCaptureFixture
) -> None:
    job = lost()
    first, second = stranger(rig, {"seed": 99}), stranger(rig, job.request.payload())
    rig.cloud.fault("GET", f"/requests/{first.request_id}", script.HTML_PAGE)
    with caplog.at_level(logging.WARNING):
        assert await find(rig, lost_posts, [first, second], job) == {1: second.request_id}
    assert "could not be read (status 502)" in caplog.text
    assert lost_posts.questions == 2


# Records that have no payload at all: found by their time, where nothing is in doubt.


@pytest.mark.parametrize(
    ("created", "found"),
    [(-SKEW, True), (-SKEW - 1, False), (0, True), (LATEST, True), (LATEST + 1, False)],
)
async def test_without_any_payload_the_time_decides(
    created: float, found: bool, rig: Rig, lost_posts: LostPosts
) -> None:
    job = lost()
    shown = stranger(rig, {}, created, created_at=int(at(created).timestamp()))
    assert await find(rig, lost_posts, [shown], job) == ({1: shown.request_id} if found else {})


async def test_two_records_of_one_moment_are_in_doubt(rig: Rig, lost_posts: LostPosts) -> None:
    shown = [stranger(rig, {}), stranger(rig, {})]
    assert await find(rig, lost_posts, shown, lost()) == {}
    assert lost_posts.questions == 2


@pytest.mark.parametrize(("other", "found"), [(300, False), (301, True), (-9999, False)])
async def test_two_jobs_of_one_moment_are_in_doubt(
    other: float, found: bool, rig: Rig, lost_posts: LostPosts
) -> None:
    """Each may have its record a minute and twice what clocks may differ after its beginning."""
    job, rival = lost(1), lost(2, created=other)
    rig.own.jobs.append(rival)
    shown = stranger(rig, {})
    assert await find(rig, lost_posts, [shown], job) == ({1: shown.request_id} if found else {})


@pytest.mark.parametrize(("ended", "found"), [(-241, True), (-240, False), (-100, False)])
async def test_what_was_given_up_long_before_is_no_rival(
    ended: float, found: bool, rig: Rig, lost_posts: LostPosts
) -> None:
    rival = lost(2, created=-900, state=State.UNCONFIRMED)
    rig.own.jobs.append(replace(rival, state_since=at(ended)))
    shown = stranger(rig, {})
    assert await find(rig, lost_posts, [shown], lost()) == ({1: shown.request_id} if found else {})


async def test_a_payload_that_contradicts_is_never_found_by_its_time(rig: Rig, lost_posts: LostPosts) -> None:
    assert await find(rig, lost_posts, [stranger(rig, {"duration": 9})], lost()) == {}
    assert rig.own.notes.values == {NOTE: rig.clock.now().isoformat()}


async def test_a_payload_that_contradicts_is_not_taken_once_its_rival_is_found(
    rig: Rig, lost_posts: LostPosts
) -> None:
    first, second = lost(1), lost(2)
    second = replace(second, request=replace(second.request, duration=9))
    shown = stranger(rig, {"duration": 9})  # the second's, or another client's: it can't be the first's
    assert await find(rig, lost_posts, [shown], first, second) == {}
    assert rig.own.notes.values == {}
    rig.own.jobs[1] = replace(second, request_id="two")
    assert await find(rig, lost_posts, [shown], first) == {}


async def test_a_job_that_is_found_is_a_rival_until_its_id_is_stored(rig: Rig, lost_posts: LostPosts) -> None:
    first, second = lost(1), lost(2, created=250)
    records = [
        stranger(rig, first.request.payload()),
        stranger(rig, {}, 250, created_at=int(at(250).timestamp())),
    ]
    first_id, second_id = (shown.request_id for shown in records)
    assert await find(rig, lost_posts, records, first, second) == {1: first_id}
    rig.own.jobs[0] = replace(first, request_id=first_id)
    assert await find(rig, lost_posts, records, second) == {2: second_id}


# Another client with the same key.


@pytest.mark.parametrize(
    ("payload", "created", "other"),
    [
        ({"seed": 99}, 0.0, True),
        ({"seed": 99.0}, 0.0, True),
        ({"seed": 2**63}, 0.0, True),
        ({"seed": -(2**70)}, 0.0, True),
        ({"seed": 1}, 0.0, True),  # our seed, and not what we sent
        ({"seed": True}, 0.0, False),
        ({"seed": 1.5}, 0.0, True),
        ({"seed": "1"}, 0.0, True),
        ({"seed": float("nan")}, 0.0, True),
        ({"seed": float("inf")}, 0.0, True),
        ({}, 0.0, False),
        ({}, None, False),
        ({}, -SKEW - 1, True),  # nothing of ours was on its way then
        ({"duration": 9}, 0.0, True),
    ],
)
async def test_another_client_is_noted_once_it_is_certain(
    payload: dict[str, Any],
    created: float | None,
    other: bool,
    rig: Rig,
    lost_posts: LostPosts,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig.own.jobs.append(lost())
    rig.clock.pass_time(5)
    with caplog.at_level(logging.INFO):
        await find(rig, lost_posts, [record("one", payload, created)])
    assert rig.own.notes.values == ({NOTE: rig.clock.now().isoformat()} if other else {})
    assert ("requests of another client" in caplog.text) is other


@pytest.mark.parametrize(("ended", "other"), [(-SKEW, False), (-SKEW - 1, True)])
async def test_a_job_that_was_just_given_up_may_have_a_record(
    ended: float, other: bool, rig: Rig, lost_posts: LostPosts
) -> None:
    given_up = lost(created=-600, state=State.UNCONFIRMED)
    rig.own.jobs.append(replace(given_up, state_since=at(ended)))
    await find(rig, lost_posts, [record("one", {})])
    assert (NOTE in rig.own.notes.values) is other


def test_the_note_of_another_client_is_stored_as_it_always_was() -> None:
    assert NOTE == "another client of GMI Cloud was seen"


async def test_our_own_records_are_no_other_client(rig: Rig, lost_posts: LostPosts) -> None:
    known, sent = replace(lost(1), request_id="one"), lost(2)
    sent = replace(sent, request=replace(sent.request, seed=SEED_MAX))
    rig.own.jobs += [known, sent]
    records = [record("one", {"seed": 12345}), record("two", sent.request.payload() | {"watermark": True})]
    await find(rig, lost_posts, records)
    assert rig.own.notes.values == {}


@pytest.mark.parametrize(("more", "other"), [({}, False), ({"seed": 2}, True), ({"duration": 9}, True)])
async def test_the_record_of_a_deleted_job_is_still_ours(
    more: dict[str, Any], other: bool, rig: Rig, lost_posts: LostPosts
) -> None:
    job = lost(1, state=State.FAILED)
    rig.own.jobs.append(without_content(job, at(5)))
    await find(rig, lost_posts, [record("one", job.request.payload() | more)])
    assert (NOTE in rig.own.notes.values) is other


async def test_a_deleted_job_is_no_reason_to_give_its_video_to_another(
    rig: Rig, lost_posts: LostPosts
) -> None:
    deleted, other = lost(1, state=State.FAILED), lost(2)
    rig.own.jobs.append(without_content(deleted, at(5)))
    records = [record("one", deleted.request.payload()), record("two", other.request.payload())]
    assert await find(rig, lost_posts, records, other) == {2: "two"}


async def test_beside_another_client_nothing_is_found_by_its_time(rig: Rig, lost_posts: LostPosts) -> None:
    job = lost()
    shown = stranger(rig, {})
    other = record("other", {"seed": 99}, -9999)
    assert await find(rig, lost_posts, [shown, other], job) == {}
    again = LostPosts(rig.client, rig.own, rig.clock)  # after a restart
    assert await find(rig, again, [shown], job) == {}
    by_payload = record("mine", job.request.payload())
    assert await find(rig, again, [shown, by_payload], job) == {1: "mine"}


async def test_another_client_shows_in_what_single_questions_tell(rig: Rig, lost_posts: LostPosts) -> None:
    job = lost()
    shown = [stranger(rig, {"seed": 99}), stranger(rig, {}, 100, created_at=int(at(100).timestamp()))]
    assert await find(rig, lost_posts, shown, job) == {}
    assert NOTE in rig.own.notes.values


async def test_while_nothing_is_lost_others_are_looked_for_once_a_minute(
    rig: Rig, lost_posts: LostPosts
) -> None:
    rig.own.jobs.append(lost())
    await find(rig, lost_posts, [record("one", {})])
    rig.clock.pass_time(59)
    await find(rig, lost_posts, [record("other", {"seed": 99})])
    assert rig.own.notes.values == {}
    rig.clock.pass_time(1)
    await find(rig, lost_posts, [record("other", {"seed": 99})])
    assert NOTE in rig.own.notes.values


async def test_beside_another_client_the_storage_is_left_alone(rig: Rig, lost_posts: LostPosts) -> None:
    rig.own.notes.values[NOTE] = "2026-01-01T00:00:00+00:00"
    rig.own.jobs.broken = True
    assert await find(rig, lost_posts, [record("one", {"seed": 99})]) == {}
    with pytest.raises(StorageUnavailable):
        await find(rig, lost_posts, [record("one", {"seed": 99})], lost())
