"""A picture that is kept: small, upright, in the usual colors, and silent about where it was taken."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageCms

from bot.media.inspection import shrinker, shrinking
from bot.media.inspection.shrinking import shrink
from bot.media.inspection.unreadable import Unreadable
from bot.models.cast import SavedPicture
from bot.models.problems import FileFormat, ProblemCode
from tests.unit.media.files import children, picture

GPS = 0x8825
PLACE = {1: "N", 2: (48.0, 51.0, 29.0)}


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as opened:
        yield opened


async def saved(data: bytes, threads: Executor) -> SavedPicture:
    return await shrink("fox.png", FileFormat.PNG, data, 2, threads)


def file_of(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def shrunk(data: bytes) -> tuple[str, Image.Image, Image.Image]:
    """Do what the process does; return the format, the picture and its preview."""
    about, _, contents = shrinker.shrink(data, 1280, 256).partition(b"\n")
    size = json.loads(about)["size"]
    found = (Image.open(BytesIO(contents[:size])), Image.open(BytesIO(contents[size:])))
    return json.loads(about)["format"], *found


async def test_a_photo_is_kept_upright_small_and_without_its_place(threads: Executor) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif.get_ifd(GPS).update(PLACE)
    photo = Image.linear_gradient("L").resize((2000, 1500)).convert("RGB")
    kept = await saved(file_of(photo, "JPEG", exif=exif, comment=b"my address"), threads)
    info = kept.info
    assert (info.position, info.format, info.width, info.height) == (2, FileFormat.JPEG, 960, 1280)
    assert (info.size, info.digest) == (len(kept.content), hashlib.sha256(kept.content).hexdigest())
    with Image.open(BytesIO(kept.content)) as image, Image.open(BytesIO(kept.preview)) as preview:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (960, 1280), {})
        assert "comment" not in image.info
        assert (preview.format, preview.size) == ("JPEG", (192, 256))
    assert b"address" not in kept.content + kept.preview


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_stays_so(kind: str) -> None:
    sticker = Image.new("RGBA", (200, 130), (200, 10, 10, 90))
    form, image, preview = shrunk(file_of(sticker, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert form == FileFormat.PNG
    assert (image.format, image.size, image.getpixel((9, 9))) == ("PNG", (200, 130), (200, 10, 10, 90))
    assert preview.format == "PNG"


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("RGBA", (9, 90, 200, 255), (9, 90, 200)),  # opaque all the same
        ("L", 120, (120, 120, 120)),
        ("LA", (120, 255), (120, 120, 120)),
        ("P", 0, (0, 0, 0)),
        ("1", 1, (255, 255, 255)),
        ("I;16", 30_000, (117, 117, 117)),
    ],
)
def test_pictures_of_any_kind_become_a_jpeg(mode: str, color: Any, expected: tuple[int, ...]) -> None:
    form, image, _ = shrunk(file_of(Image.new(mode, (140, 130), color), "PNG"))
    assert form == FileFormat.JPEG
    assert looks_like(image, expected, tolerance=3)


def test_a_profile_is_applied_and_left_out() -> None:
    usual = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (usual, b"no profile"):
        _, image, _ = shrunk(file_of(Image.new("RGB", (140, 130), (200, 60, 20)), "PNG", icc_profile=profile))
        assert "icc_profile" not in image.info
        assert looks_like(image, (200, 60, 20), tolerance=4)


def looks_like(image: Image.Image, expected: tuple[int, ...], tolerance: int) -> bool:
    found = image.convert("RGB").getpixel((70, 60))
    assert isinstance(found, tuple)
    return all(abs(one - other) <= tolerance for one, other in zip(found, expected, strict=True))


@pytest.mark.parametrize("data", [b"", b"hello", picture("WEBP")[:60]])
async def test_what_cannot_be_read_is_refused(data: bytes, threads: Executor) -> None:
    with pytest.raises(Unreadable) as refused:
        await saved(data, threads)
    assert refused.value.problem.code is ProblemCode.IMAGE_BROKEN


async def test_a_picture_that_takes_too_long_is_refused(
    threads: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children()
    monkeypatch.setattr(shrinking, "SECONDS_MAX", 0.0)
    with pytest.raises(Unreadable):
        await saved(picture("PNG"), threads)
    assert children() == before


def test_the_process_that_asks_does_not_load_the_library() -> None:
    code = "import sys, bot.media.inspection.inspector; print('PIL' in sys.modules)"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "False"
