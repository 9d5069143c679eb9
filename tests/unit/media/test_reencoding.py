"""A WebP becomes what GMI Cloud's storage takes: within limits, and without what its camera noted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from io import BytesIO

import pytest
from PIL import Image

from bot.media.inspection import probe, reencoding
from bot.media.inspection.reencoding import reencode
from tests.unit.media.files import children, picture


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as opened:
        yield opened


async def test_an_opaque_picture_becomes_a_jpeg_as_it_is_shown(threads: Executor) -> None:
    saved = await reencode(picture("WEBP", 160, 130, orientation=6), threads)
    assert saved is not None
    with Image.open(BytesIO(saved)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (130, 160), {})


@pytest.mark.parametrize(("alpha", "expected"), [(90, "PNG"), (255, "JPEG")])
def test_only_what_is_transparent_stays_so(alpha: int, expected: str) -> None:
    file = BytesIO()
    Image.new("RGBA", (40, 30), (200, 10, 10, alpha)).save(file, "WEBP", lossless=True)
    with Image.open(BytesIO(probe.save_picture(file.getvalue()))) as image:
        assert image.format == expected
        assert alpha == 255 or image.getpixel((0, 0)) == (200, 10, 10, 90)


@pytest.mark.parametrize("data", [b"", b"hello", picture("WEBP")[:60]])
async def test_what_is_no_picture_is_none(data: bytes, threads: Executor) -> None:
    assert await reencode(data, threads) is None


async def test_a_picture_that_takes_too_long_is_none(
    threads: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children()
    monkeypatch.setattr(reencoding, "SECONDS_MAX", 0.0)
    assert await reencode(picture("WEBP"), threads) is None
    assert children() == before
