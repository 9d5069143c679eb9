"""What a card shows of finished videos: a file where it fits, its link where it does not, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.delivery.fetcher import Result
from bot.delivery.results import Links, Place, Shown, choose_files
from bot.media.download import Download
from bot.models.jobs import Job
from tests.unit.jobs.stage import new_job

LINK = "https://cdn.example.com/a.mp4"
MIB = 1024 * 1024
UNTIL = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job() -> Job:
    return replace(new_job(), request_id="req-1")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video"
    path.write_bytes(b"video")
    return path


def shown(results: list[Result], place: Place) -> Shown:
    found = choose_files(job(), results, place)
    for file in found.files:
        file.close()
    return found


@pytest.mark.parametrize(("size", "posted"), [(MIB - 1, True), (MIB, True), (MIB + 1, False)])
def test_a_file_is_posted_up_to_the_limit_of_its_place(size: int, posted: bool, video: Path) -> None:
    found = shown([Result(LINK, Download(video, size))], Place(MIB))
    assert [file.filename for file in found.files] == (["vidu-7.mp4"] if posted else [])
    [media] = found.media
    assert media.playable == ("attachment://vidu-7.mp4" if posted else LINK)
    assert media.link == LINK
    assert (found.note is None) is posted


def test_what_was_too_large_to_be_kept_is_a_link(video: Path) -> None:
    found = shown([Result(LINK, Download(None, 30 * MIB))], Place(100 * MIB))
    assert found.files == []
    assert found.media[0].playable == LINK


@pytest.mark.parametrize(
    ("links", "playable", "link", "button"),
    [(Links.PLAYED, LINK, LINK, True), (Links.TEXT, None, LINK, False), (Links.NONE, None, None, False)],
)
def test_where_a_link_is_not_taken_there_is_less_of_it(
    links: Links, playable: str | None, link: str | None, button: bool, video: Path
) -> None:
    found = shown([Result(LINK, Download(video, 2 * MIB))], Place(MIB, links))
    [media] = found.media
    assert (media.playable, media.link, media.button) == (playable, link, button)
    assert found.note is not None
    assert ("req" in found.note) is (link is None)


def test_a_link_that_nobody_may_follow_is_not_shown() -> None:
    found = shown([Result(None)], Place(MIB))
    assert (found.media[0].playable, found.media[0].link) == (None, None)
    assert found.note is not None
    assert "req" in found.note


def test_what_could_not_be_fetched_says_until_when_it_is_tried() -> None:
    found = shown([Result(LINK)], Place(MIB, refetch_until=UNTIL))
    assert found.media[0].playable is None
    assert found.note is not None
    assert f"<t:{int(UNTIL.timestamp())}:t>" in found.note
    without = shown([Result(LINK)], Place(MIB))
    assert without.note is not None
    assert "<t:" not in without.note


def test_what_is_on_the_card_already_stays_there() -> None:
    found = shown([Result(LINK, on_card=True)], Place(MIB))
    assert found.media[0].playable == "attachment://vidu-7.mp4"
    assert (found.files, found.note) == ([], None)


def test_videos_are_numbered_and_the_same_reason_is_given_once(video: Path) -> None:
    file = Download(video, 5)
    found = shown([Result(LINK, file), Result(LINK), Result(LINK), Result(LINK, file)], Place(MIB))
    assert [file.filename for file in found.files] == ["vidu-7.mp4", "vidu-7-4.mp4"]
    single = shown([Result(LINK)], Place(MIB))
    assert found.note == single.note
