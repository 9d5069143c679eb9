"""What a file is: the kind that was asked for, or a problem that says what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.media.inspection.inspect import identify
from bot.media.inspection.unreadable import Unreadable
from bot.models.catalog import Kind
from bot.models.problems import FileFormat, Problem, ProblemCode
from bot.models.requests import IMAGE_BYTES_MAX, VIDEO_BYTES_MAX
from tests.unit.media.files import URL, answers, clip, picture, probe, refusal

PDF, NOTHING = b"%PDF-1.7 ", b"\x00\xfe\x01\xfd" * 8


def test_a_reference_bears_the_name_it_is_given() -> None:
    assert probe(r"\*cat\*.png", picture("PNG"), Kind.IMAGE).name == r"\*cat\*.png"


def test_the_bytes_tell_what_a_renamed_file_is() -> None:
    assert probe("run.png", clip("mp4"), Kind.VIDEO).kind is Kind.VIDEO
    assert probe("cat.mp4", picture("JPEG"), Kind.IMAGE).kind is Kind.IMAGE
    assert probe("run.png", clip("mp4"), None).kind is Kind.VIDEO
    assert probe("cat.mp4", picture("JPEG"), None).kind is Kind.IMAGE


@pytest.mark.parametrize(
    ("data", "expected", "code", "found"),
    [
        (clip("mov"), Kind.IMAGE, ProblemCode.WRONG_OPTION, "mov"),
        (picture("PNG"), Kind.VIDEO, ProblemCode.WRONG_OPTION, "png"),
        (clip("webm", codec="libvpx"), Kind.IMAGE, ProblemCode.WRONG_OPTION_TO_CONVERT, "webm"),
        (picture("BMP"), Kind.VIDEO, ProblemCode.WRONG_OPTION_TO_CONVERT, "bmp"),
        (clip("avi"), Kind.VIDEO, ProblemCode.FORMAT_TO_CONVERT, "avi"),
        (picture("TIFF"), Kind.IMAGE, ProblemCode.FORMAT_TO_CONVERT, "tiff"),
        (picture("TIFF"), None, ProblemCode.FORMAT_TO_CONVERT, "tiff"),
        (picture("GIF"), Kind.IMAGE, ProblemCode.FORMAT_TO_CONVERT, "gif"),
        (picture("GIF"), Kind.VIDEO, ProblemCode.FORMAT_TO_CONVERT, "gif"),
        (PDF, Kind.IMAGE, ProblemCode.FORMAT_UNUSABLE, "pdf"),
        (PDF, None, ProblemCode.FORMAT_UNUSABLE, "pdf"),
    ],
)
def test_a_file_of_another_format_is_named(
    data: bytes, expected: Kind | None, code: ProblemCode, found: str
) -> None:
    values = {"name": "file.bin", "format": FileFormat(found), "mime": "", "expected": expected or "any"}
    assert refusal(data, expected) == Problem(code, values)


@pytest.mark.parametrize("expected", [*Kind, None])
def test_unknown_bytes_are_called_nothing(expected: Kind | None) -> None:
    values = {"name": "file.bin", "expected": expected or "any"}
    assert refusal(NOTHING, expected) == Problem(ProblemCode.FORMAT_UNKNOWN, values)


@pytest.mark.parametrize("expected", [*Kind, None])
def test_an_empty_file_is_told_apart(expected: Kind | None) -> None:
    assert refusal(b"", expected) == Problem(ProblemCode.FILE_EMPTY, {"name": "file.bin"})


@pytest.mark.parametrize(
    ("data", "limit"), [(picture("PNG"), IMAGE_BYTES_MAX), (clip("mp4"), VIDEO_BYTES_MAX)], ids=list(Kind)
)
def test_a_file_of_the_right_kind_can_be_too_large(data: bytes, limit: int) -> None:
    padded = data + bytes(limit - len(data))
    identify("file.bin", padded, None)
    with pytest.raises(Unreadable) as caught:
        identify("file.bin", padded + b"x", None)
    assert caught.value.problem == Problem(
        ProblemCode.FILE_TOO_LARGE, {"name": "file.bin", "size": limit + 1, "size_max": limit}
    )


def test_a_reference_knows_its_size_and_link() -> None:
    data = picture("PNG")
    reference = probe("cat.png", data, None)
    assert (reference.url, reference.size) == (URL, len(data))


@given(st.binary(max_size=300), st.sampled_from(Kind))
def test_any_bytes_are_answered(data: bytes, expected: Kind) -> None:
    answers(data, expected)
