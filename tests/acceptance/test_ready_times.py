"""When a video should be ready, as its member reads it: from the first job on, and honest once it is late."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from simcord import InteractionResult

from bot.models.requests import MODEL
from bot.polling.schedule.estimator import DurationEstimator, Span
from fakes.gmi.cloud import GmiCloud, Timing
from fakes.world import World
from tests.acceptance.member import ask, card_text, until

READY = "✅ Your video is ready"
LATE = "taking longer than usual"
NOTHING_KNOWN = DurationEstimator()


def ready_at(asked: InteractionResult) -> datetime:
    [moment] = re.findall(r"should be ready <t:(\d+):R>", card_text(asked))
    return datetime.fromtimestamp(int(moment), UTC)


def seconds_left(world: World, asked: InteractionResult) -> float:
    return (ready_at(asked) - world.env.now()).total_seconds()


def edits(world: World) -> int:
    return sum(entry.method == "PATCH" for entry in world.env.http_requests)


async def test_the_first_job_ever_says_when_it_should_be_ready(world: World) -> None:
    asked = await ask(world)
    assert "⏳ Waiting in line" in card_text(asked)
    in_all = NOTHING_KNOWN.usual(MODEL, 5, Span.IN_ALL)
    assert seconds_left(world, asked) == pytest.approx(in_all, abs=1)
    await until(world, asked, "🎬 Rendering")
    rendering = NOTHING_KNOWN.usual(MODEL, 5, Span.RENDERING)
    assert seconds_left(world, asked) == pytest.approx(rendering, abs=1)
    assert "%" not in card_text(asked)
    assert "should be ready" not in await until(world, asked, READY)


async def test_a_card_that_is_late_says_so_the_moment_it_is(world: World, cloud: GmiCloud) -> None:
    cloud.timing = Timing(queued=200, processing=200)
    asked = await ask(world)
    for heading in ("⏳ Waiting in line", "🎬 Rendering"):
        await until(world, asked, heading, seconds=300)
        expected, before = ready_at(asked), edits(world)
        text = await until(world, asked, LATE, seconds=300)
        assert 0 <= (world.env.now() - expected).total_seconds() < 2
        assert heading in text
        assert "should be ready" not in text
        assert edits(world) == before + 1
    await until(world, asked, READY, seconds=300)
    assert LATE not in card_text(asked)


async def test_the_moment_stays_where_it_is_while_others_finish(world: World, cloud: GmiCloud) -> None:
    cloud.timing = Timing(queued=3, processing=40)
    first = await ask(world)
    await until(world, first, "🎬 Rendering")
    expected = ready_at(first)
    await ask(world)
    await world.env.advance_time(10)
    assert ready_at(first) == expected


@pytest.mark.settings(quota_running=99, quota_videos=99)
async def test_later_jobs_are_told_what_earlier_ones_took(world: World, cloud: GmiCloud) -> None:
    cloud.timing = Timing(queued=10, processing=120)
    for _ in range(8):
        await until(world, await ask(world), READY, seconds=300)
    asked = await ask(world)
    assert 110 < seconds_left(world, asked) < 240
    await until(world, asked, "🎬 Rendering")
    assert 100 < seconds_left(world, asked) < 230
    # Nothing was learned of another length.
    other = await ask(world, duration=2)
    assert seconds_left(world, other) == pytest.approx(NOTHING_KNOWN.usual(MODEL, 2, Span.IN_ALL), abs=1)


@pytest.mark.parametrize("down", [0, 300], ids=["before the moment", "after the moment"])
async def test_a_restart_in_between_changes_nothing_about_it(
    down: float, world: World, cloud: GmiCloud
) -> None:
    cloud.timing = Timing(queued=3, processing=900)
    asked = await ask(world)
    await until(world, asked, "🎬 Rendering")
    expected = ready_at(asked)
    await world.bot.close()
    await world.env.advance_time(down)
    await world.restart()
    if not down:
        assert ready_at(asked) == expected
    await until(world, asked, LATE)
    assert (world.env.now() - expected).total_seconds() < max(2, down)
