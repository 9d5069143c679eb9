"""Requests: each limit on both sides of its edge, and the payload."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.catalog import DEFAULT, Kind
from bot.models.problems import Problem, ProblemCode, Values
from bot.models.requests import (
    DURATION_MAX,
    DURATION_MIN,
    IMAGE_BYTES_MAX,
    PROMPT_MAX,
    SEED_MAX,
    SEED_MIN,
    VIDEO_BYTES_MAX,
    Reference,
    VideoRequest,
    clean_prompt,
    count_problems,
    length_problems,
    option_problems,
    parse_seed,
    prompt_problems,
    random_seed,
    shape_problems,
    size_problems,
)

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # one emoji of three, held together by joiners


def picture(width: int = 512, height: int = 512, name: str = "cat.png") -> Reference:
    return Reference(Kind.IMAGE, name, f"https://cdn.example/{name}", 1000, width, height)


def clip(seconds: float | None = 4.0, name: str = "run.mp4") -> Reference:
    return Reference(Kind.VIDEO, name, f"https://cdn.example/{name}", 1000, 1280, 720, seconds)


def test_the_payload_names_pictures_and_clips_in_the_order_they_were_given() -> None:
    references = (picture(name="a.png"), clip(name="b.mp4"), picture(name="c.png"))
    request = VideoRequest("A cat runs", references, 5, 42)
    assert request.payload() == {
        "prompt": "A cat runs",
        "images": ["https://cdn.example/a.png", "https://cdn.example/c.png"],
        "videos": ["https://cdn.example/b.mp4"],
        "duration": 5,
        "seed": 42,
    }


@pytest.mark.parametrize(
    ("reference", "lists"),
    [
        (picture(), {"images": ["https://cdn.example/cat.png"]}),
        (clip(), {"videos": ["https://cdn.example/run.mp4"]}),
    ],
    ids=["images", "videos"],
)
def test_the_payload_has_no_null_and_no_empty_list(reference: Reference, lists: dict[str, list[str]]) -> None:
    payload = VideoRequest("A cat runs", (reference,), 5, 42).payload()
    assert payload == {"prompt": "A cat runs", "duration": 5, "seed": 42, **lists}


def test_the_payload_follows_the_slots_of_its_model() -> None:
    [image_slot] = [slot for slot in DEFAULT.slots if slot.kind is Kind.IMAGE]
    model = replace(DEFAULT, slots=(replace(image_slot, key="pictures"),))
    payload = VideoRequest("A cat runs", (picture(), clip()), 5, 42).payload(model)
    assert payload == {
        "prompt": "A cat runs",
        "pictures": ["https://cdn.example/cat.png"],
        "duration": 5,
        "seed": 42,
    }


def test_random_seeds_can_be_chosen_and_differ() -> None:
    seeds = [random_seed() for _ in range(200)]
    assert all(option_problems(DURATION_MIN, seed) == [] for seed in seeds)
    assert len(set(seeds)) > 190
    assert max(seeds) - min(seeds) > SEED_MAX / 2


@pytest.mark.parametrize(
    ("text", "seed"),
    [
        ("", None),
        ("  \n", None),
        ("7", 7),
        (" 42 ", 42),
        ("007", 7),
        ("0", 0),
        ("-5", -5),
        ("2147483648", 2**31),
        ("9" * 20, int("9" * 20)),
    ],
)
def test_a_seed_is_a_whole_number_or_left_to_chance(text: str, seed: int | None) -> None:
    assert parse_seed(text) == seed


@pytest.mark.parametrize(
    "text",
    [
        "7.5",
        "seven",
        "1e3",
        "1_000",
        "0x10",
        "+7",
        "--7",
        "-",
        "1 2",
        "\u0663",
        "\u00b2",
        "9" * 21,
        "9" * 5000,
    ],
)
def test_anything_else_is_no_seed(text: str) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        parse_seed(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  a cat\n", "a cat"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("a\tb", "a\tb"),
        ("a\x00b\x1b[31mc\x7f\x85", "ab[31mc"),
        ("safe \u202egnp.exe\u202c end", "safe gnp.exe end"),
        ("\u200fשלום\u200e \u061cسلام", "שלום سلام"),
        ("\u2066a\u2069\u200bb\ufeff", "ab"),
        (f"the {FAMILY} waves", f"the {FAMILY} waves"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200b \u200e\n", ""),
    ],
)
def test_a_prompt_loses_what_nobody_sees_and_keeps_the_rest(text: str, cleaned: str) -> None:
    assert clean_prompt(text) == cleaned


@given(st.text())
def test_a_clean_prompt_stays_as_it_is(text: str) -> None:
    cleaned = clean_prompt(text)
    assert clean_prompt(cleaned) == cleaned
    assert cleaned == cleaned.strip()
    assert len(cleaned) <= len(text)


@pytest.mark.parametrize("length", [1, PROMPT_MAX])
def test_prompts_that_fit(length: int) -> None:
    assert prompt_problems("x" * length) == []


def test_a_prompt_can_be_too_long() -> None:
    values = {"length": 2001, "length_max": 2000}
    assert prompt_problems("x" * (PROMPT_MAX + 1)) == [Problem(ProblemCode.PROMPT_TOO_LONG, values)]


def test_a_prompt_cannot_be_empty() -> None:
    assert prompt_problems("") == [Problem(ProblemCode.PROMPT_EMPTY)]


@pytest.mark.parametrize("duration", [DURATION_MIN, DURATION_MAX])
def test_durations_that_the_model_takes(duration: int) -> None:
    assert option_problems(duration, None) == []


@pytest.mark.parametrize("duration", [DURATION_MIN - 1, DURATION_MAX + 1, -5])
def test_durations_that_the_model_does_not_take(duration: int) -> None:
    values = {"duration": duration, "duration_min": 1, "duration_max": 10}
    assert option_problems(duration, None) == [Problem(ProblemCode.DURATION_OUT_OF_RANGE, values)]


@pytest.mark.parametrize("seed", [None, SEED_MIN, SEED_MAX])
def test_seeds_that_can_be_recognised(seed: int | None) -> None:
    assert option_problems(5, seed) == []


@pytest.mark.parametrize("seed", [SEED_MIN - 1, SEED_MAX + 1, -1])
def test_seeds_that_can_not_be_recognised(seed: int) -> None:
    values = {"seed": seed, "seed_min": 1, "seed_max": 2_147_483_647}
    assert option_problems(5, seed) == [Problem(ProblemCode.SEED_OUT_OF_RANGE, values)]


def test_each_wrong_option_is_a_problem_of_its_own() -> None:
    codes = [problem.code for problem in option_problems(11, 0)]
    assert codes == [ProblemCode.DURATION_OUT_OF_RANGE, ProblemCode.SEED_OUT_OF_RANGE]


@pytest.mark.parametrize(("images", "videos"), [(1, 0), (7, 0), (0, 1), (0, 2), (1, 1), (4, 1), (4, 2)])
def test_numbers_of_references_that_fit(images: int, videos: int) -> None:
    assert count_problems(images, videos) == []


@pytest.mark.parametrize(
    ("images", "videos", "code", "count", "limit"),
    [
        (8, 0, ProblemCode.TOO_MANY_IMAGES, 8, 7),
        (7, 1, ProblemCode.TOO_MANY_IMAGES_WITH_VIDEOS, 7, 4),
        (5, 1, ProblemCode.TOO_MANY_IMAGES_WITH_VIDEOS, 5, 4),
        (0, 3, ProblemCode.TOO_MANY_VIDEOS, 3, 2),
        (4, 3, ProblemCode.TOO_MANY_VIDEOS, 3, 2),
    ],
)
def test_numbers_of_references_that_do_not_fit(
    images: int, videos: int, code: ProblemCode, count: int, limit: int
) -> None:
    assert count_problems(images, videos) == [Problem(code, {"count": count, "count_max": limit})]


def test_there_must_be_something_to_follow() -> None:
    assert count_problems(0, 0) == [Problem(ProblemCode.NO_REFERENCES)]


def test_too_many_of_both_kinds_are_two_problems() -> None:
    codes = [problem.code for problem in count_problems(5, 3)]
    assert codes == [ProblemCode.TOO_MANY_IMAGES_WITH_VIDEOS, ProblemCode.TOO_MANY_VIDEOS]


SHAPED = [replace(picture(), name="a.bin"), replace(clip(), name="a.bin")]


@pytest.mark.parametrize("reference", SHAPED, ids=list(Kind))
@pytest.mark.parametrize(
    ("width", "height"), [(128, 128), (128, 512), (512, 128), (4000, 1000), (1000, 4000)]
)
def test_shapes_that_fit(width: int, height: int, reference: Reference) -> None:
    assert shape_problems(replace(reference, width=width, height=height)) == []


@pytest.mark.parametrize("reference", SHAPED, ids=list(Kind))
@pytest.mark.parametrize(("width", "height"), [(127, 128), (128, 127), (0, 0), (0, 500)])
def test_sides_that_are_too_short(width: int, height: int, reference: Reference) -> None:
    values: Values = {"name": "a.bin", "width": width, "height": height, "side_min": 128}
    problems = shape_problems(replace(reference, width=width, height=height))
    assert problems == [Problem(ProblemCode.SIDE_TOO_SHORT, values)]


@pytest.mark.parametrize("reference", SHAPED, ids=list(Kind))
@pytest.mark.parametrize(("width", "height"), [(513, 128), (128, 513), (40_001, 10_000), (2000, 250)])
def test_shapes_that_are_too_narrow(width: int, height: int, reference: Reference) -> None:
    values: Values = {"name": "a.bin", "width": width, "height": height, "ratio_max": 4.0}
    problems = shape_problems(replace(reference, width=width, height=height))
    assert problems == [Problem(ProblemCode.RATIO_TOO_EXTREME, values)]


def test_a_line_is_too_small_and_too_narrow() -> None:
    codes = [problem.code for problem in shape_problems(picture(1, 500))]
    assert codes == [ProblemCode.SIDE_TOO_SHORT, ProblemCode.RATIO_TOO_EXTREME]


@pytest.mark.parametrize("lengths", [[], [8.0], [8.1], [None], [5.0, 5.0], [5.1, 1.0]])
def test_lengths_that_fit(lengths: list[float | None]) -> None:
    assert length_problems([clip(seconds) for seconds in lengths]) == []


def test_a_single_video_may_last_eight_seconds() -> None:
    values: Values = {"name": "run.mp4", "seconds": 8.11, "seconds_max": 8.0}
    assert length_problems([clip(8.11)]) == [Problem(ProblemCode.VIDEO_TOO_LONG, values)]


def test_two_videos_may_last_five_seconds_each() -> None:
    values: Values = {"name": "jump.mov", "seconds": 5.11, "seconds_max": 5.0}
    problems = length_problems([clip(4.9), clip(5.11, "jump.mov")])
    assert problems == [Problem(ProblemCode.ONE_OF_VIDEOS_TOO_LONG, values)]
    assert len(length_problems([clip(6), clip(7)])) == 2


@pytest.mark.parametrize(("given", "fits"), [(None, True), (0, True), (1, True), (2, False), (3, False)])
def test_a_video_that_could_not_be_read_still_makes_two(given: int | None, fits: bool) -> None:
    assert (length_problems([clip(7)], given) == []) is fits


@pytest.mark.parametrize(("kind", "limit"), [(Kind.IMAGE, IMAGE_BYTES_MAX), (Kind.VIDEO, VIDEO_BYTES_MAX)])
def test_the_size_of_a_file(kind: Kind, limit: int) -> None:
    assert size_problems("a.bin", 1, kind) == []
    assert size_problems("a.bin", limit, kind) == []
    values: Values = {"name": "a.bin", "size": limit + 1, "size_max": limit}
    assert size_problems("a.bin", limit + 1, kind) == [Problem(ProblemCode.FILE_TOO_LARGE, values)]


@pytest.mark.parametrize("kind", Kind)
def test_an_empty_file_is_told_apart(kind: Kind) -> None:
    assert size_problems("a.bin", 0, kind) == [Problem(ProblemCode.FILE_EMPTY, {"name": "a.bin"})]
