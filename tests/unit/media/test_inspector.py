"""One member's files never keep the others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.media.inspection import clips
from bot.media.inspection.inspector import PAUSE, Inspector, NotNow
from bot.models.catalog import Kind
from bot.models.problems import Problem, ProblemCode, Values
from fakes.clock import until
from fakes.media import clip, endless_clip, picture

URL = "https://cdn.example/file"
ALICE, BOB = 1, 2


class StillClock:
    """Time that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        raise AssertionError("nothing waits here")


@pytest.fixture
def still() -> StillClock:
    return StillClock()


@pytest.fixture
def inspector(still: StillClock) -> Iterator[Inspector]:
    opened = Inspector(still)
    yield opened
    opened.close()


async def test_the_shared_threads_do_no_work_on_media(inspector: Inspector) -> None:
    class Refusing(ThreadPoolExecutor):
        def submit(self, *given: Any, **named: Any) -> Future[Any]:
            raise AssertionError("these threads look up names and write downloads")

    asyncio.get_running_loop().set_default_executor(Refusing())

    seen = await inspector.picture("a.png", URL, picture(), Kind.IMAGE)
    moving = await inspector.clip(ALICE, "a.mp4", URL, clip(), Kind.VIDEO)

    assert (seen and seen.width, moving.width) == (320, 160)


async def test_a_small_picture_does_not_wait_behind_large_ones(inspector: Inspector) -> None:
    order: list[str] = []

    async def look(name: str, data: bytes) -> None:
        seen = await inspector.picture(name, URL, data, Kind.IMAGE)
        assert seen is not None
        order.append(name)

    large = [look(f"large {number}", picture(8000, 4000)) for number in range(3)]
    await asyncio.gather(*large, look("small", picture()))

    assert order[0] == "small"
    assert len(order) == 4


async def test_a_member_has_one_request_looked_into_at_a_time(inspector: Inspector) -> None:
    order: list[str] = []
    leave = asyncio.Event()

    async def request(member: int, name: str) -> None:
        async with inspector.turn(member):
            order.append(name)
            if name == "first":
                await leave.wait()

    names = [(ALICE, "first"), (ALICE, "second"), (BOB, "other member")]
    tasks = [asyncio.create_task(request(member, name)) for member, name in names]
    await until(tasks[2].done, "the other member")
    assert order == ["first", "other member"]
    leave.set()
    await asyncio.gather(*tasks)
    assert order == ["first", "other member", "second"]


async def test_whoever_waits_too_long_for_a_turn_is_told(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.media.inspection.inspector.MEMBER_TURN_SECONDS", 0.01)
    monkeypatch.setattr("bot.media.inspection.inspector.CLIP_TURN_SECONDS", 0.01)
    async with inspector.turn(ALICE):
        with pytest.raises(NotNow) as own:
            async with inspector.turn(ALICE):
                pass
    assert own.value.problem == Problem(ProblemCode.STILL_READING)
    async with inspector.clip_turn(), inspector.clip_turn():
        with pytest.raises(NotNow) as others:
            async with inspector.clip_turn():
                pass
    assert others.value.problem == Problem(ProblemCode.TOO_MANY_WAITING)
    async with inspector.turn(ALICE), inspector.clip_turn():
        pass  # nothing was left behind


async def test_who_kept_the_reader_busy_pauses_and_nobody_else(
    inspector: Inspector, still: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "SECONDS_MAX", 0.5)
    over = int((still.moment + PAUSE).timestamp())
    with pytest.raises(NotNow) as slow:
        await inspector.clip(ALICE, "a.mp4", URL, endless_clip(), Kind.VIDEO)
    values: Values = {"name": "a.mp4", "seconds": 0.5, "until": over}
    assert slow.value.problem == Problem(ProblemCode.VIDEO_TOO_SLOW, values)

    with pytest.raises(NotNow) as paused:
        async with inspector.turn(ALICE):
            pass
    assert paused.value.problem == Problem(ProblemCode.READING_PAUSED, {"until": over})
    async with inspector.turn(BOB):
        pass
    still.moment += PAUSE
    async with inspector.turn(ALICE):
        pass


async def test_only_so_many_pauses_are_remembered(
    inspector: Inspector, still: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "SECONDS_MAX", 0.01)
    monkeypatch.setattr("bot.media.inspection.inspector.PAUSES_MAX", 2)
    for member in (1, 2, 3):
        still.moment += timedelta(seconds=1)
        with pytest.raises(NotNow):
            await inspector.clip(member, "a.mp4", URL, endless_clip(), Kind.VIDEO)
    async with inspector.turn(1):
        pass
    for member in (2, 3):
        with pytest.raises(NotNow):
            async with inspector.turn(member):
                pass
