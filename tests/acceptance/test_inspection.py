"""One member's files never keep the others waiting, and no reader of clips outlives its limit."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.client import UPLOAD_BYTES
from bot.media import clips
from bot.media.byte_budget import ByteBudget
from bot.media.clips import TookTooLong, measure
from bot.media.inspector import CLIPS_AT_ONCE, PAUSE, Inspector, NotNow
from bot.models.requests import Kind
from fakes.clock import until as until_real
from fakes.discord.model import Account, Slash, Upload
from fakes.discord.server import MEMBER
from fakes.gmi.cloud import GmiCloud
from fakes.media import clip, endless_clip, picture
from fakes.process import Wire, open_wire
from fakes.world import World
from tests.acceptance.member import (
    ask,
    assert_quota_untouched,
    fields,
    press,
    private_answer,
    submit,
    until,
)

READY = "✅ Your video is ready"
URL = "https://cdn.example/file"
ALICE, BOB = 1, 2
HOSTILE = 12


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


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as opened:
        yield opened


def children(pid: int | str = "self") -> set[int]:
    """Return the processes that this one has started and not yet reaped."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for each in lists for child in each.read_text().split()}


async def turns_of_the_loop(condition: Callable[[], bool]) -> None:
    """Let the loop turn until this holds."""
    await until_real(condition, "what was waited for")


# --- the process that measures a clip -------------------------------------------------------------


async def test_a_reader_that_takes_too_long_is_killed_and_reaped(
    threads: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children()
    monkeypatch.setattr(clips, "SECONDS_MAX", 0.5)

    with pytest.raises(TookTooLong):
        await measure(endless_clip(), threads)

    assert children() == before


@pytest.mark.parametrize("turns", range(12))
async def test_a_reader_that_nobody_waits_for_any_more_is_killed_and_reaped(
    turns: int, threads: Executor
) -> None:
    before = children()
    reading = asyncio.create_task(measure(endless_clip(), threads))
    for _ in range(turns):
        await asyncio.sleep(0)

    reading.cancel()
    await asyncio.wait({reading})

    assert reading.cancelled()
    assert children() == before


async def test_a_reader_at_work_is_killed_with_whoever_waits_for_it(threads: Executor) -> None:
    before = children()
    reading = asyncio.create_task(measure(endless_clip(), threads))
    await turns_of_the_loop(lambda: children() > before)

    reading.cancel()
    await asyncio.wait({reading})

    assert children() == before


async def test_a_reader_whose_threads_are_closed_is_not_left_behind(threads: Executor) -> None:
    before = children()
    threads.shutdown()

    with pytest.raises(RuntimeError):
        await measure(clip(), threads)

    assert children() == before


def test_a_loop_that_ends_leaves_no_reader(threads: Executor) -> None:
    before = children()

    async def main() -> None:
        background.append(asyncio.create_task(measure(endless_clip(), threads)))
        await turns_of_the_loop(lambda: children() > before)

    background: list[asyncio.Task[Any]] = []
    asyncio.run(main())

    assert background[0].cancelled()
    assert children() == before


async def test_a_large_clip_goes_through_whole(threads: Executor) -> None:
    measures = await measure(clip() + b"\0\0\0\0free" + bytes(5_000_000), threads)

    assert measures is not None
    assert (measures["width"], measures["seconds"]) == (160, 1.0)


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


# --- turns and pauses -----------------------------------------------------------------------------


async def test_a_member_has_one_request_looked_into_at_a_time(inspector: Inspector) -> None:
    order: list[str] = []
    leave = asyncio.Event()

    async def request(member: int, name: str) -> None:
        async with inspector.turn(member):
            order.append(name)
            if name == "first":
                await leave.wait()

    names = [(ALICE, "first"), (ALICE, "second"), (BOB, "other member")]
    tasks = [asyncio.create_task(request(*each)) for each in names]
    await turns_of_the_loop(tasks[2].done)
    assert order == ["first", "other member"]
    leave.set()
    await asyncio.gather(*tasks)
    assert order == ["first", "other member", "second"]


async def test_whoever_waits_too_long_for_a_turn_is_told(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.media.inspector.MEMBER_TURN_SECONDS", 0.01)
    monkeypatch.setattr("bot.media.inspector.CLIP_TURN_SECONDS", 0.01)
    async with inspector.turn(ALICE):
        with pytest.raises(NotNow) as own:
            async with inspector.turn(ALICE):
                pass
    assert "still reading the files of your last request" in own.value.sentence
    async with inspector.clip_turn(), inspector.clip_turn():
        with pytest.raises(NotNow) as others:
            async with inspector.clip_turn():
                pass
    assert "Try again in a minute" in others.value.sentence
    async with inspector.turn(ALICE), inspector.clip_turn():
        pass  # nothing was left behind


async def test_who_kept_the_reader_busy_pauses_and_nobody_else(
    inspector: Inspector, still: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "SECONDS_MAX", 0.5)
    again = f"I can read files of yours again <t:{int((still.moment + PAUSE).timestamp())}:R>."
    with pytest.raises(NotNow) as slow:
        await inspector.clip(ALICE, "a.mp4", URL, endless_clip(), Kind.VIDEO)
    assert slow.value.sentence.startswith("**a.mp4** took longer than 0.5 seconds to read")
    assert slow.value.sentence.endswith(again)

    with pytest.raises(NotNow) as paused:
        async with inspector.turn(ALICE):
            pass
    assert paused.value.sentence.endswith(again)
    async with inspector.turn(BOB):
        pass
    still.moment += PAUSE
    async with inspector.turn(ALICE):
        pass


async def test_only_so_many_pauses_are_remembered(
    inspector: Inspector, still: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "SECONDS_MAX", 0.01)
    monkeypatch.setattr("bot.media.inspector.PAUSES_MAX", 2)
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


# --- bytes that many share ------------------------------------------------------------------------


async def test_bytes_are_lent_in_the_order_of_asking() -> None:
    budget, order, leave = ByteBudget(100), list[str](), asyncio.Event()

    async def hold(name: str, amount: int) -> None:
        async with budget.lend(amount):
            order.append(name)
            await leave.wait()

    tasks = [
        asyncio.create_task(hold(name, amount))
        for name, amount in (("a", 60), ("more than all", 500), ("small", 10))
    ]
    await asyncio.sleep(0)
    assert order == ["a"]  # the small one does not overtake for ever
    assert not budget.try_take(1)
    tasks[1].cancel()
    await asyncio.wait({tasks[1]})
    await turns_of_the_loop(lambda: order == ["a", "small"])
    leave.set()
    await asyncio.gather(tasks[0], tasks[2])
    assert budget.lent == 0


async def test_bytes_that_arrive_at_the_moment_of_a_cancellation_are_not_lost() -> None:
    budget = ByteBudget(10)

    async def hold() -> None:
        async with budget.lend(10):
            pass

    for first_served in (True, False):
        assert budget.try_take(10)
        waiting = asyncio.create_task(hold())
        await asyncio.sleep(0)
        if first_served:
            budget.give_back(10)
            waiting.cancel()
        else:
            waiting.cancel()
            budget.give_back(10)
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert budget.lent == 0


# --- as members see it ----------------------------------------------------------------------------


async def test_a_clip_named_like_a_picture_is_still_a_clip(world: World, cloud: GmiCloud) -> None:
    files = [("run.png", clip()), ("fox.png", picture())]
    message = await world.other.send(world.channel, attachments=files)
    opened = await world.member.context_menu(world.channel, "Make a video from this", message)

    asked = await submit(world.member, opened, prompt="run")

    await until(world, asked, READY)
    [post] = [seen for seen in cloud.requests_seen if seen.method == "POST"]
    payload = post.body["payload"]
    assert [url.rsplit("/", 1)[1] for url in payload["videos"]] == ["run.png"]
    assert [url.rsplit("/", 1)[1] for url in payload["images"]] == ["fox.png"]
    assert asked.response is not None
    kept = [attached.filename for attached in asked.response.attachments]
    assert kept[:2] == ["reference-1.png", "reference-2.png"]


async def test_references_leave_memory_with_the_first_card(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lent: list[int] = []
    shows = world.bot.delivery.show

    async def looking(*given: Any) -> Any:
        lent.append(world.bot.upload_bytes.lent)
        return await shows(*given)

    monkeypatch.setattr(world.bot.delivery, "show", looking)
    asked = await ask(world, image1=("a.png", picture()), image2=("b.png", picture(400)))
    await until(world, asked, READY)
    assert lent[0] == len(picture()) + len(picture(400))
    assert lent[-1] == world.bot.upload_bytes.lent == 0


async def test_references_that_do_not_fit_into_memory_stay_off_the_card(world: World) -> None:
    assert world.bot.upload_bytes.try_take(UPLOAD_BYTES)  # as if the cards of others did not come through
    asked = await ask(world)
    text = await until(world, asked, READY)
    assert "a fox in the snow" in text
    assert asked.response is not None
    assert [attached.filename[:5] for attached in asked.response.attachments] == ["vidu-"]
    assert world.bot.upload_bytes.lent == UPLOAD_BYTES
    opened = await press(world.member, asked, "Edit")
    assert "attach them again" in str(opened.modal)
    assert "files" in fields(opened)


@pytest.mark.parametrize(
    "options",
    [
        {"image2": ("b.png", b"no picture")},
        {"image2": ("b.png", picture(100, 100))},
        {"video1": ("a.mp4", clip(9))},
    ],
)
async def test_references_of_a_refused_request_leave_memory(options: dict[str, object], world: World) -> None:
    private_answer(await ask(world, image1=("a.png", picture()), **options))
    assert world.bot.upload_bytes.lent == 0
    assert world.bot.inspector.picture_bytes.lent == 0


async def test_references_of_a_job_that_cannot_start_leave_memory(world: World) -> None:
    await world.bot.job_service.close()
    assert "about to restart" in private_answer(await ask(world))
    assert world.bot.upload_bytes.lent == 0
    assert_quota_untouched(world)


# --- the real process -----------------------------------------------------------------------------


def words(slash: Slash) -> str:
    return "\n".join(message.text for message in slash.followups)


async def test_beside_twelve_members_with_hostile_clips_an_honest_picture_goes_first(tmp_path: Path) -> None:
    async with open_wire(tmp_path, VIDU_WIRE_CLIP_SECONDS="1.5") as wire:
        files: dict[str, Any] = {"video1": ("a.mp4", endless_clip()), "video2": ("b.mp4", endless_clip())}
        hostile = [
            await wire.discord.slash(Account.numbered(number), prompt="x", **files)
            for number in range(HOSTILE)
        ]
        await until_real(lambda: len(children(wire.process.pid)) == CLIPS_AT_ONCE, "the readers at work")

        honest = await wire.ask(1)
        await until_real(lambda: wire.submissions(1) == 1, lambda: f"the honest one\n{wire.process.log}")

        remove_pending_reply = [slash for slash in hostile if words(slash)]
        assert len(remove_pending_reply) < HOSTILE / 2
        await wire.posted(1)
        assert "Your video is ready" in honest.text
        await until_real(
            lambda: all(words(slash) for slash in hostile),
            lambda: f"words for all\n{[words(slash) for slash in hostile]}\n{wire.process.log}",
            60,
        )
        for slash in hostile:
            assert "took longer than 1.5 seconds to read, so I stopped" in words(slash)
        assert wire.cloud.paid == 1
        await until_real(lambda: not children(wire.process.pid), "the end of all readers")
        assert "Traceback" not in wire.process.log


async def test_a_slow_clip_has_words_and_costs_a_pause(tmp_path: Path) -> None:
    async with open_wire(tmp_path, speed=100.0, VIDU_WIRE_CLIP_SECONDS="0.5") as wire:
        slow = await wire.discord.slash(MEMBER, prompt="x", video1=("run.mp4", endless_clip()))
        await until_real(lambda: bool(words(slow)), lambda: f"words\n{wire.process.log}")
        over = wire.clock.now() + PAUSE
        assert "**run.mp4** took longer than 0.5 seconds to read, so I stopped" in words(slow)
        assert "I can read files of yours again <t:" in words(slow)
        assert "Nothing was sent, and this doesn't count towards your quota" in words(slow)

        paused = await wire.ask(7)
        await until_real(lambda: bool(words(paused)), lambda: f"words\n{wire.process.log}")
        assert "A clip of yours took too long to read a moment ago" in words(paused)

        await until_real(lambda: wire.clock.now() > over, "the end of the pause")
        await wire.ask(8)
        await wire.posted(8)
        assert wire.cloud.paid == 1


async def test_a_stop_kills_the_reader(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        await wire.discord.slash(MEMBER, prompt="x", video1=("a.mp4", endless_clip()))
        await until_real(lambda: bool(children(wire.process.pid)), "the reader at work")
        [reader] = children(wire.process.pid)

        assert await wire.process.stop() == 0

        with pytest.raises(ProcessLookupError):
            os.kill(reader, 0)
        assert "Traceback" not in wire.process.log


async def test_a_file_larger_than_discord_said_is_not_read_whole(tmp_path: Path) -> None:
    async with open_wire(tmp_path) as wire:
        slash = await grown(wire, seed=5)

        await until_real(lambda: bool(words(slash)), lambda: f"words\n{wire.process.log}")

        assert "**fox.png** could not be read from Discord. Attach it again." in words(slash)
        assert wire.cloud.paid == 0


async def grown(wire: Wire, seed: int) -> Slash:
    """Run /vidu with a picture that has more bytes than its event says."""
    said = wire.discord.rest.attach(Upload("fox.png", picture()))
    wire.discord.rest.attachments[said.id] = replace(said, data=picture() + bytes(1))
    return await wire.ask(seed, image1=said)
