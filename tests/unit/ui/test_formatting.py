"""Numbers, sizes and lengths as people read them."""

from __future__ import annotations

import pytest

from bot.ui import formatting


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (1.0, "1 second"),
        (1.04, "1 second"),
        (1.1, "1.1 seconds"),
        (0.5, "0.5 seconds"),
        (-1, "-1 seconds"),
        (8.5, "8.5 seconds"),
        (1200, "1,200 seconds"),
        (1_000_000, "1,000,000 seconds"),
    ],
)
def test_seconds_are_counted_in_words(count: float, words: str) -> None:
    assert formatting.seconds(count) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 videos"), (1, "1 video"), (100_000, "100,000 videos")])
def test_videos_are_counted_in_words(count: int, words: str) -> None:
    assert formatting.videos(count) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [(1, "0.1 MB"), (20 * 1024**2, "20 MB"), (20 * 1024**2 + 1, "20.1 MB"), (1500 * 1024**2, "1,500 MB")],
)
def test_a_size_just_over_its_limit_does_not_read_like_the_limit(size: int, words: str) -> None:
    assert formatting.megabytes(size) == words
