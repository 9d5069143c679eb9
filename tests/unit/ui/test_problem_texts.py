"""What members read about problems: each has a sentence, whole and short."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from bot.media.filenames import NAME_MAX, display_name
from bot.models.catalog import Kind
from bot.models.problems import ANY_KIND, FileFormat, Problem, ProblemCode, Values
from bot.models.requests import IMAGE_BYTES_MAX, VIDEO_BYTES_MAX
from bot.ui.texts.problems import PROBLEMS_SHOWN, TEXT_MAX, problem_list_text, problem_text
from tests.unit.ui.wording import assert_reads_well

NAME = "fox.png"
UNTIL = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
FOOTER = "-# Nothing was sent, and this doesn't count towards your quota."
LONGEST_NAME = display_name("*" * 100)


def about(found: str, expected: str) -> Values:
    return {"name": NAME, "format": FileFormat(found), "mime": "", "expected": expected}


SENTENCES: list[tuple[ProblemCode, Values, str]] = [
    (
        ProblemCode.PROMPT_EMPTY,
        {},
        "The prompt is empty. Describe in a few words what should happen in the video.",
    ),
    (
        ProblemCode.PROMPT_TOO_LONG,
        {"length": 2001, "length_max": 2000},
        "The prompt has 2,001 characters, but the limit is 2,000. Shorten it.",
    ),
    (
        ProblemCode.DURATION_OUT_OF_RANGE,
        {"duration": 11, "duration_min": 1, "duration_max": 10},
        "A video can't be 11 seconds long. Choose a `duration` from 1 to 10 seconds.",
    ),
    (
        ProblemCode.SEED_NOT_A_NUMBER,
        {"typed": "*seven* @here"},
        "The seed “\\*seven\\* @\u200bhere” isn't a whole number. "
        "Use digits only, or leave it empty for a random one.",
    ),
    (
        ProblemCode.SEED_OUT_OF_RANGE,
        {"seed": 2147483648, "seed_min": 1, "seed_max": 2147483647},
        "The seed 2147483648 is out of range. "
        "Choose a number from 1 to 2147483647, or leave it empty for a random one.",
    ),
    (
        ProblemCode.NO_REFERENCES,
        {},
        "There's no image or video. Add at least one that the new video should follow.",
    ),
    (
        ProblemCode.TOO_MANY_IMAGES,
        {"count": 9, "count_max": 7},
        "There are 9 images, but the limit is 7. Remove 2.",
    ),
    (
        ProblemCode.TOO_MANY_IMAGES_WITH_VIDEOS,
        {"count": 5, "count_max": 4},
        "There are 5 images, but with videos the limit is 4. Remove 1.",
    ),
    (
        ProblemCode.TOO_MANY_IMAGES_WITH_VIDEOS,
        {"count": 1, "count_max": 0},
        "There is 1 image, but with videos the limit is 0. Remove 1.",
    ),
    (
        ProblemCode.TOO_MANY_VIDEOS,
        {"count": 3, "count_max": 2},
        "There are 3 videos, but the limit is 2. Remove 1.",
    ),
    (
        ProblemCode.FILE_NOT_READ,
        {"name": NAME},
        "I couldn't get **fox.png** from Discord. Attach it again.",
    ),
    (ProblemCode.FILE_EMPTY, {"name": NAME}, "**fox.png** is empty (0 bytes). Attach it again."),
    (
        ProblemCode.FILE_TOO_LARGE,
        {"name": NAME, "size": IMAGE_BYTES_MAX + 1, "size_max": IMAGE_BYTES_MAX},
        "**fox.png** is 50.1 MB, but the limit is 50 MB. Make it smaller.",
    ),
    (
        ProblemCode.FILE_TOO_LARGE,
        {"name": NAME, "size": VIDEO_BYTES_MAX + 1, "size_max": VIDEO_BYTES_MAX},
        "**fox.png** is 100.1 MB, but the limit is 100 MB. Make it smaller.",
    ),
    (
        ProblemCode.SIDE_TOO_SHORT,
        {"name": NAME, "width": 127, "height": 1128, "side_min": 128},
        "**fox.png** is 127x1128 pixels, but it has to be at least 128x128. Use a larger version.",
    ),
    (
        ProblemCode.RATIO_TOO_EXTREME,
        {"name": NAME, "width": 513, "height": 128, "ratio_max": 4.0},
        "**fox.png** is 513x128 pixels, a ratio of 4.01:1. Crop it to a ratio between 1:4 and 4:1.",
    ),
    (
        ProblemCode.RATIO_TOO_EXTREME,
        {"name": NAME, "width": 10_000, "height": 40_001, "ratio_max": 4.0},
        "**fox.png** is 10000x40001 pixels, a ratio of 1:4.01. Crop it to a ratio between 1:4 and 4:1.",
    ),
    (
        ProblemCode.RATIO_TOO_EXTREME,
        {"name": NAME, "width": 2000, "height": 250, "ratio_max": 4.0},
        "**fox.png** is 2000x250 pixels, a ratio of 8:1. Crop it to a ratio between 1:4 and 4:1.",
    ),
    (
        ProblemCode.VIDEO_TOO_LONG,
        {"name": NAME, "seconds": 8.23, "seconds_max": 8.0},
        "**fox.png** is 8.2 seconds long, but a single video can be up to 8 seconds. Cut it shorter.",
    ),
    (
        ProblemCode.ONE_OF_VIDEOS_TOO_LONG,
        {"name": NAME, "seconds": 6.0, "seconds_max": 5.0},
        "**fox.png** is 6 seconds long, but with two videos each can be up to 5 seconds. Cut it shorter.",
    ),
    (
        ProblemCode.FORMAT_UNKNOWN,
        {"name": NAME, "expected": Kind.IMAGE},
        "**fox.png** isn't an image that I can read. Attach a PNG, JPEG or WebP instead.",
    ),
    (
        ProblemCode.FORMAT_UNKNOWN,
        {"name": NAME, "expected": Kind.VIDEO},
        "**fox.png** isn't a video that I can read. Attach an MP4 or MOV instead.",
    ),
    (
        ProblemCode.FORMAT_UNKNOWN,
        {"name": NAME, "expected": ANY_KIND},
        "**fox.png** isn't an image or a video that I can read. "
        "Attach a PNG, JPEG, WebP, MP4 or MOV instead.",
    ),
    (
        ProblemCode.FORMAT_UNUSABLE,
        about("pdf", Kind.VIDEO),
        "**fox.png** is a PDF document. Attach an MP4 or MOV instead.",
    ),
    (
        ProblemCode.FORMAT_TO_CONVERT,
        about("heic", ANY_KIND),
        "**fox.png** is a HEIC image. Save it as a PNG, JPEG, WebP, MP4 or MOV and attach the new file.",
    ),
    (
        ProblemCode.FORMAT_TO_CONVERT,
        about("heic", Kind.IMAGE),
        "**fox.png** is a HEIC image. Save it as a PNG, JPEG or WebP and attach the new file.",
    ),
    (
        ProblemCode.WRONG_OPTION,
        about("mov", Kind.IMAGE),
        "**fox.png** is a MOV video, but this option takes an image. Attach it as `video1` instead.",
    ),
    (
        ProblemCode.WRONG_OPTION,
        about("png", Kind.VIDEO),
        "**fox.png** is a PNG image, but this option takes a video. Attach it as `image1` instead.",
    ),
    (
        ProblemCode.WRONG_OPTION_TO_CONVERT,
        about("webm", Kind.IMAGE),
        "**fox.png** is a WebM video, but this option takes an image. "
        "Save it as an MP4 or MOV and attach that as `video1`.",
    ),
    (
        ProblemCode.WRONG_OPTION_TO_CONVERT,
        about("bmp", Kind.VIDEO),
        "**fox.png** is a BMP image, but this option takes a video. "
        "Save it as a PNG, JPEG or WebP and attach that as `image1`.",
    ),
    (
        ProblemCode.IMAGE_BROKEN,
        {"name": NAME, "format": FileFormat.WEBP},
        "**fox.png** is a WebP image, but it's broken or cut off. "
        "Save it again as a PNG, JPEG or WebP and attach the new file.",
    ),
    (
        ProblemCode.IMAGE_TOO_MANY_PIXELS,
        {"name": NAME, "width": 8001, "height": 8000, "megapixels_max": 64},
        "**fox.png** is 8001x8000 pixels (64.1 megapixels), but the limit is 64 megapixels. Make it smaller.",
    ),
    (
        ProblemCode.IMAGE_TOO_MANY_PIXELS,
        {"name": NAME, "width": 60_000, "height": 60_000, "megapixels_max": 64},
        "**fox.png** is 60000x60000 pixels (3,600 megapixels), but the limit is 64 megapixels. "
        "Make it smaller.",
    ),
    (
        ProblemCode.IMAGE_TOO_MANY_SCANS,
        {"name": NAME, "scans": 1006, "scans_max": 50},
        "**fox.png** is a JPEG in 1,006 scans, but I can read up to 50. "
        "Save it again as a PNG, JPEG or WebP and attach the new file.",
    ),
    (
        ProblemCode.IMAGE_TOO_MANY_PARTS,
        {"name": NAME, "format": FileFormat.PNG},
        "**fox.png** is a PNG image with so many parts that it would take too long to read. "
        "Save it again as a PNG, JPEG or WebP and attach the new file.",
    ),
    (
        ProblemCode.VIDEO_BROKEN,
        {"name": NAME, "format": FileFormat.MP4},
        "**fox.png** is an MP4 video, but it's broken or cut off. "
        "Export it again as an MP4 or MOV and attach the new file.",
    ),
    (
        ProblemCode.VIDEO_CUT_OFF,
        {"name": NAME},
        "The end of **fox.png** is missing. Download or save it again and attach the whole file.",
    ),
    (
        ProblemCode.VIDEO_WITHOUT_INDEX,
        {"name": NAME, "format": FileFormat.MOV},
        "**fox.png** is a MOV video that's cut off or was never finished. "
        "Export it again as an MP4 or MOV and attach the new file.",
    ),
    (
        ProblemCode.VIDEO_WITHOUT_PICTURE,
        {"name": NAME, "format": FileFormat.MP4},
        "**fox.png** is an MP4 video with sound, but without a picture. "
        "Attach an MP4 or MOV that shows something.",
    ),
    (
        ProblemCode.NOT_A_PICTURE,
        {"name": NAME},
        "**fox.png** is a video, and only pictures can be saved. Choose a picture instead.",
    ),
    (
        ProblemCode.VIDEO_WITHOUT_LENGTH,
        {"name": NAME},
        "**fox.png** is 0 seconds long or doesn't say how long it is. "
        "Export it again as an MP4 or MOV and attach the new file.",
    ),
    (
        ProblemCode.VIDEO_TOO_SLOW,
        {"name": NAME, "seconds": 6.0, "until": UNTIL},
        "**fox.png** took longer than 6 seconds to read, so I stopped. It may be broken: "
        "export it again as an MP4 or MOV and attach the new file. "
        f"I can read your files again <t:{UNTIL}:R>.",
    ),
    (
        ProblemCode.READING_PAUSED,
        {"until": UNTIL},
        f"One of your videos took too long to read a moment ago. I can read your files again <t:{UNTIL}:R>.",
    ),
    (
        ProblemCode.STILL_READING,
        {},
        "I'm still reading the files of your last request. Wait for its answer, then try again.",
    ),
    (
        ProblemCode.TOO_MANY_IMAGES_WITH_CAST,
        {"count": 8, "count_max": 7, "names": "mia (3)"},
        "There are 8 images with those of your references, mia (3), but the limit is 7. Remove 1.",
    ),
    (
        ProblemCode.CAST_UNKNOWN,
        {"name": "fox"},
        "There's no reference **fox** that you can use here. `/reference list` shows the ones you can use.",
    ),
    (
        ProblemCode.CAST_SIMILAR,
        {"name": "mai", "meant": "mia"},
        "There's no reference **mai**. Did you mean **@mia**?",
    ),
    (
        ProblemCode.CAST_NOT_ALLOWED,
        {"name": "boat"},
        "You can't use the reference **boat** anymore. Choose another one.",
    ),
    (
        ProblemCode.CAST_PROMPT_TOO_LONG,
        {"length": 2000, "length_max": 1971},
        "With references, the provider also reads which image shows what, so this prompt can have up to "
        "1,971 characters. It has 2,000: shorten it.",
    ),
    (
        ProblemCode.TOO_MANY_WAITING,
        {},
        "A lot of videos are waiting to be read, so I didn't get to yours. Try again in a minute.",
    ),
]


@pytest.mark.parametrize(
    ("code", "values", "sentence"), SENTENCES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_problem_says_what_is_wrong_and_what_to_do(
    code: ProblemCode, values: Values, sentence: str
) -> None:
    assert problem_text(Problem(code, values)) == sentence


def test_each_code_has_a_sentence() -> None:
    assert {code for code, _, _ in SENTENCES} == set(ProblemCode)


@pytest.mark.parametrize("found", FileFormat)
def test_each_format_has_words(found: FileFormat) -> None:
    values = {"name": NAME, "format": found, "mime": "image/x-odd", "expected": ANY_KIND}
    text = problem_text(Problem(ProblemCode.FORMAT_UNUSABLE, values))
    assert re.match(r"\*\*fox\.png\*\* is an? \S", text)
    assert ("image/x-odd" in text) is found.startswith("other")
    assert not set(text) & set("{}")


@pytest.mark.parametrize(("code", "values", "_"), SENTENCES)
def test_a_name_is_shown_as_it_is_and_once(code: ProblemCode, values: Values, _: str) -> None:
    if "name" in values:
        shown = display_name("{0}_{name}_*fox*.png")
        assert problem_text(Problem(code, {**values, "name": shown})).count(shown) == 1


@pytest.mark.parametrize(("code", "values", "_"), SENTENCES)
def test_no_sentence_is_long(code: ProblemCode, values: Values, _: str) -> None:
    longest = {**values, "name": LONGEST_NAME} if "name" in values else values
    assert len(problem_text(Problem(code, longest))) <= 250 + NAME_MAX


def test_a_single_problem_stands_alone() -> None:
    text = problem_list_text([Problem(ProblemCode.FILE_EMPTY, {"name": NAME})])
    assert text == f"❌ **fox.png** is empty (0 bytes). Attach it again.\n{FOOTER}"


def test_two_problems_are_a_list() -> None:
    text = problem_list_text([Problem(ProblemCode.PROMPT_EMPTY), Problem(ProblemCode.NO_REFERENCES)])
    assert text.splitlines() == [
        "❌ 2 things to fix:",
        "- The prompt is empty. Describe in a few words what should happen in the video.",
        "- There's no image or video. Add at least one that the new video should follow.",
        FOOTER,
    ]


@pytest.mark.parametrize(("many", "shown"), [(PROBLEMS_SHOWN, PROBLEMS_SHOWN), (13, 12), (1200, 12)])
def test_a_list_shows_twelve_and_counts_the_rest(many: int, shown: int) -> None:
    problems = [Problem(ProblemCode.FILE_EMPTY, {"name": f"{number}.png"}) for number in range(many)]
    lines = problem_list_text(problems).splitlines()
    assert lines[0] == f"❌ {many:,} things to fix:"
    assert sum("is empty" in line for line in lines) == shown
    assert [line for line in lines if line.startswith("- …")] == (
        [f"- … and {many - shown:,} more"] if many > shown else []
    )
    assert lines[-1] == FOOTER


@pytest.mark.parametrize(("code", "values", "_"), SENTENCES)
@pytest.mark.parametrize("many", [1, 2, 12, 13, 50])
def test_a_list_never_outgrows_a_message(code: ProblemCode, values: Values, _: str, many: int) -> None:
    longest = {**values, "name": LONGEST_NAME} if "name" in values else values
    text = problem_list_text([Problem(code, longest)] * many)
    assert len(text) <= TEXT_MAX
    shown = sum(line.startswith("- ") and not line.startswith("- …") for line in text.splitlines())
    assert many == 1 or shown >= min(many, 6)
    assert text.endswith(FOOTER)
    assert many in {1, shown} or f"and {many - shown} more" in text


@pytest.mark.parametrize(
    ("code", "values"),
    [
        (ProblemCode.VIDEO_TOO_LONG, {"name": NAME, "seconds": 1.0, "seconds_max": 1.0}),
        (ProblemCode.ONE_OF_VIDEOS_TOO_LONG, {"name": NAME, "seconds": 1.04, "seconds_max": 1}),
        (ProblemCode.VIDEO_TOO_SLOW, {"name": NAME, "format": "mp4", "seconds": 1, "until": UNTIL}),
        (ProblemCode.DURATION_OUT_OF_RANGE, {"duration": 1, "duration_min": 1, "duration_max": 1}),
        (ProblemCode.PROMPT_TOO_LONG, {"length": 1, "length_max": 1}),
        (ProblemCode.TOO_MANY_IMAGES, {"count": 1, "count_max": 1}),
        (ProblemCode.TOO_MANY_IMAGES_WITH_VIDEOS, {"count": 1, "count_max": 1}),
        (ProblemCode.TOO_MANY_VIDEOS, {"count": 1, "count_max": 1}),
    ],
)
def test_a_single_one_is_no_plural(code: ProblemCode, values: Values) -> None:
    assert_reads_well(problem_text(Problem(code, values)))
