"""Polling jobs: what is learned, what the list serves, and what the budget allows."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter

import pytest
from simcord import InteractionResult

from bot.models.requests import MODEL
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.schedule.history import NOTE
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud, Timing
from fakes.gmi.script import Outcome
from fakes.world import World
from tests.acceptance.member import ask, until

READY = "✅ Your video is ready"
NOTHING = DurationEstimator().dump()
MANY = pytest.mark.settings(quota_running=99, quota_videos=99)


def questions(cloud: GmiCloud, since: int = 0) -> Counter[str]:
    """Count what GMI was asked: "requests" is the list, all else the id of one job."""
    paths = (seen.path for seen in cloud.requests_seen[since:] if seen.method == "GET")
    return Counter(path.rsplit("/", 1)[1] for path in paths if "apikey/requests" in path)


async def several(world: World, count: int) -> list[InteractionResult]:
    return [await ask(world, seed=number + 1) for number in range(count)]


async def learned(world: World) -> DurationEstimator:
    """Stop the bot, start it again, and return what it then knows about durations."""
    await world.restart()
    estimator = DurationEstimator()
    estimator.load(await world.bot.storage.notes.get(NOTE) or NOTHING)
    return estimator


async def teach(world: World, seconds: list[float]) -> None:
    """Let the bot know that jobs took so long, as if an earlier process had learned it."""
    await world.restart()
    estimator = DurationEstimator()
    for taken in seconds:
        estimator.learn(MODEL, 5, taken)
    await world.bot.storage.notes.save(NOTE, estimator.dump())
    await world.restart()


@pytest.fixture
def minute_long(cloud: GmiCloud) -> None:
    cloud.timing = Timing(queued=3, processing=60)


async def test_durations_are_learned_and_survive_a_restart(
    world: World, cloud: GmiCloud, minute_long: None
) -> None:
    for _ in range(5):
        await until(world, await ask(world), READY)
    [rendering, in_all] = json.loads((await learned(world)).dump())
    assert rendering[:2] == in_all[:2] == [MODEL, 5]
    assert math.exp(rendering[3]) == pytest.approx(60, abs=3)
    assert math.exp(in_all[3]) == pytest.approx(63, abs=3)


async def test_questions_become_fewer_with_what_is_learned(
    world: World, cloud: GmiCloud, minute_long: None
) -> None:
    await until(world, await ask(world), READY)
    first = questions(cloud).total()
    await teach(world, [60] * 8)
    before = len(cloud.requests_seen)
    await until(world, await ask(world), READY)
    assert questions(cloud, before).total() < first


@pytest.mark.parametrize("away", [20, 300])
async def test_a_restart_teaches_no_wrong_duration(
    away: float, world: World, cloud: GmiCloud, minute_long: None
) -> None:
    asked = await ask(world)
    await until(world, asked, "🎬 Rendering")
    await world.bot.close()
    await world.env.advance_time(away)
    await world.restart()
    await until(world, asked, READY)
    estimator = await learned(world)
    if away > 60:
        assert estimator.dump() == NOTHING  # it ended at some time while nobody looked
    else:
        mean, _ = estimator.expected(MODEL, 5)
        once = DurationEstimator()
        once.learn(MODEL, 5, 60)
        assert mean == pytest.approx(once.expected(MODEL, 5)[0], abs=math.log(7 / 6))


async def test_a_restart_before_processing_teaches_only_what_it_took_in_all(
    world: World, cloud: GmiCloud, minute_long: None
) -> None:
    asked = await ask(world)
    await world.bot.close()
    await world.env.advance_time(50)
    await world.restart()
    await until(world, asked, READY)
    [in_all] = json.loads((await learned(world)).dump())
    assert in_all[-1] == "in all"
    assert math.exp(in_all[3]) == pytest.approx(63, abs=3)


async def test_a_failure_teaches_nothing(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.failed("TaskTimeout"))
    await until(world, await ask(world), "❌ Couldn't make the video")
    assert (await learned(world)).dump() == NOTHING


@pytest.mark.parametrize("note", ["", "no json", "[[]]", '[["m", 5, 1.0, NaN, 0.0]]', "[" * 20_000])
async def test_a_corrupt_note_is_ignored_and_said(
    note: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.bot.storage.notes.save(NOTE, note)
    with caplog.at_level(logging.WARNING, "bot.polling.schedule.history"):
        await world.restart()
    assert "What was learned about durations is lost" in caplog.text
    await until(world, await ask(world), READY)


@MANY
async def test_what_is_learned_is_written_once_a_minute_at_most(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    write = world.bot.storage.notes.save

    async def noted(name: str, value: str) -> None:
        written.append(name)
        await write(name, value)

    monkeypatch.setattr(world.bot.storage.notes, "save", noted)
    for asked in await several(world, 6):
        await until(world, asked, READY)
    assert written.count(NOTE) == 1


@MANY
async def test_one_list_serves_many_and_comes_once_a_second_at_most(
    world: World, cloud: GmiCloud, minute_long: None
) -> None:
    jobs = await several(world, 20)
    await world.env.advance_time(10)
    for _ in range(6):
        before = len(cloud.requests_seen)
        await world.env.advance_time(10)
        asked = questions(cloud, before)
        assert set(asked) <= {"requests"}
        assert asked["requests"] <= 10
    for job in jobs:
        await until(world, job, READY)


@MANY
async def test_a_job_missing_from_the_list_is_asked_about_singly(
    world: World, cloud: GmiCloud, minute_long: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await several(world, 3)
    missing = cloud.posts[0]
    served = cloud.posts[1:]
    monkeypatch.setattr(GmiCloud, "posts", property(lambda _: served))
    await world.env.advance_time(40)
    asked = questions(cloud)
    assert asked["requests"] > 0
    assert set(asked) == {"requests", missing.request_id}
    for job in jobs:
        await until(world, job, READY)


@MANY
@pytest.mark.parametrize("mode", sorted(script.LIST_MODES))
async def test_a_list_of_no_use_is_left_alone_for_a_while_and_tried_again(
    mode: str, world: World, cloud: GmiCloud
) -> None:
    cloud.timing = Timing(queued=3, processing=300)
    cloud.list_mode = mode
    await several(world, 3)
    await world.env.advance_time(50)
    asked = questions(cloud)
    assert asked["requests"] == 1
    assert all(asked[post.request_id] > 0 for post in cloud.posts)
    cloud.list_mode = "ok"
    await world.env.advance_time(40)
    before = len(cloud.requests_seen)
    await world.env.advance_time(60)
    assert set(questions(cloud, before)) == {"requests"}
    cloud.list_mode = mode
    before = len(cloud.requests_seen)
    await world.env.advance_time(30)
    assert all(questions(cloud, before)[post.request_id] > 0 for post in cloud.posts)


@MANY
async def test_records_without_their_payload_still_serve_jobs_whose_id_is_known(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(echoes=False), times=3)
    cloud.fault("POST", "/requests", script.RESET_AFTER)
    lost, *others = await several(world, 3)
    for other in others:
        await until(world, other, READY)
    # ... and even the lost one: nothing else was sent in its moment, and no other client was ever seen.
    await until(world, lost, READY)


@pytest.mark.settings(quota_running=99, quota_videos=99, gmi_requests_per_minute=12)
async def test_without_the_list_the_budget_is_kept_and_everyone_has_a_turn(
    world: World, cloud: GmiCloud
) -> None:
    cloud.timing = Timing(queued=3, processing=600)
    cloud.list_mode = "missing"
    await several(world, 10)
    for _ in range(3):
        before = len(cloud.requests_seen)
        await world.env.advance_time(60)
        asked = questions(cloud, before)
        assert 10 <= asked.total() <= 13
    before = len(cloud.requests_seen)
    await world.env.advance_time(180)
    assert all(questions(cloud, before)[post.request_id] >= 2 for post in cloud.posts)


@pytest.mark.settings(quota_running=99, quota_videos=99, gmi_requests_per_minute=6)
async def test_the_budget_goes_to_those_most_likely_finished(world: World, cloud: GmiCloud) -> None:
    await teach(world, [180] * 50)
    cloud.timing = Timing(queued=3, processing=900)
    cloud.list_mode = "missing"
    older = await several(world, 3)
    await world.env.advance_time(150)
    younger = await several(world, 3)
    assert len(older) == len(younger)
    before = len(cloud.requests_seen)
    await world.env.advance_time(120)
    asked = questions(cloud, before)
    first, second = cloud.posts[:3], cloud.posts[3:]
    assert min(asked[post.request_id] for post in first) > max(asked[post.request_id] for post in second)
    await world.env.advance_time(180)  # by now they may be finished as well
    asked = questions(cloud, before)
    assert min(asked[post.request_id] for post in second) > 0


async def test_nothing_is_asked_while_nothing_is_tracked(world: World, cloud: GmiCloud) -> None:
    await until(world, await ask(world), READY)
    await world.env.advance_time(60)
    before = len(cloud.requests_seen)
    await world.env.advance_time(3600)
    assert len(cloud.requests_seen) == before


@pytest.mark.settings(job_deadline_minutes=1)
@pytest.mark.parametrize("word", ["processing", "queued"])
async def test_an_overdue_job_is_asked_about_rarely(word: str, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(stuck=True) if word == "queued" else Outcome(working_word=word))
    cloud.timing = Timing(queued=3, processing=40_000)
    asked = await ask(world)
    await until(world, asked, "Taking too long")
    before = len(cloud.requests_seen)
    await world.env.advance_time(3600)
    assert questions(cloud, before).total() <= 6
