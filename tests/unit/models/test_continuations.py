"""The next scene: which videos can have one, and what of their images fits beside the clip."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.catalog import Kind
from bot.models.continuations import Continuation, can_continue, carried_over
from bot.models.jobs import CardLocation, Job
from bot.models.requests import (
    DURATION_MAX,
    DURATION_MIN,
    IMAGES_MAX,
    IMAGES_MAX_WITH_VIDEOS,
    SECONDS_TOLERANCE,
    Reference,
    VideoRequest,
    count_problems,
    length_problems,
)
from bot.models.states import State

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(state: State, seconds: int = 5, results: tuple[str, ...] = ("https://example.invalid/a.mp4",)) -> Job:
    request = VideoRequest("a fox", (), seconds, 7)
    return Job(1, 2, CardLocation(3, 4, 5), request, "vidu-q2-pro-r2v", NOW, state, results=results)


@given(st.integers(DURATION_MIN, DURATION_MAX), st.floats(0, SECONDS_TOLERANCE))
def test_what_can_be_continued_is_accepted_as_a_clip(seconds: int, more: float) -> None:
    # A video is seldom exactly as long as it should be.
    clip = Reference(Kind.VIDEO, "a.mp4", "https://example.invalid/a", 9, 192, 144, seconds + more)
    assert can_continue(seconds) == (not length_problems([clip]))


@pytest.mark.parametrize("state", State)
def test_only_a_video_that_is_there_can_be_continued(state: State) -> None:
    assert job(state).can_be_continued is (state is State.DELIVERED)
    assert not job(state, results=()).can_be_continued


@given(st.lists(st.integers(1, 3), max_size=9), st.integers(0, IMAGES_MAX))
def test_what_is_carried_over_always_fits_and_leaves_nothing_out_that_would(
    cast: list[int], pictures: int
) -> None:
    kept, room = carried_over(cast, pictures)
    assert kept == sorted(set(kept))
    images = sum(cast[position] for position in kept)
    assert count_problems(room, 1, {str(position): cast[position] for position in kept}) == []
    left = IMAGES_MAX_WITH_VIDEOS - images - room
    assert room == pictures or left == 0
    assert all(cast[position] > left for position in range(len(cast)) if position not in kept)
    if sum(cast) + pictures <= IMAGES_MAX_WITH_VIDEOS:
        assert (len(kept), room) == (len(cast), pictures)


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_scenes_are_counted_from_the_first_video(with_link: list[bool]) -> None:
    made = job(State.DELIVERED)
    assert made.scene == 1
    for number, link in enumerate(with_link, start=2):
        place = made.location.link if link else None
        made = replace(made, id=number, continues=Continuation(made.id, made.scene + 1, place))
        assert made.scene == number
