"""Requests: each limit on both sides of its edge, the payload, and what the sentences tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.requests import (
    DURATION_MAX,
    DURATION_MIN,
    IMAGE_BYTES_MAX,
    PROMPT_MAX,
    SEED_MAX,
    SEED_MIN,
    VIDEO_BYTES_MAX,
    Kind,
    Reference,
    VideoRequest,
    clean_prompt,
    count_faults,
    length_faults,
    option_faults,
    prompt_faults,
    random_seed,
    shape_faults,
    size_faults,
)

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # one emoji of three, held together by joiners


def picture(width: int = 512, height: int = 512, name: str = "cat.png") -> Reference:
    return Reference(Kind.IMAGE, name, f"https://cdn.example/{name}", 1000, width, height)


def clip(seconds: float | None = 4.0, name: str = "run.mp4") -> Reference:
    return Reference(Kind.VIDEO, name, f"https://cdn.example/{name}", 1000, 1280, 720, seconds)


def only(sentences: list[str]) -> str:
    assert len(sentences) == 1
    return sentences[0]


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
    ("references", "absent"), [((picture(),), "videos"), ((clip(),), "images")], ids=["pictures", "clips"]
)
def test_the_payload_has_no_null_and_no_empty_list(references: tuple[Reference, ...], absent: str) -> None:
    payload = VideoRequest("A cat runs", references, 5, 42).payload()
    assert absent not in payload
    assert all(value not in (None, []) for value in payload.values())


def test_a_random_seed_is_one_that_could_be_chosen() -> None:
    assert all(option_faults(DURATION_MIN, random_seed()) == [] for _ in range(100))


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


def test_the_prompts_limit() -> None:
    assert prompt_faults("x") == []
    assert prompt_faults("x" * PROMPT_MAX) == []
    sentence = only(prompt_faults("x" * (PROMPT_MAX + 1)))
    assert "2,001 characters" in sentence
    assert "2,000" in sentence
    assert "Shorten" in sentence


def test_an_empty_prompt_is_refused_with_what_to_write() -> None:
    assert "Describe" in only(prompt_faults(""))


@pytest.mark.parametrize("duration", [DURATION_MIN, DURATION_MAX])
def test_durations_that_the_model_takes(duration: int) -> None:
    assert option_faults(duration, None) == []


@pytest.mark.parametrize("duration", [DURATION_MIN - 1, DURATION_MAX + 1, -5])
def test_durations_that_the_model_does_not_take(duration: int) -> None:
    sentence = only(option_faults(duration, None))
    assert f"not {duration}." in sentence
    assert "Choose a `duration` between 1 and 10" in sentence


@pytest.mark.parametrize("seed", [None, SEED_MIN, SEED_MAX])
def test_seeds_that_can_be_recognised(seed: int | None) -> None:
    assert option_faults(5, seed) == []


@pytest.mark.parametrize("seed", [SEED_MIN - 1, SEED_MAX + 1, -1])
def test_seeds_that_can_not_be_recognised(seed: int) -> None:
    sentence = only(option_faults(5, seed))
    assert f"The seed {seed} is outside 1 to 2147483647" in sentence
    assert "leave it out" in sentence


def test_each_wrong_option_has_its_own_sentence() -> None:
    assert len(option_faults(11, 0)) == 2


@pytest.mark.parametrize(("images", "videos"), [(1, 0), (7, 0), (0, 1), (0, 2), (4, 1), (4, 2)])
def test_numbers_of_references_that_fit(images: int, videos: int) -> None:
    assert count_faults(images, videos) == []


@pytest.mark.parametrize(
    ("images", "videos", "told"),
    [
        (0, 0, ["no picture and no clip", "Attach"]),
        (8, 0, ["8 pictures,", "limit is 7", "Remove 1"]),
        (7, 1, ["7 pictures beside clips", "limit is 4", "Remove 3"]),
        (5, 1, ["5 pictures beside clips", "limit is 4", "Remove 1"]),
        (0, 3, ["3 clips", "limit is 2", "Remove 1"]),
    ],
)
def test_numbers_of_references_that_do_not_fit(images: int, videos: int, told: list[str]) -> None:
    sentence = only(count_faults(images, videos))
    assert all(part in sentence for part in told)


def test_too_many_of_both_kinds_has_two_sentences() -> None:
    assert len(count_faults(5, 3)) == 2


@pytest.mark.parametrize(
    ("width", "height"), [(128, 128), (128, 512), (512, 128), (4000, 1000), (1000, 4000)]
)
def test_shapes_that_fit(width: int, height: int) -> None:
    assert shape_faults(picture(width, height)) == []


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [
        (127, 128, ["127x128 pixels", "at least 128x128", "larger"]),
        (128, 127, ["128x127 pixels", "at least 128x128", "larger"]),
        (513, 128, ["513x128 pixels", "4.01:1", "between 1:4 and 4:1", "Crop"]),
        (128, 513, ["128x513 pixels", "1:4.01", "between 1:4 and 4:1", "Crop"]),
        (40_001, 10_000, ["4.01:1;"]),
        (2000, 250, ["8:1;"]),
    ],
)
def test_shapes_that_do_not_fit(width: int, height: int, told: list[str]) -> None:
    sentence = only(shape_faults(picture(width, height)))
    assert all(part in sentence for part in ["**cat.png**", *told])


@pytest.mark.parametrize("size", [(0, 0), (0, 500)])
def test_a_side_of_nothing_is_too_small_and_no_error(size: tuple[int, int]) -> None:
    assert "at least 128x128" in only(shape_faults(picture(*size)))


@pytest.mark.parametrize("lengths", [[], [8.0], [8.1], [None], [5.0, 5.0], [5.1, 1.0]])
def test_lengths_that_fit(lengths: list[float | None]) -> None:
    assert length_faults([clip(seconds) for seconds in lengths]) == []


def test_one_clip_may_last_eight_seconds() -> None:
    sentence = only(length_faults([clip(8.2)]))
    assert "**run.mp4** lasts 8.2 s" in sentence
    assert "one clip may last 8 s" in sentence
    assert "Cut it shorter" in sentence


def test_two_clips_may_last_five_seconds_each() -> None:
    sentence = only(length_faults([clip(4.9), clip(5.2, "jump.mov")]))
    assert "**jump.mov** lasts 5.2 s" in sentence
    assert "each of two clips may last 5 s" in sentence
    assert len(length_faults([clip(6), clip(7)])) == 2


@pytest.mark.parametrize(
    ("kind", "limit", "shown"), [(Kind.IMAGE, IMAGE_BYTES_MAX, "50"), (Kind.VIDEO, VIDEO_BYTES_MAX, "100")]
)
def test_the_size_of_a_file(kind: Kind, limit: int, shown: str) -> None:
    assert size_faults("a.bin", 1, kind) == []
    assert size_faults("a.bin", limit, kind) == []
    sentence = only(size_faults("a.bin", limit + 1, kind))
    assert f"**a.bin** has {shown}.1 MiB, the limit is {shown} MiB" in sentence
    assert "smaller" in sentence


@pytest.mark.parametrize("kind", Kind)
def test_an_empty_file_is_told_apart(kind: Kind) -> None:
    sentence = only(size_faults("a.bin", 0, kind))
    assert "**a.bin** is empty (0 bytes)" in sentence
    assert "Attach it again" in sentence
