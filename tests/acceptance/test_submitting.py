"""A request on its way to GMI Cloud: never late, never before its time, never twice, never forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from simcord import InteractionResult

from bot.delivery.sender import Delivery
from bot.gmi.client import GmiCloud as Client
from bot.gmi.client import RequestStatus
from bot.jobs.cards.notifier import CardNotifier
from bot.models.jobs import Job
from bot.models.states import State
from bot.polling.poller import StatusPoller
from bot.quotas.limiter import QuotaLimiter
from bot.storage.jobs import JobStore
from bot.storage.storage import StorageFault
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World
from tests.acceptance.member import ask, assert_quota_untouched, card_text, press, private_answer, until

READY = "✅ Your video is ready"
SENDING = "📨 Sending your request"
HOUR = 3600
MANY = pytest.mark.settings(quota_running=99, quota_videos=99)


def posts(cloud: GmiCloud) -> list[int]:
    """Return the seeds of all POSTs that arrived."""
    return [seen.body["payload"]["seed"] for seen in cloud.requests_seen if seen.method == "POST"]


async def down_for(world: World, seconds: float) -> None:
    """Stop the bot, and start it again after so many seconds."""
    await world.bot.close()
    await world.env.advance_time(seconds)
    await world.restart()


def hold_posts(world: World, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Hold every POST on its way until the event is set."""
    gate, submit = asyncio.Event(), Client.submit

    async def held(self: Client, model: str, payload: dict[str, object]) -> RequestStatus:
        await world.clock.wait(gate, None)
        return await submit(self, model, payload)

    monkeypatch.setattr(Client, "submit", held)
    return gate


def fail_once(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, *, after: bool = False, skip: int = 0
) -> list[str]:
    """Let one of the next calls of a method raise what nobody expected; return a list that will name it."""
    original: Callable[..., Any] = getattr(owner, name)
    failed: list[str] = []
    left = iter(range(skip))

    async def of_a_coroutine(work: Coroutine[Any, Any, Any]) -> Any:
        if after:
            await work
        else:
            work.close()
        raise RuntimeError("a bug")

    def failing(*given: Any, **named: Any) -> Any:
        if failed or next(left, None) is not None:
            return original(*given, **named)
        failed.append(name)
        result = original(*given, **named) if after or asyncio.iscoroutinefunction(original) else None
        if asyncio.iscoroutine(result):
            return of_a_coroutine(result)
        raise RuntimeError("a bug")

    monkeypatch.setattr(owner, name, failing)
    return failed


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (script.rate_limited(60000), "kept rate-limiting us, so I stopped trying"),
        (script.CAPACITY, "had no free machines for too long, so I stopped trying"),
    ],
)
async def test_what_waited_is_not_sent_hours_later_after_a_restart(
    fault: script.Fault, told: str, world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", fault)
    asked = await ask(world, seed=5)
    await down_for(world, 2 * HOUR)
    await world.env.advance_time(HOUR)
    assert told in card_text(asked)
    assert "This doesn't count towards your quota." in card_text(asked)
    assert_quota_untouched(world)
    assert posts(cloud) == [5]


async def test_a_pause_that_gmi_asked_for_outlives_a_restart(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(600_000))
    asked = await ask(world, seed=5)
    await world.restart()
    await world.env.advance_time(590)
    assert posts(cloud) == [5]
    assert "is rate-limiting us" in card_text(asked)
    await until(world, asked, READY, seconds=400)
    assert (posts(cloud), cloud.paid) == ([5, 5], 1)


async def nine_with_eight_on_their_way(world: World) -> list[InteractionResult]:
    return [await ask(world, seed=seed) for seed in range(1, 10)]


@MANY
async def test_who_waits_for_a_place_goes_on_after_a_restart(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as held:
        held.setattr("bot.jobs.service.GRACE", 0.0)
        hold_posts(world, held)
        *on_their_way, waiting = await nine_with_eight_on_their_way(world)
        assert SENDING in card_text(waiting)
        await world.bot.close()
    await world.restart()
    await until(world, waiting, READY)
    assert posts(cloud) == [9]
    # Of the others nobody can know: they may have been accepted, and are never sent again.
    await world.env.advance_time(120)
    for asked in on_their_way:
        assert "❔ We couldn't confirm your request" in card_text(asked)
    assert posts(cloud) == [9]


@MANY
async def test_who_waits_for_a_place_can_cancel(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = hold_posts(world, monkeypatch)
    *on_their_way, waiting = await nine_with_eight_on_their_way(world)
    assert "🚫 Canceled" in private_answer(await press(world.member, waiting, "Cancel"))
    assert "is being sent right now" in private_answer(await press(world.member, on_their_way[0], "Cancel"))
    gate.set()
    for asked in on_their_way:
        await until(world, asked, READY)
    assert "🚫 Canceled" in card_text(waiting)
    assert sorted(posts(cloud)) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.settings(quota_running=99, quota_videos=99, job_deadline_minutes=2)
async def test_who_waited_too_long_for_a_place_is_not_sent(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = hold_posts(world, monkeypatch)
    *_, waiting = await nine_with_eight_on_their_way(world)
    await world.env.advance_time(121)
    gate.set()
    await world.env.settle()
    assert "I couldn't send your request in time" in card_text(waiting)
    assert "This doesn't count towards your quota." in card_text(waiting)
    await world.env.advance_time(120)
    assert sorted(posts(cloud)) == [1, 2, 3, 4, 5, 6, 7, 8]


@MANY
async def test_a_stopping_bot_lets_arrive_what_is_on_its_way_and_begins_nothing_more(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = hold_posts(world, monkeypatch)
    *on_their_way, waiting = await nine_with_eight_on_their_way(world)
    stopping = asyncio.create_task(world.bot.close())
    await asyncio.sleep(0)
    gate.set()
    await stopping
    assert sorted(posts(cloud)) == [1, 2, 3, 4, 5, 6, 7, 8]
    await world.restart()
    for asked in (*on_their_way, waiting):
        await until(world, asked, READY)
    assert sorted(posts(cloud)) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


async def test_a_bug_after_the_post_becomes_a_search(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = fail_once(monkeypatch, Client, "submit", after=True)
    asked = await ask(world, seed=5)
    await until(world, asked, READY)
    assert (failed, posts(cloud), cloud.paid) == (["submit"], [5], 1)


async def test_a_bug_before_the_post_is_told_and_never_sent_again(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_once(monkeypatch, Client, "submit")
    asked = await ask(world)
    assert SENDING in card_text(asked)
    await world.env.advance_time(120)
    assert "❔ We couldn't confirm your request" in card_text(asked)
    assert_quota_untouched(world)
    assert posts(cloud) == []


async def test_a_bug_while_an_accepted_job_is_taken_over_loses_nothing(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = fail_once(monkeypatch, StatusPoller, "track")
    asked = await ask(world, seed=5)
    await until(world, asked, READY)
    assert (failed, posts(cloud), cloud.paid) == (["track"], [5], 1)


async def test_a_bug_while_a_pause_is_shown_keeps_the_job_waiting(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(30_000))
    failed = fail_once(monkeypatch, CardNotifier, "schedule_show")
    asked = await ask(world, seed=5)
    await world.env.advance_time(29)
    assert posts(cloud) == [5]
    await until(world, asked, READY)
    assert (failed, posts(cloud), cloud.paid) == (["schedule_show"], [5, 5], 1)


async def test_a_bug_while_a_card_is_edited_is_made_good(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.outcome(Outcome(delay=600))
    failed = fail_once(monkeypatch, CardNotifier, "show", skip=1)
    asked = await ask(world)
    await world.env.advance_time(10)
    assert failed == ["show"]
    assert "⏳ Waiting in line" in card_text(asked)


async def test_a_bug_while_an_end_is_told_is_made_good(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = fail_once(monkeypatch, Delivery, "notify")
    cloud.outcome(Outcome("failed", {"error": "TaskTimeout"}, delay=60))
    asked = await ask(world)
    await until(world, asked, "❌ Couldn't make the video")
    await world.env.advance_time(60)
    assert failed == ["notify"]
    assert await world.bot.storage.jobs.unfinished() == []


@MANY
async def test_a_job_whose_pause_is_over_and_that_waits_for_a_place_names_no_time_that_has_passed(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(30_000))
    waiting = await ask(world, seed=9)
    assert "I'll retry <t:" in card_text(waiting)
    gate = hold_posts(world, monkeypatch)
    on_their_way = [await ask(world, seed=seed) for seed in range(1, 9)]
    await world.env.advance_time(40)
    assert SENDING in card_text(waiting)
    assert "I'll retry" not in card_text(waiting)
    gate.set()
    for asked in (*on_their_way, waiting):
        await until(world, asked, READY)
    assert sorted(posts(cloud)) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]


async def test_while_a_request_is_sent_again_its_card_names_no_time_that_has_passed(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(30_000))
    asked = await ask(world, seed=9)
    assert "I'll retry <t:" in card_text(asked)
    gate = hold_posts(world, monkeypatch)
    await world.env.advance_time(40)
    assert SENDING in card_text(asked)
    assert "I'll retry" not in card_text(asked)
    gate.set()
    await until(world, asked, READY)


def refuse_saves(monkeypatch: pytest.MonkeyPatch, refused: Callable[[Job], bool]) -> list[State]:
    """Let the database refuse for good what fits; return a list that will name the states of it."""
    save = JobStore.save
    states: list[State] = []

    async def refusing(self: JobStore, job: Job, *, previous: int) -> None:
        if refused(job):
            states.append(job.state)
            raise StorageFault("DataError 22021")
        await save(self, job, previous=previous)

    monkeypatch.setattr(JobStore, "save", refusing)
    return states


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (Outcome(delay=200), "⏳ Waiting in line"),
        (Outcome(synchronous=True), "📦 Finished, downloading the video"),
        (script.failed("TaskTimeout"), "⏳ Waiting in line"),
    ],
)
async def test_an_accepted_request_that_cannot_be_saved_is_polled_on_and_its_card_says_so(
    outcome: Outcome, shown: str, world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.list_mode = "missing"  # what the POST answered is all that is known
    cloud.outcome(outcome)
    with monkeypatch.context() as patch:
        refused = refuse_saves(patch, lambda job: job.request_id is not None)
        asked = await ask(world, seed=5)
        await world.env.advance_time(150)
        assert shown in card_text(asked)
        assert 3 <= len(refused) <= 40
    end = "❌ Couldn't make the video" if outcome.status == "failed" else READY
    await until(world, asked, end, seconds=400)
    assert (posts(cloud), cloud.paid) == ([5], 1)
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_lost_post_that_is_found_and_cannot_be_saved_is_polled_on(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("POST", "/requests", script.RESET_AFTER)
    cloud.outcome(Outcome(delay=100))
    with monkeypatch.context() as patch:
        refused = refuse_saves(patch, lambda job: job.request_id is not None)
        asked = await ask(world, seed=5)
        await world.env.advance_time(90)
        assert "⏳ Waiting in line" in card_text(asked)
        assert refused
    await until(world, asked, READY, seconds=400)
    assert (posts(cloud), cloud.paid) == ([5], 1)


async def test_a_delivered_job_is_finished_although_its_end_could_not_be_noted_at_first(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        refused = refuse_saves(patch, lambda job: job.acknowledged)
        cloud.outcome(Outcome(delay=60))
        asked = await ask(world)
        await until(world, asked, READY)
        await world.env.advance_time(5)
        assert refused
        assert len(await world.bot.storage.jobs.unfinished()) == 1
    await world.env.advance_time(60)
    assert await world.bot.storage.jobs.unfinished() == []
    messages = world.env.backend.messages[world.channel.id].values()
    assert len([message for message in messages if message.content]) == 1


async def test_a_bug_while_the_member_is_notified_of_a_video_is_made_good(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = fail_once(monkeypatch, Delivery, "notify")
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    await until(world, asked, READY)
    await world.env.advance_time(60)
    assert failed == ["notify"]
    assert await world.bot.storage.jobs.unfinished() == []
    messages = world.env.backend.messages[world.channel.id].values()
    assert len([message for message in messages if message.content]) == 1


async def test_a_bug_right_after_a_video_was_posted_and_saved_is_made_good(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = fail_once(monkeypatch, QuotaLimiter, "settle", after=True)
    asked = await ask(world)
    await until(world, asked, READY)
    await world.env.advance_time(60)
    assert failed == ["settle"]
    assert await world.bot.storage.jobs.unfinished() == []
