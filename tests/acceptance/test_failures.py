"""Every failure has its own sentence, gives the quota back, and gives nothing away."""

from __future__ import annotations

import re

import pytest

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Fault, Outcome
from fakes.world import World
from tests.acceptance.member import ask, assert_quota_untouched, card_text, until

SUBMIT = "/requests"


def assert_gives_nothing_away(text: str) -> None:
    """No raw body, token, key or signed URL may reach a member."""
    for secret in ("secret", "sig=", "http", "demo-key", "{", "ray 1", "Bearer", "<html"):
        assert secret not in text


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (script.BAD_KEY, "rejected this bot's API key"),
        (script.NO_CREDIT, "no credit left"),
        (script.POLICY, "content rules"),
        (script.BACKEND_400, "didn't accept this combination"),
        (script.answer(404, {"error": "model x does not exist"}), "doesn't know the AI model"),
        (script.answer(400, "plain secret text", "text/plain"), "didn't accept this combination"),
    ],
)
async def test_a_refused_request(fault: Fault, told: str, world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", SUBMIT, fault)
    asked = await ask(world)
    text = card_text(asked)
    assert "❌ Not accepted" in text
    assert told in text
    assert "This doesn't count towards your quota." in text
    assert_gives_nothing_away(text)
    assert_quota_untouched(world)
    assert cloud.paid == 0


@pytest.mark.parametrize(
    ("outcome", "heading", "told"),
    [
        (script.failed("AuditSubmitIllegal: a secret prompt"), "❌ Couldn't make the video", "content rules"),
        (
            script.failed("ImageFormatInvalid https://x/?sig=secret"),
            "❌ Couldn't make the video",
            "couldn't open one of your files",
        ),
        (
            script.failed("TaskTimeout at https://x/?sig=secret"),
            "❌ Couldn't make the video",
            "The provider timed out.",
        ),
        (script.failed(None), "❌ Couldn't make the video", "didn't say why"),
        (
            Outcome("failed", top_level={"error": "CreditInsufficient"}),
            "❌ Couldn't make the video",
            "no credit left",
        ),
        (
            Outcome("failed", top_level={"reason": "something secret"}),
            "❌ Couldn't make the video",
            "didn't say why",
        ),
        (script.CANCELLED, "🚫 Canceled", "was canceled before the video was made"),
    ],
)
async def test_a_request_that_ends_without_a_video(
    outcome: Outcome, heading: str, told: str, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(outcome)
    asked = await ask(world)
    text = await until(world, asked, heading)
    assert told in text
    assert "This doesn't count towards your quota." in text
    assert_gives_nothing_away(text)
    assert_quota_untouched(world)


async def test_a_success_without_a_link_was_billed_and_stays_used(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(videos=0))
    asked = await ask(world)
    text = await until(world, asked, "❌ Couldn't get the video", seconds=3700)
    assert "gave no link" in text
    assert "request ID req-000001" in text
    standing = world.bot.quota_service.status(world.guild.id, world.member.id, [])
    assert (standing.used_videos, standing.running) == (1, 0)


async def test_rate_limited_waits_as_told_and_says_so(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", SUBMIT, script.rate_limited(29970))
    asked = await ask(world)
    text = card_text(asked)
    assert "⏳ Waiting for the provider" in text
    assert "is rate-limiting us" in text
    [again] = re.findall(r"I'll retry <t:(\d+):R>", text)
    assert 29 <= int(again) - world.env.now().timestamp() <= 38
    await world.env.advance_time(29)
    assert len([seen for seen in cloud.requests_seen if seen.method == "POST"]) == 1
    await until(world, asked, "✅ Your video is ready")
    assert cloud.paid == 1


@pytest.mark.parametrize(
    ("fault", "told", "given_up"),
    [
        (script.CAPACITY, "no free machines right now", "had no free machines for too long"),
        (script.rate_limited(60000), "is rate-limiting us", "kept rate-limiting us"),
    ],
)
async def test_a_wait_that_never_ends_is_given_up_at_the_deadline(
    fault: Fault, told: str, given_up: str, world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", SUBMIT, fault.repeated(None))
    asked = await ask(world)
    assert told in card_text(asked)
    await world.env.advance_time(3600)
    text = card_text(asked)
    assert given_up in text
    assert "This doesn't count towards your quota." in text
    assert_quota_untouched(world)
    assert cloud.paid == 0


async def test_the_deadline_is_told_and_a_late_video_still_arrives(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=2 * 3600))
    asked = await ask(world)
    await world.env.advance_time(3500)
    assert "⏳ Waiting in line" in card_text(asked)
    await world.env.advance_time(120)
    text = card_text(asked)
    assert "⌛ Taking too long" in text
    assert "I'll keep checking for a day" in text
    assert_quota_untouched(world)
    await world.env.advance_time(2 * 3600)
    assert asked.response is not None
    assert asked.response.attachments[-1].filename.startswith("vidu-")
    assert cloud.paid == 1


async def test_stuck_for_ever_ends_after_a_day(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.STUCK)
    asked = await ask(world)
    await world.env.advance_time(3700)
    for _ in range(25):
        await world.env.advance_time(3600)
    assert asked.response is not None
    assert await world.bot.storage.jobs.unfinished() == []


@pytest.mark.parametrize("fault", [script.RESET_AFTER, script.HTML_PAGE, script.NONSENSE])
async def test_a_broken_post_is_never_repeated(fault: Fault, world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", SUBMIT, fault)
    asked = await ask(world)
    accepted = cloud.paid
    await world.env.advance_time(120)
    assert len([seen for seen in cloud.requests_seen if seen.method == "POST"]) == 1
    if accepted:
        await until(world, asked, "✅ Your video is ready")
    else:
        assert "❔ We couldn't confirm your request" in card_text(asked)
        assert_quota_untouched(world)


@pytest.mark.parametrize("fault", [script.HTML_PAGE, script.NONSENSE, script.CAPACITY, script.RESET_BEFORE])
async def test_trouble_while_asking_for_the_status_changes_nothing(
    fault: Fault, world: World, cloud: GmiCloud
) -> None:
    cloud.fault("GET", "/requests/req-*", fault.repeated(8))
    asked = await ask(world)
    await until(world, asked, "✅ Your video is ready")


async def test_an_unknown_status_counts_as_still_working(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(working_word="warming_up"))
    asked = await ask(world)
    await world.env.advance_time(8)
    assert "⏳ Waiting in line" in card_text(asked)
    await until(world, asked, "✅ Your video is ready")


async def test_a_request_that_is_finished_at_once(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome("failed", {"error": "TaskTimeout"}, synchronous=True))
    asked = await ask(world)
    assert "❌ Couldn't make the video" in card_text(asked)
    assert_quota_untouched(world)
