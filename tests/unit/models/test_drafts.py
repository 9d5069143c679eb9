"""Drafts: what is used of them, what fits, and everything that is wrong at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.models.catalog import Kind
from bot.models.drafts import Draft, Source, fitting
from bot.models.problems import Problem, ProblemCode, Values
from bot.models.requests import IMAGE_BYTES_MAX, VIDEO_BYTES_MAX

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CDN = "https://cdn.discordapp.com/attachments/1/2/fox.png"


def source(name: str = "fox.png", kind: Kind | None = None, size: int | None = 1000) -> Source:
    return Source(name, f"https://cdn.example/{name}", size, kind)


def draft(*sources: Source) -> Draft:
    return Draft(1, 2, "a fox", sources or (source(),))


def test_a_draft_without_a_fault_has_no_problem() -> None:
    assert draft().problems() == []
    assert draft(source("run.mp4"), source("fox.png", size=None)).problems() == []
    assert draft(source("a.mp4"), source("b.mp4"), source(), source(), source()).problems() == []


@pytest.mark.parametrize("seed", ["", "1", " 42 ", "2147483647"])
def test_seeds_that_can_be_used(seed: str) -> None:
    assert replace(draft(), seed=seed).problems() == []


def test_everything_that_is_wrong_is_found_at_once() -> None:
    wrong = Draft(1, 2, "", (source("a.png", size=0),) * 8, duration=11, seed="seven", chosen=None)
    assert [problem.code for problem in wrong.problems()] == [
        ProblemCode.PROMPT_EMPTY,
        ProblemCode.SEED_NOT_A_NUMBER,
        ProblemCode.DURATION_OUT_OF_RANGE,
        ProblemCode.TOO_MANY_IMAGES,
        *[ProblemCode.FILE_EMPTY] * 8,
    ]


def test_what_was_typed_in_place_of_a_seed_is_cut() -> None:
    [problem] = replace(draft(), seed="x" * 21).problems()
    assert problem == Problem(ProblemCode.SEED_NOT_A_NUMBER, {"typed": "x" * 20})


def test_a_seed_out_of_range_is_told_from_what_is_no_number() -> None:
    [problem] = replace(draft(), seed="0").problems()
    assert problem.code is ProblemCode.SEED_OUT_OF_RANGE


@pytest.mark.parametrize(
    ("name", "limit"), [("fox.png", IMAGE_BYTES_MAX), ("run.mp4", VIDEO_BYTES_MAX), ("fox", IMAGE_BYTES_MAX)]
)
def test_a_file_may_be_as_large_as_its_name_lets_expect(name: str, limit: int) -> None:
    assert draft(source(name, size=limit)).problems() == []
    values: Values = {"name": name, "size": limit + 1, "size_max": limit}
    assert draft(source(name, size=limit + 1)).problems() == [Problem(ProblemCode.FILE_TOO_LARGE, values)]


def test_only_the_chosen_files_count() -> None:
    sources = [source(f"{number}.png") for number in range(10)]
    assert replace(draft(*sources), chosen=(0, 9)).used == (sources[0], sources[9])
    assert replace(draft(*sources), chosen=(0, 9)).problems() == []
    assert [problem.code for problem in replace(draft(*sources), chosen=()).problems()] == [
        ProblemCode.NO_REFERENCES
    ]
    assert draft(*sources).used == tuple(sources)


@pytest.mark.parametrize(
    ("name", "kind", "likely"),
    [
        ("fox.png", None, Kind.IMAGE),
        ("RUN.MP4", None, Kind.VIDEO),
        ("run.m4v", None, Kind.VIDEO),
        ("run.mov", None, Kind.VIDEO),
        ("run.webm", None, Kind.VIDEO),
        ("run.mkv", None, Kind.VIDEO),
        ("run.avi", None, Kind.VIDEO),
        ("mp4.png", None, Kind.IMAGE),
        ("nothing", None, Kind.IMAGE),
        ("run.mp4", Kind.IMAGE, Kind.IMAGE),
        ("fox.png", Kind.VIDEO, Kind.VIDEO),
    ],
)
def test_a_file_is_expected_to_be_what_it_is_called(name: str, kind: Kind | None, likely: Kind) -> None:
    assert source(name, kind).likely_kind is likely


@pytest.mark.parametrize(
    ("query", "expired"),
    [
        (f"?ex={int(NOW.timestamp()):x}&is=1", True),
        (f"?ex={int((NOW - timedelta(days=1)).timestamp()):x}", True),
        (f"?ex={int((NOW + timedelta(seconds=1)).timestamp()):x}", False),
        ("", False),
        ("?ex=", False),
        ("?ex=soon", False),
        ("?is=1", False),
    ],
)
def test_a_link_of_discord_lives_until_it_says(query: str, expired: bool) -> None:
    assert Source("fox.png", CDN + query).is_expired(NOW) is expired


def test_one_expired_file_takes_the_others_with_it() -> None:
    fresh = source()
    expired = Source("old.png", f"{CDN}?ex=1")
    kept = replace(draft(fresh, fresh), chosen=(0,), seed="7")
    assert kept.without_expired(NOW) is kept
    emptied = replace(draft(fresh, expired), chosen=(0,), seed="7").without_expired(NOW)
    assert (emptied.sources, emptied.chosen, emptied.prompt, emptied.seed) == ((), None, "a fox", "7")


@pytest.mark.parametrize(
    ("names", "positions"),
    [
        ("", ()),
        ("iiiiiii", (0, 1, 2, 3, 4, 5, 6)),
        ("iiiiiiii", (0, 1, 2, 3, 4, 5, 6)),
        ("vvv", (0, 1)),
        ("iiiiiv", (0, 1, 2, 3, 5)),
        ("viviviii", (0, 1, 2, 3, 5, 6)),
    ],
)
def test_the_first_files_that_fit_into_one_request(names: str, positions: tuple[int, ...]) -> None:
    kinds = {"i": Kind.IMAGE, "v": Kind.VIDEO}
    assert fitting([source(kind=kinds[name]) for name in names]) == positions
