"""Clips: measured as they are shown, and no process that measures one outlives its limit."""

from __future__ import annotations

import asyncio
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.media.inspection import clips
from bot.media.inspection.clips import TookTooLong, measure
from bot.models.catalog import Kind
from bot.models.problems import FileFormat, Problem, ProblemCode
from bot.models.requests import Reference
from fakes.clock import until
from fakes.media import endless_clip
from tests.unit.media.files import FASTSTART, FRAGMENTED, URL, answers, children, clip, probe, refusal

MP4 = {"name": "file.bin", "format": FileFormat.MP4}


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as opened:
        yield opened


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("mp4", ()), ("mp4", FASTSTART), ("mp4", FRAGMENTED), ("mov", ()), ("mov", FASTSTART)],
    ids=["mp4", "mp4 faststart", "mp4 fragmented", "mov", "mov faststart"],
)
def test_a_clip_is_measured(suffix: str, options: tuple[tuple[str, str], ...]) -> None:
    data = clip(suffix, options)
    assert probe("run.mp4", data, Kind.VIDEO) == Reference(
        Kind.VIDEO, "run.mp4", URL, len(data), 192, 144, 1.0
    )


def test_an_older_mov_needs_no_brand() -> None:
    data = clip("mov", FASTSTART)
    start = data.index(b"moov") - 4
    assert answers(data[start:], Kind.VIDEO) is True


def test_a_clip_turned_by_its_player_is_measured_as_it_is_shown() -> None:
    data = bytearray(clip("mp4"))
    matrix = data.index(b"tkhd") + 4 + 40
    one, unit = 1 << 16, 1 << 30
    data[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, unit)
    reference = probe("run.mp4", bytes(data), Kind.VIDEO)
    assert (reference.width, reference.height) == (144, 192)


@pytest.mark.parametrize("options", [(), FASTSTART], ids=["index at the end", "index at the start"])
@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_no_beginning_of_a_clip_passes_for_the_whole(
    suffix: str, options: tuple[tuple[str, str], ...]
) -> None:
    data = clip(suffix, options)
    assert not any(answers(data[:length], Kind.VIDEO) for length in range(len(data)))


def test_a_cut_clip_is_refused_with_what_is_missing() -> None:
    indexed_first, indexed_last = clip("mp4", FASTSTART), clip("mp4")
    assert refusal(indexed_first[:-1], Kind.VIDEO) == Problem(ProblemCode.VIDEO_CUT_OFF, {"name": "file.bin"})
    problem = refusal(indexed_last[: indexed_last.index(b"moov") - 4], Kind.VIDEO)
    assert problem == Problem(ProblemCode.VIDEO_WITHOUT_INDEX, MP4)


def test_a_clip_with_an_index_and_nothing_else_is_broken() -> None:
    whole = clip("mp4", FASTSTART)
    assert refusal(whole[: whole.index(b"mdat") - 4], Kind.VIDEO) == Problem(ProblemCode.VIDEO_BROKEN, MP4)


def test_a_clip_may_end_in_notes_of_its_camera() -> None:
    assert answers(clip("mp4") + b"\x7f\xff\xff\xffnote of a camera", Kind.VIDEO)
    assert answers(clip("mp4") + bytes(20), Kind.VIDEO)


def test_a_box_may_reach_to_the_end_or_have_a_long_size() -> None:
    data = bytearray(clip("mp4", FASTSTART))
    start = data.index(b"mdat") - 4
    data[start : start + 4] = bytes(4)
    assert answers(bytes(data), Kind.VIDEO)
    content = clip("mp4", FASTSTART)[start + 8 :]
    data[start:] = struct.pack(">I4sQ", 1, b"mdat", 16 + len(content)) + content
    assert answers(bytes(data), Kind.VIDEO)
    assert refusal(bytes(data[:-1]), Kind.VIDEO).code is ProblemCode.VIDEO_CUT_OFF


def test_a_clip_without_pictures_is_refused() -> None:
    problem = refusal(clip("mp4", sound_only=True), Kind.VIDEO)
    assert problem == Problem(ProblemCode.VIDEO_WITHOUT_PICTURE, MP4)


def test_a_clip_must_say_how_long_it_lasts() -> None:
    data = bytearray(clip("mp4"))
    for box, offset in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        start = data.index(box) + offset
        data[start : start + 4] = bytes(4)
    table = data.index(b"stts") + 12
    data[table + 4 : table + 8] = bytes(4)
    edits = data.index(b"elst") + 12
    data[edits : edits + 4] = bytes(4)
    problem = refusal(bytes(data), Kind.VIDEO)
    assert problem == Problem(ProblemCode.VIDEO_WITHOUT_LENGTH, {"name": "file.bin"})


def test_a_wrong_count_that_takes_gigabytes_ends_with_a_problem() -> None:
    data = bytearray(clip("mp4"))
    count = data.index(b"elst") + 8
    data[count : count + 4] = b"\xff\xff\xff\xff"
    assert refusal(bytes(data), Kind.VIDEO).code is ProblemCode.VIDEO_BROKEN


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize(("table", "offset"), [(b"stts", 8), (b"stsc", 8), (b"stsz", 12), (b"stco", 8)])
def test_a_table_that_cannot_fit_into_its_box_never_reaches_the_reader(
    suffix: str, table: bytes, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("no reader may see this")

    data = bytearray(clip(suffix))
    count = data.index(table) + offset
    data[count : count + 4] = (int.from_bytes(data[count : count + 4], "big") + 1).to_bytes(4, "big")
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert refusal(bytes(data), Kind.VIDEO).code is ProblemCode.VIDEO_BROKEN


@settings(max_examples=15, deadline=None)
@given(st.integers(0, len(clip("mp4", FASTSTART))), st.binary(max_size=8))
def test_any_damage_to_the_frames_of_a_clip_is_answered(start: int, noise: bytes) -> None:
    whole = clip("mp4", FASTSTART)
    start = max(start, whole.index(b"mdat") + 4)
    answers(whole[:start] + noise + whole[start + len(noise) :], Kind.VIDEO)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([clip("mp4"), clip("mp4", FASTSTART), clip("mov")]), st.data())
def test_any_damage_to_a_clip_is_answered(whole: bytes, draw: st.DataObject) -> None:
    data = bytearray(whole)
    index = whole.index(b"moov") - 4
    for _ in range(draw.draw(st.integers(1, 3))):
        start = draw.draw(st.integers(index, min(len(whole), index + 1000)))
        noise = draw.draw(st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\1"]))
        data[start : start + len(noise)] = noise
    answers(bytes(data), Kind.VIDEO)


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
    await until(lambda: children() > before, "the reader at work")

    reading.cancel()
    await asyncio.wait({reading})

    assert children() == before


async def test_a_reader_whose_threads_are_closed_is_not_left_behind(threads: Executor) -> None:
    before = children()
    threads.shutdown()

    with pytest.raises(RuntimeError):
        await measure(clip("mp4"), threads)

    assert children() == before


def test_a_loop_that_ends_leaves_no_reader(threads: Executor) -> None:
    before = children()

    async def main() -> None:
        background.append(asyncio.create_task(measure(endless_clip(), threads)))
        await until(lambda: children() > before, "the reader at work")

    background: list[asyncio.Task[Any]] = []
    asyncio.run(main())

    assert background[0].cancelled()
    assert children() == before


async def test_a_large_clip_goes_through_whole(threads: Executor) -> None:
    measures = await measure(clip("mp4") + b"\0\0\0\0free" + bytes(5_000_000), threads)

    assert measures is not None
    assert (measures["width"], measures["seconds"]) == (192, 1.0)


async def test_a_reader_that_does_not_start_is_no_fault_of_the_clip(
    threads: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without its packages, as in a broken installation.
    monkeypatch.setattr(clips, "PROBE", (clips.PROBE[0], "-I", "-S", *clips.PROBE[2:]))
    with pytest.raises(RuntimeError, match="does not start"):
        await measure(clip("mp4"), threads)
