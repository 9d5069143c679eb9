"""Whatever GMI Cloud answers: a video that was paid for arrives, and one job's oddity is its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest
from simcord import InteractionResult

from bot.gmi.client import GmiCloud as Client
from bot.gmi.schemas import RequestStatus
from bot.polling.schedule.timers import TimerQueue
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud, Timing
from fakes.gmi.script import Fault, Outcome
from fakes.world import World
from tests.acceptance.member import ask, assert_quota_untouched, card_text, press, until
from tests.acceptance.test_polling import questions

READY = "✅ Your video is ready"
FAILED = "❌ Couldn't make the video"
WAITING_FOR_LINK = "hasn't sent its link yet"
HOUR, DAY = 3600, 24 * 3600
MANY = pytest.mark.settings(quota_running=99, quota_videos=99)


def singly(cloud: GmiCloud, since: int = 0) -> int:
    """Count the questions about one job."""
    asked = questions(cloud, since)
    return asked.total() - asked["requests"]


def used(world: World) -> tuple[int, int]:
    standing = world.bot.quota_service.status(world.guild.id, world.member.id, [])
    return standing.used_videos, standing.running


def posts(cloud: GmiCloud) -> int:
    return len([seen for seen in cloud.requests_seen if seen.method == "POST"])


def seed_of(asked: InteractionResult) -> str:
    assert asked.response is not None
    return asked.response.attachments[-1].filename


# A link or a reason that is missing.


@MANY
async def test_a_list_without_outcomes_costs_no_video(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(listed_end=False), times=3)
    jobs = [await ask(world, seed=number) for number in (1, 2, 3)]
    for number, asked in enumerate(jobs, start=1):
        await until(world, asked, READY)
        assert seed_of(asked) == f"vidu-{number}.mp4"
    assert questions(cloud)["requests"] > 0
    assert (posts(cloud), cloud.paid) == (3, 3)


@pytest.mark.parametrize("late", [3, 45, 1800])
async def test_a_link_that_comes_after_the_success_is_waited_for(
    late: float, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(link_after=late))
    asked = await ask(world)
    await world.env.advance_time(20)
    before = len(cloud.requests_seen)
    if late > 30:
        text = await until(world, asked, WAITING_FOR_LINK, seconds=35)
        assert "📦 Finished" in text
        assert used(world) == (1, 1)
        assert await world.bot.storage.jobs.unfinished() != []
    await until(world, asked, READY, seconds=late + 70)
    assert cloud.paid == 1
    assert used(world) == (1, 0)
    assert singly(cloud, before) <= 80


async def test_a_post_answered_success_without_its_outcome_is_asked_about(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(synchronous=True, bare=True))
    asked = await ask(world)
    await until(world, asked, READY, seconds=10)
    assert (posts(cloud), cloud.paid) == (1, 1)


async def test_a_restart_while_the_link_is_missing_goes_on_asking(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(link_after=300))
    asked = await ask(world)
    await world.env.advance_time(20)
    await world.restart()
    await until(world, asked, WAITING_FOR_LINK, seconds=60)
    await world.restart()
    assert WAITING_FOR_LINK in card_text(asked)
    await until(world, asked, READY, seconds=360)
    assert used(world) == (1, 0)


async def test_without_a_link_until_the_deadline_it_was_billed_and_stays_used(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(script.WITHOUT_LINK)
    asked = await ask(world)
    await world.env.advance_time(3500)
    assert WAITING_FOR_LINK in card_text(asked)
    text = await until(world, asked, "❌ Couldn't get the video")
    assert "gave no link" in text
    assert "This still counts towards your quota" in text
    assert "request ID req-000001" in text
    assert used(world) == (1, 0)
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_failure_after_a_success_without_a_link_is_believed(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.WITHOUT_LINK)
    asked = await ask(world)
    await until(world, asked, WAITING_FOR_LINK)
    cloud.posts[0].outcome = script.failed("TaskTimeout")
    text = await until(world, asked, FAILED)
    assert "The provider timed out." in text
    assert "This doesn't count towards your quota." in text
    assert_quota_untouched(world)


@pytest.mark.settings(job_deadline_minutes=1)
async def test_a_late_success_has_its_link_waited_for_until_the_day_is_over(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(delay=2 * HOUR, link_after=10 * HOUR))
    asked = await ask(world)
    await until(world, asked, "Taking too long")
    await world.env.advance_time(3 * HOUR)
    assert WAITING_FOR_LINK in card_text(asked)
    await until(world, asked, READY, seconds=10 * HOUR)
    assert_quota_untouched(world)


@pytest.mark.settings(job_deadline_minutes=1)
async def test_a_late_success_that_never_has_a_link_ends_with_the_day(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(videos=0, delay=2 * HOUR))
    asked = await ask(world)
    for _ in range(23):
        await world.env.advance_time(HOUR)
    assert WAITING_FOR_LINK in card_text(asked)
    await world.env.advance_time(2 * HOUR)
    assert "gave no link" in card_text(asked)
    assert await world.bot.storage.jobs.unfinished() == []


@MANY
async def test_a_reason_that_the_list_does_not_give_is_asked_for(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome("failed", {"error": "AuditSubmitIllegal"}, listed_end=False), times=2)
    for asked in [await ask(world), await ask(world)]:
        assert "content rules" in await until(world, asked, FAILED)
    assert_quota_untouched(world)


async def test_a_post_answered_failed_without_a_reason_is_asked_about(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome("failed", {"error": "AuditSubmitIllegal"}, synchronous=True, bare=True))
    asked = await ask(world)
    assert "content rules" in await until(world, asked, FAILED, seconds=10)
    assert_quota_untouched(world)


@MANY
async def test_while_the_reason_cannot_be_asked_for_the_job_stays_open(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome("failed", {"error": "AuditSubmitIllegal"}, listed_end=False))
    cloud.fault("GET", "/requests/req-000001-*", script.HTML_PAGE.repeated(20))
    asked = await ask(world)
    await ask(world)
    await world.env.advance_time(20)
    assert FAILED not in card_text(asked)
    assert "content rules" in await until(world, asked, FAILED, seconds=600)


@pytest.mark.settings(quota_running=99, quota_videos=99, job_deadline_minutes=2)
async def test_a_reason_that_never_comes_is_given_up_at_the_deadline(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome("failed", {"error": "AuditSubmitIllegal"}, listed_end=False))
    cloud.fault("GET", "/requests/req-000001-*", script.HTML_PAGE.repeated(None))
    asked = await ask(world)
    await ask(world)
    await world.env.advance_time(125)
    assert "didn't say why" in card_text(asked)
    assert used(world) == (1, 0)  # by the other one


@MANY
async def test_a_status_that_the_list_alone_words_oddly_is_asked_for_singly(
    world: World, cloud: GmiCloud
) -> None:
    for asked in [await ask(world), await ask(world)]:
        cloud.fault("GET", "/requests", odd_list(cloud, "who knows").repeated(None))
        await until(world, asked, READY)


def odd_list(cloud: GmiCloud, status: str) -> Fault:
    records = [{"request_id": post.request_id, "status": status} for post in cloud.posts]
    return script.answer(200, {"requests": records})


# Shapes that public clients know.


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(shape="strings"),
        Outcome(shape="url"),
        Outcome(shape="video_url"),
        Outcome(success_word="finished"),
        Outcome(success_word="COMPLETED"),
        Outcome(success_word="Success"),
        Outcome(success_word="never heard of"),
        Outcome(clock="milliseconds"),
        Outcome(clock="text"),
        Outcome(clock="nothing"),
        Outcome(clock="nonsense"),
    ],
    ids=str,
)
async def test_every_known_shape_of_a_success_is_a_video(
    outcome: Outcome, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(outcome)
    asked = await ask(world, seed=5)
    await until(world, asked, READY)
    assert seed_of(asked) == "vidu-5.mp4"


@pytest.mark.settings(references_via="link")  # else what could not be read is uploaded and sent again
@pytest.mark.parametrize(
    ("outcome", "heading", "told"),
    [
        (Outcome("FAILED", {"error_message": "blocked by the safety filter"}), FAILED, "content rules"),
        (Outcome("failed", {"reason": "This shows copyrighted content"}), FAILED, "content rules"),
        (Outcome("failed", "VideoDownloadFailure: secret"), FAILED, "couldn't open one of your files"),
        (Outcome("error", {"error": {"code": "TaskTimeout", "message": "a secret"}}), FAILED, "timed out"),
        (Outcome("failed", {"error": "BadWeather: a secret"}), FAILED, "error code BadWeather"),
        (Outcome("failed", {"error": "Too many requests"}), FAILED, "too many requests"),
        (Outcome("failed", {"error": "capacity exhausted"}), FAILED, "no free machine"),
        (Outcome("error", top_level={"error": {"code": "CreditInsufficient"}}), FAILED, "no credit left"),
        (Outcome("Canceled"), "🚫 Canceled", "was canceled before the video was made"),
    ],
    ids=str,
)
async def test_every_known_shape_of_an_end_has_its_sentence(
    outcome: Outcome, heading: str, told: str, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(outcome)
    text = await until(world, await ask(world), heading)
    assert told in text
    assert "so I stopped trying" not in text
    assert "secret" not in text
    assert_quota_untouched(world)


# One odd answer is one job's own.

ODD: dict[str, Fault] = {
    "empty": script.EMPTY,
    "not utf-8": script.NOT_UTF8,
    "nested": script.NESTED,
    "nested error": script.NESTED_ERROR,
    "a number": script.answer(200, "1" + "0" * 5000),
    "an id that is no text": script.answer(200, '{"request_id": {"a": 1}, "status": "success"}'),
    "an empty id": script.answer(200, '{"request_id": "", "status": "failed"}'),
    "an endless id": script.answer(200, {"request_id": "r" * 100_000, "status": "failed"}),
    "another's record": script.answer(
        200,
        {
            "request_id": "other",
            "status": "success",
            "outcome": {"media_urls": ["https://cdn.example.invalid/x.mp4"]},
        },
    ),
    "infinite wait": script.answer(429, '{"rate_limit": {"retry_after_ms": 1e400}}'),
    "no number to wait": script.answer(429, '{"rate_limit": {"retry_after_ms": NaN}}'),
    "a wait before now": script.answer(429, '{"rate_limit": {"retry_after_ms": -1e308}}'),
    "a huge wait": script.answer(429, '{"rate_limit": {"retry_after_ms": 1' + "0" * 400 + "}}"),
    "a wait in words": script.answer(503, {"rate_limit": {"retry_after_ms": "soon"}}),
    "a list in place of a limit": script.answer(429, {"rate_limit": [1]}),
    "a fraction": Fault(429, "", "text/plain", {"Retry-After": "1.5"}),
    "a date": Fault(429, "", "text/plain", {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}),
    "no date": Fault(429, "", "text/plain", {"Retry-After": "Wed, 99 Foo 2099 99:99:99 GMT"}),
    "superscript digits": Fault(429, "", "text/plain", {"Retry-After": "\N{SUPERSCRIPT TWO}"}),
}


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_answer_to_a_status_question_changes_nothing(
    odd: str, world: World, cloud: GmiCloud
) -> None:
    cloud.fault("GET", "/requests/req-*", ODD[odd].repeated(3))
    asked = await ask(world, seed=7)
    await until(world, asked, READY, seconds=HOUR)
    assert seed_of(asked) == "vidu-7.mp4"
    assert world.bot.tasks.failures == 0


@MANY
@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_list_changes_nothing(odd: str, world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/requests", ODD[odd].repeated(3))
    for asked in [await ask(world), await ask(world)]:
        await until(world, asked, READY)
    assert world.bot.tasks.failures == 0


@MANY
async def test_odd_records_beside_ours_change_nothing(world: World, cloud: GmiCloud) -> None:
    for record in (
        {"request_id": 1.5},
        {"request_id": None},
        {"request_id": "../../models", "status": "success"},
        {"request_id": "a", "created_at": float("1e300"), "outcome": {"media_urls": [[[{}]]]}},
        {"request_id": "b", "status": {"x": 1}, "payload": [1]},
    ):
        cloud.strangers.append(record)
    for asked in [await ask(world), await ask(world)]:
        await until(world, asked, READY)
    assert questions(cloud)["requests"] > 1
    assert world.bot.tasks.failures == 0


@pytest.mark.parametrize("odd", [name for name in ODD if ODD[name].status == 200 or ODD[name].status == 500])
async def test_an_odd_answer_to_the_post_is_looked_for_and_never_repeated(
    odd: str, world: World, cloud: GmiCloud
) -> None:
    if odd == "another's record":
        pytest.skip("a POST has no id to compare with")
    fault = ODD[odd]
    cloud.fault("POST", "/requests", Fault(fault.status, fault.text, raw=fault.raw, after=True))
    asked = await ask(world)
    await until(world, asked, READY)
    assert (posts(cloud), cloud.paid) == (1, 1)
    assert world.bot.tasks.failures == 0


@pytest.mark.parametrize("odd", [name for name in ODD if ODD[name].status == 429])
async def test_an_odd_wait_before_the_post_is_bounded(odd: str, world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", ODD[odd])
    asked = await ask(world)
    await until(world, asked, READY, seconds=20 * 60)
    assert cloud.paid == 1


@MANY
async def test_following_that_begins_anew_loses_no_job(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.list_mode = "missing"  # each job has moments of its own to lose
    cloud.outcome(Outcome(delay=20), times=3)
    jobs = [await ask(world, seed=number) for number in (1, 2, 3)]
    take_due, broken = TimerQueue.take_due, 0

    def breaks_at_times(self: TimerQueue, now: datetime) -> Iterable[int]:
        nonlocal broken
        due = list(take_due(self, now))
        if due and broken < 3:
            broken += 1
            raise RuntimeError("for this test")  # their moment has come, and is lost
        return due

    monkeypatch.setattr(TimerQueue, "take_due", breaks_at_times)
    for asked in jobs:
        await until(world, asked, READY)
    assert broken == 3


@MANY
async def test_an_answer_that_the_reader_chokes_on_is_one_jobs_own(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.list_mode = "missing"
    jobs = [await ask(world, seed=number) for number in (1, 2)]
    status, first = Client.status, cloud.posts[0].request_id
    left = 3

    async def chokes(self: Client, request_id: str) -> RequestStatus:
        nonlocal left
        if request_id == first and left:
            left -= 1
            raise RuntimeError("for this test")
        return await status(self, request_id)

    monkeypatch.setattr(Client, "status", chokes)
    for asked in jobs:
        await until(world, asked, READY)
    assert left == 0
    assert world.bot.tasks.failures == 0


# A lost POST.


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(defaults={"resolution": "720p", "watermark": False, "bgm": None}),
        Outcome(defaults={"duration": 5.0}),
        Outcome(listed_echo=False),
        Outcome(echoes=False),
    ],
    ids=["more keys", "a default of ours", "empty in the list", "empty everywhere"],
)
async def test_a_lost_post_is_found_whatever_is_echoed(
    outcome: Outcome, world: World, cloud: GmiCloud
) -> None:
    earlier = await ask(world, seed=4)
    await until(world, earlier, READY)
    cloud.outcome(outcome)
    cloud.fault("POST", "/requests", script.RESET_AFTER)
    asked = await ask(world, seed=5)
    await until(world, asked, READY)
    assert seed_of(asked) == "vidu-5.mp4"
    assert (posts(cloud), cloud.paid) == (2, 2)


async def test_with_empty_echoes_a_key_that_another_client_uses_finds_nothing(
    world: World, cloud: GmiCloud
) -> None:
    await world.env.advance_time(3 * DAY)
    cloud.add_stranger({"prompt": "somebody else's", "seed": 99}, age=2 * DAY)
    cloud.fault("POST", "/requests", script.RESET_AFTER.repeated(2))
    cloud.outcome(Outcome(echoes=False), times=2)
    asked = await ask(world)
    await world.env.advance_time(70)
    assert "❔ We couldn't confirm your request" in card_text(asked)
    cloud.strangers.clear()
    await world.restart()
    again = await ask(world)  # that another client was seen is known for ever
    await world.env.advance_time(70)
    assert "❔ We couldn't confirm your request" in card_text(again)


@MANY
async def test_another_client_that_was_seen_long_before_anything_was_lost_is_remembered(
    world: World, cloud: GmiCloud
) -> None:
    cloud.add_stranger({"prompt": "somebody else's", "seed": 99})
    for asked in [await ask(world), await ask(world)]:
        await until(world, asked, READY)
    cloud.strangers.clear()
    await world.restart()
    cloud.fault("POST", "/requests", script.RESET_AFTER)
    cloud.outcome(Outcome(echoes=False))
    lost = await ask(world)
    await world.env.advance_time(70)
    assert "❔ We couldn't confirm your request" in card_text(lost)


async def test_anothers_video_is_never_taken_for_a_lost_one(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.RESET_BEFORE)
    asked = await ask(world)
    cloud.add_stranger({"prompt": "somebody else's", "seed": 99})
    cloud.add_stranger({})
    await world.env.advance_time(HOUR)
    assert "❔ We couldn't confirm your request" in card_text(asked)


@MANY
async def test_two_lost_posts_of_one_moment_with_empty_echoes_stay_unconfirmed(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", script.RESET_AFTER.repeated(2))
    cloud.outcome(Outcome(echoes=False), times=2)
    cloud.fault("GET", "/requests", script.HTML_PAGE)
    jobs = [await ask(world, seed=1), await ask(world, seed=2)]
    await world.env.advance_time(70)
    for asked in jobs:
        assert "❔ We couldn't confirm your request" in card_text(asked)


async def test_an_ended_job_of_ours_is_not_taken_for_a_lost_one(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(echoes=False), times=2)
    await until(world, await ask(world, seed=1), READY)
    await world.restart()
    cloud.fault("POST", "/requests", script.RESET_BEFORE)
    asked = await ask(world, seed=1)
    await world.env.advance_time(70)
    assert "❔ We couldn't confirm your request" in card_text(asked)
    assert cloud.paid == 1


# A POST that must not be repeated.


@pytest.mark.parametrize(
    "fault",
    [
        script.PROXY_503,
        script.answer(503, {"error": "no healthy upstream"}),
        script.answer(408, {"error": "Request Timeout"}),
        script.backend_error(429),
        script.backend_error(503),
        script.answer(307, ""),
        script.answer(303, {"request_id": 5}),
    ],
    ids=lambda fault: f"{fault.status} {fault.text[:30]}",
)
async def test_an_answer_that_proves_nothing_is_not_posted_again(
    fault: Fault, world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", Fault(fault.status, fault.text, after=True))
    asked = await ask(world)
    await until(world, asked, READY, seconds=300)
    assert (posts(cloud), cloud.paid) == (1, 1)


# What a list costs.


@MANY
@pytest.mark.parametrize(("jobs", "lists"), [(2, False), (40, True)])
async def test_a_long_list_is_asked_for_only_where_it_is_cheaper(
    jobs: int, lists: bool, world: World, cloud: GmiCloud
) -> None:
    cloud.timing = Timing(queued=3, processing=200)
    for number in range(100):
        cloud.add_stranger({"prompt": "x" * 500, "seed": number}, age=1000 + number)
    asked = [await ask(world, seed=number + 1) for number in range(jobs)]
    await world.env.advance_time(30)
    before, bytes_before = len(cloud.requests_seen), cloud.listed_bytes
    await world.env.advance_time(60)
    assert (questions(cloud, before)["requests"] > 0) is lists
    if not lists:
        assert cloud.listed_bytes == bytes_before
        assert all(questions(cloud, before)[post.request_id] > 0 for post in cloud.posts)
    for job in asked:
        await until(world, job, READY, seconds=300)


@MANY
async def test_a_long_list_is_weighed_again_after_half_an_hour(world: World, cloud: GmiCloud) -> None:
    cloud.timing = Timing(queued=3, processing=3300)
    for number in range(100):
        cloud.add_stranger({"prompt": "x" * 500, "seed": number}, age=1000 + number)
    asked = [await ask(world, seed=number) for number in (1, 2)]
    await world.env.advance_time(600)
    assert questions(cloud)["requests"] == 1
    cloud.strangers.clear()
    await world.env.advance_time(1400)
    before = len(cloud.requests_seen)
    await world.env.advance_time(120)
    assert set(questions(cloud, before)) == {"requests"}
    for job in asked:
        await until(world, job, READY, seconds=1800)


@pytest.mark.settings(quota_running=99, quota_videos=99, gmi_requests_per_minute=12)
async def test_a_long_list_serves_where_single_questions_would_break_the_budget(
    world: World, cloud: GmiCloud
) -> None:
    cloud.timing = Timing(queued=3, processing=200)
    for number in range(100):
        cloud.add_stranger({"prompt": "x" * 500, "seed": number}, age=1000 + number)
    asked = [await ask(world, seed=number + 1) for number in range(6)]
    await world.env.advance_time(30)
    before = len(cloud.requests_seen)
    await world.env.advance_time(60)
    assert set(questions(cloud, before)) == {"requests"}
    for job in asked:
        await until(world, job, READY, seconds=300)


async def test_show_brings_the_card_of_a_video_whose_link_is_missing(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(link_after=120))
    await until(world, await ask(world, private=True), WAITING_FOR_LINK)
    listed = await world.member.slash(world.channel, "videos")
    assert WAITING_FOR_LINK in card_text(listed)
    shown = await press(world.member, listed, "Show")
    assert WAITING_FOR_LINK in card_text(shown)
    await until(world, shown, READY)
    assert cloud.paid == 1
