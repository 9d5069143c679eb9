"""Images: measured as they are shown, and refused where reading them would cost too much."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.media.inspection.formats import JPEG
from bot.media.inspection.images import MEGAPIXELS_MAX, SCANS_MAX, measure_image
from bot.models.catalog import Kind
from bot.models.problems import FileFormat, Problem, ProblemCode
from bot.models.requests import Reference
from tests.unit.media.files import URL, answers, chunk, picture, png_claiming, probe, refusal


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_measured(format_name: str) -> None:
    data = picture(format_name)
    assert probe("cat.png", data, Kind.IMAGE) == Reference(Kind.IMAGE, "cat.png", URL, len(data), 160, 130)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP"])
def test_a_moving_picture_counts_as_its_first_frame(format_name: str) -> None:
    reference = probe("cat", picture(format_name, frames=3), Kind.IMAGE)
    assert (reference.width, reference.height, reference.seconds) == (160, 130, None)


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(("orientation", "size"), [(3, (160, 130)), (6, (130, 160)), (8, (130, 160))])
def test_a_turned_picture_is_measured_as_it_is_shown(
    format_name: str, orientation: int, size: tuple[int, int]
) -> None:
    reference = probe("cat", picture(format_name, orientation=orientation), Kind.IMAGE)
    assert (reference.width, reference.height) == size


def test_a_size_beyond_what_was_asked_for_is_left_to_somebody_else() -> None:
    data = picture("JPEG", 1000, 1000)
    assert measure_image("file.bin", JPEG, data, 0.999999) is None
    assert measure_image("file.bin", JPEG, data, 1) == (1000, 1000)


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_cut_picture_is_refused(format_name: str, part: float) -> None:
    data = picture(format_name)
    problem = refusal(data[: int(len(data) * part)], Kind.IMAGE)
    values = {"name": "file.bin", "format": FileFormat(format_name.lower())}
    assert problem == Problem(ProblemCode.IMAGE_BROKEN, values)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (8001, 8000)])
def test_a_picture_that_would_fill_the_memory_is_refused_unread(width: int, height: int) -> None:
    assert refusal(png_claiming(width, height), Kind.IMAGE) == Problem(
        ProblemCode.IMAGE_TOO_MANY_PIXELS,
        {"name": "file.bin", "width": width, "height": height, "megapixels_max": 64},
    )


def test_a_webp_takes_more_memory_for_each_pixel_and_may_have_fewer() -> None:
    assert MEGAPIXELS_MAX == {"PNG": 64, "JPEG": 64, "WEBP": 20}
    problem = refusal(picture("WEBP", 5001, 4000), Kind.IMAGE)
    assert problem.code is ProblemCode.IMAGE_TOO_MANY_PIXELS
    assert problem.values["megapixels_max"] == 20
    assert answers(picture("WEBP", 5000, 4000), Kind.IMAGE)


def test_a_picture_in_endless_passes_is_refused_unread() -> None:
    file = BytesIO()
    Image.linear_gradient("L").save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    own = whole.count(b"\xff\xda")
    assert answers(whole[:-2] + scan * (SCANS_MAX - own) + whole[-2:], Kind.IMAGE)
    assert refusal(whole[:-2] + scan * (SCANS_MAX - own + 1) + whole[-2:], Kind.IMAGE) == Problem(
        ProblemCode.IMAGE_TOO_MANY_SCANS, {"name": "file.bin", "scans": 51, "scans_max": 50}
    )


def test_only_a_jpeg_has_scans() -> None:
    assert answers(png_with(chunk(b"teXt", b"\xff\xda" * 1000)), Kind.IMAGE)


def jpeg_with(before_its_frame: bytes) -> bytes:
    whole = picture("JPEG")
    return whole[:2] + before_its_frame + whole[2:]


def png_with(chunks: bytes) -> bytes:
    whole = picture("PNG")
    end = whole.index(b"IHDR") + 4 + 13 + 4
    return whole[:end] + chunks + whole[end:]


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with(b"\xff" * 1_000_000),
        jpeg_with(b"\xff\xfe\0\2" * 250_000),
        jpeg_with(b"\xff\xd0" * 500_000),
        jpeg_with(b"\xff\0" * 500_000),
        jpeg_with(b"\xff\xfe\0\2" + b"x" * 1_000_000),
        jpeg_with((b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)) * 300),
        png_with(chunk(b"teXt", b"") * 80_000),
        png_with(chunk(b"IDAT", b"") * 80_000),
    ],
    ids=["padding", "comments", "bare markers", "escapes", "junk", "20 MB of Exif", "texts", "empty data"],
)
def test_a_picture_in_endless_parts_is_refused_unread(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("no decoder may see this")

    monkeypatch.setattr(Image, "open", refuse)
    assert refusal(data, Kind.IMAGE).code is ProblemCode.IMAGE_TOO_MANY_PARTS


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with(b"\xff" * 1000),
        jpeg_with((b"\xff\xe1\xff\xfd" + bytes(65_531)) * 80),
        png_with(chunk(b"teXt", b"a\0b") * 1000),
    ],
    ids=["padding", "a depth map of 5 MB", "texts"],
)
def test_a_picture_in_many_parts_is_read(data: bytes) -> None:
    assert answers(data, Kind.IMAGE)


def test_a_picture_of_the_largest_size_is_read() -> None:
    problem = refusal(png_claiming(8000, 8000), Kind.IMAGE)  # exactly 64 megapixels, which it does not hold
    assert problem == Problem(ProblemCode.IMAGE_BROKEN, {"name": "file.bin", "format": FileFormat.PNG})


@given(st.sampled_from([picture("PNG"), picture("JPEG"), picture("WEBP")]), st.data())
def test_any_damage_to_a_picture_is_answered(whole: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(whole)))
    end = draw.draw(st.integers(start, min(start + 40, len(whole))))
    answers(whole[:start] + draw.draw(st.binary(max_size=40)) + whole[end:], Kind.IMAGE)
