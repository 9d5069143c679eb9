"""No credit, or a refused key: nobody's request is sent in vain, and all go on once that is mended."""

from __future__ import annotations

import logging

import pytest
from discord import app_commands
from simcord import InteractionResult

from bot.storage.jobs import JobStore
from bot.storage.storage import StorageUnavailable
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import picture
from fakes.world import FAKE_KEY, World
from tests.acceptance.member import (
    ask,
    assert_quota_untouched,
    card_text,
    press,
    press_at_once,
    private_answer,
    submit,
    until,
)
from tests.acceptance.test_card_buttons import button_id
from tests.acceptance.test_submitting import hold_posts, posts

READY = "✅ Your video is ready"
NO_CREDIT = "This bot has no credit left at the provider, so nothing was sent"
BAD_KEY = "The provider rejected this bot's API key, so nothing was sent"
MANY = pytest.mark.settings(quota_running=99, quota_videos=99, quota_attempts_per_hour=2)
TEN_MINUTES = 600


def key_checks(cloud: GmiCloud) -> int:
    """Count the questions about the key beside the one at the start."""
    return sum("/models/" in seen.path for seen in cloud.requests_seen) - 1


def gate_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage() for record in caplog.records if record.name == "bot.jobs.submission.submit_gate"
    ]


async def burst(world: World, seeds: range) -> list[InteractionResult]:
    return [await ask(world, seed=seed) for seed in seeds]


async def refuse_to_store(*_: object) -> bool:
    raise StorageUnavailable("the disk is full")


def refusals(answers: list[InteractionResult], words: str) -> int:
    return sum(
        words in private_answer(asked)
        for asked in answers
        if asked.response is None or asked.response.ephemeral
    )


@MANY
async def test_without_credit_a_burst_spends_one_post_every_ten_minutes_until_one_is_accepted(
    world: World, cloud: GmiCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cloud.fault("POST", "/requests", script.NO_CREDIT.repeated(None))
    first = await ask(world, seed=1)
    assert "This bot has no credit left" in card_text(first)
    assert refusals(await burst(world, range(2, 22)), NO_CREDIT) == 20
    assert posts(cloud) == [1]
    for round_ in (1, 2):
        await world.env.advance_time(TEN_MINUTES)
        answers = await burst(world, range(100 * round_, 100 * round_ + 20))
        assert refusals(answers, NO_CREDIT) == 19
        assert len(posts(cloud)) == 1 + round_
    assert_quota_untouched(world)
    assert len(gate_lines(caplog)) == 1

    cloud.heal()
    await world.env.advance_time(TEN_MINUTES)
    await until(world, await ask(world, seed=7), READY)
    for asked in await burst(world, range(300, 305)):
        await until(world, asked, READY)
    assert len(gate_lines(caplog)) == 2
    assert cloud.paid == 6


@MANY
async def test_of_those_who_ask_at_the_same_moment_only_one_is_the_trial(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT.repeated(None))
    members = [world.guild.add_member(world.env.create_user(f"member{number}")) for number in range(8)]
    with monkeypatch.context() as held:
        on_their_way = hold_posts(world, held)
        fox = ("fox.png", picture())
        cards = [
            await member.slash(world.channel, "vidu", prompt="a fox", image1=fox, seed=seed)
            for seed, member in enumerate(members, start=1)
        ]
        on_their_way.set()
        await world.env.settle()
    assert sorted(posts(cloud)) == [1, 2, 3, 4, 5, 6, 7, 8]
    await world.env.advance_time(TEN_MINUTES)
    clicks = [(member, card, button_id(card, "Again")) for member, card in zip(members, cards, strict=True)]
    answers = await press_at_once(world, clicks)
    assert refusals(answers, NO_CREDIT) == 7
    assert len(posts(cloud)) == 9


@MANY
async def test_while_the_trial_is_on_its_way_nobody_else_is_let_through(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world, seed=1)
    await world.env.advance_time(TEN_MINUTES)
    on_its_way = hold_posts(world, monkeypatch)
    trial = await ask(world, seed=2)
    assert refusals(await burst(world, range(3, 8)), NO_CREDIT) == 5
    on_its_way.set()
    await until(world, trial, READY)
    await until(world, await ask(world, seed=8), READY)
    assert posts(cloud) == [1, 2, 8]


@MANY
async def test_who_waits_for_a_place_when_the_credit_ends_is_refused_without_a_post(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT.repeated(None))
    on_their_way = hold_posts(world, monkeypatch)
    answers = [await ask(world, seed=seed) for seed in range(1, 13)]
    on_their_way.set()
    await world.env.settle()
    for asked in answers:
        assert "This bot has no credit left" in card_text(asked)
        assert "This doesn't count towards your quota." in card_text(asked)
    assert len(posts(cloud)) == 8  # those that were on their way
    assert_quota_untouched(world)


@MANY
async def test_who_waits_for_a_pause_when_the_credit_ends_is_refused_without_a_post(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(30_000))
    paused = await ask(world, seed=1)
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world, seed=2)
    await until(world, paused, "This bot has no credit left")
    assert posts(cloud) == [1, 2]
    assert_quota_untouched(world)


@MANY
async def test_whose_pause_ends_when_a_trial_is_due_is_the_trial(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(700_000))
    paused = await ask(world, seed=1)
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world, seed=2)
    await until(world, paused, READY, seconds=1000)
    await until(world, await ask(world, seed=3), READY)
    assert posts(cloud) == [1, 2, 1, 3]


@MANY
@pytest.mark.command_errors(types=[app_commands.CommandInvokeError])
async def test_a_trial_that_cannot_be_stored_makes_way_for_the_next_one(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world, seed=1)
    await world.env.advance_time(TEN_MINUTES)
    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "add", refuse_to_store)
        assert "can't save anything right now" in private_answer(await ask(world, seed=2))
    await until(world, await ask(world, seed=3), READY)
    assert posts(cloud) == [1, 3]


@MANY
async def test_a_trial_that_is_rate_limited_is_sent_again_in_its_time(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world, seed=1)
    await world.env.advance_time(TEN_MINUTES)
    cloud.fault("POST", "/requests", script.rate_limited(30_000))
    trial = await ask(world, seed=2)
    assert NO_CREDIT in private_answer(await ask(world, seed=3))
    await until(world, trial, READY)
    assert posts(cloud) == [1, 2, 2]


@MANY
async def test_a_trial_whose_answer_was_lost_opens_the_gate_once_it_is_found(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world, seed=1)
    await world.env.advance_time(TEN_MINUTES)
    cloud.fault("POST", "/requests", script.RESET_AFTER)
    await until(world, await ask(world, seed=2), READY)
    await until(world, await ask(world, seed=3), READY)
    assert posts(cloud) == [1, 2, 3]


async def test_a_prompt_that_speaks_of_credit_stops_nobody_else(world: World, cloud: GmiCloud) -> None:
    quoted = script.answer(400, {"error": "moderation: 'my credit card' is not allowed"})
    cloud.fault("POST", "/requests", quoted)
    await ask(world, prompt="my credit card")
    await until(world, await ask(world), READY)


@pytest.mark.settings(quota_attempts_per_hour=1)
async def test_what_the_operator_has_to_mend_is_no_attempt_of_the_member(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world)
    await world.restart()
    await until(world, await ask(world), READY)


async def test_a_restart_begins_with_the_gate_open(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world)
    assert NO_CREDIT in private_answer(await ask(world))
    await world.restart()
    await until(world, await ask(world), READY)


async def test_the_draft_of_a_refused_member_can_be_sent_later(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    await ask(world)
    refused = await ask(world, prompt="a hen that runs")
    assert NO_CREDIT in private_answer(refused)
    await world.env.advance_time(TEN_MINUTES)
    reopened = await press(world.member, refused, "Try again")
    assert "a hen that runs" in await until(world, await submit(world.member, reopened), READY)


@MANY
async def test_with_a_refused_key_no_request_is_tried_and_all_go_on_once_it_is_accepted(
    world: World, cloud: GmiCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cloud.keys.clear()
    refused = await ask(world, seed=1)
    assert "rejected this bot's API key" in card_text(refused)
    assert refusals(await burst(world, range(2, 22)), BAD_KEY) == 20
    assert key_checks(cloud) == 0
    await world.env.advance_time(TEN_MINUTES)
    assert key_checks(cloud) == 10
    assert BAD_KEY in private_answer(await ask(world, seed=30))
    assert posts(cloud) == [1]
    assert len(gate_lines(caplog)) == 1
    assert FAKE_KEY not in caplog.text

    cloud.keys.add(FAKE_KEY)
    await world.env.advance_time(61)
    await until(world, await ask(world, seed=31), READY)
    assert len(gate_lines(caplog)) == 2
    asked = key_checks(cloud)
    await world.env.advance_time(TEN_MINUTES)
    assert key_checks(cloud) == asked


@MANY
async def test_a_key_that_polling_finds_refused_stops_new_requests_and_loses_no_old_one(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(delay=120))
    running = await ask(world, seed=1)
    cloud.keys.clear()
    await world.env.advance_time(60)
    assert BAD_KEY in private_answer(await ask(world, seed=2))
    assert posts(cloud) == [1]
    cloud.keys.add(FAKE_KEY)
    await until(world, running, READY, seconds=400)
    await until(world, await ask(world, seed=3), READY)


async def test_a_record_that_may_not_be_read_is_no_refused_key(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=120))
    await ask(world)
    cloud.fault("GET", "/requests/*", script.answer(403, {"error": "you do not have access"}))
    await world.env.advance_time(60)
    assert key_checks(cloud) == 1
    await until(world, await ask(world), READY)


async def test_while_nobody_knows_whether_the_key_is_accepted_the_gate_stays_as_it_is(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", script.BAD_KEY)
    cloud.fault("GET", "/models/*", script.HTML_PAGE.repeated(2))
    await ask(world)
    await world.env.advance_time(125)
    assert key_checks(cloud) == 2
    assert BAD_KEY in private_answer(await ask(world))
    await world.env.advance_time(60)
    await until(world, await ask(world), READY)


async def test_the_form_says_so_too(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.NO_CREDIT)
    opened = await world.member.slash(world.channel, "vidu", image1=("fox.png", picture()))
    await ask(world)
    assert NO_CREDIT in private_answer(await submit(world.member, opened, prompt="a fox"))
