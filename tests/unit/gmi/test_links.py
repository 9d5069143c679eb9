"""Links to videos: read by their key only, as they are, and only where they lead to a public file."""

from __future__ import annotations

import json

import pytest

from bot.gmi.schemas import LINK_MAX, RESULTS_MAX, parse_list, parse_record, read_record
from bot.models.states import State

LINK = "https://cdn.example.invalid/a.mp4"
ROOT = "https://a.invalid/"


def links(outcome: object, *, plain_http: bool = False) -> tuple[str, ...]:
    found = read_record({"request_id": "r", "outcome": outcome}, plain_http=plain_http)
    assert found is not None
    return found.results


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (LINK, LINK),
        (f" {LINK}\n", LINK),
        (f"{ROOT}b c.mp4", f"{ROOT}b%20c.mp4"),
        (f'{ROOT}a<b>"c"\\d', f"{ROOT}a%3Cb%3E%22c%22%5Cd"),
        (f"{ROOT}%20x", f"{ROOT}%20x"),
        ("https://a.invalid:8443/a", "https://a.invalid:8443/a"),
        ("https://a.invalid:1/a", "https://a.invalid:1/a"),
        (ROOT + "x" * (LINK_MAX - len(ROOT)), ROOT + "x" * (LINK_MAX - len(ROOT))),
        (ROOT + "x" * (LINK_MAX - len(ROOT) + 1), None),
        (ROOT + "x" * (LINK_MAX - len(ROOT) - 1) + " ", ROOT + "x" * (LINK_MAX - len(ROOT) - 1)),
        (ROOT + "x" * (LINK_MAX - len(ROOT) - 1) + " y", None),
        (ROOT + "x" * (LINK_MAX - len(ROOT)) + "\u202e", None),
        (ROOT + "x" * (LINK_MAX - len(ROOT) - 1) + "\u202e", None),
        (ROOT + "x" * (LINK_MAX - len(ROOT)) + " " * 50, ROOT + "x" * (LINK_MAX - len(ROOT))),
        (ROOT + "x" * (LINK_MAX - len(ROOT)) + " y", None),
        (f"{ROOT}\u202egp4.exe", None),
        ("https://me@a.invalid/a", None),
        ("https://a.invalid%2f.b.invalid/a", None),
        ("https:///a", None),
        ("https://", None),
        ("https://a.invalid:0/a", None),
        ("https://a.invalid:99999/a", None),
        ("https://[::1/a", None),
        ("http://a.invalid/a", None),
        ("ftp://a.invalid/a", None),
        ("//a.invalid/a", None),
        ("javascript:alert(1)", None),
        (7, None),
        (None, None),
    ],
)
def test_a_link_is_read_as_it_is_or_not_at_all(written: object, read: str | None) -> None:
    assert links({"media_urls": [written]}) == (() if read is None else (read,))
    assert links({"video_url": written}) == (() if read is None else (read,))


@pytest.mark.parametrize("key", ["media_urls", "video_url", "url"])
def test_links_without_tls_count_only_where_they_are_allowed(key: str) -> None:
    plain = "http://127.0.0.1/a.mp4"
    assert links({key: plain}) == ()
    assert links({key: plain}, plain_http=True) == (plain,)
    assert links({key: LINK}, plain_http=True) == (LINK,)
    assert links({key: "ftp://127.0.0.1/a.mp4"}, plain_http=True) == ()
    body = json.dumps({"request_id": "r", "outcome": {key: plain}}).encode()
    page = b'{"requests": [' + body + b"]}"
    for allowed, found in ((True, (plain,)), (False, ())):
        record = parse_record(body, plain_http=allowed)
        assert record is not None
        assert record.results == found
        assert parse_list(page, plain_http=allowed).statuses[0].results == found
    record, read = parse_record(body), read_record(json.loads(body))
    assert record is not None
    assert read is not None
    assert read.results == ()
    assert record.results == parse_list(page).statuses[0].results == ()


def test_the_documented_place_of_a_link_comes_first() -> None:
    other, third = f"{ROOT}2.mp4", f"{ROOT}3.mp4"
    assert links({"media_urls": [{"url": LINK}], "video_url": other, "url": third}) == (LINK,)
    assert links({"video_url": other, "url": third}) == (other,)
    assert links({"media_urls": [{"url": "ftp://a"}], "video_url": other}) == (other,)
    assert links({"media_urls": ["no", {"url": LINK}, LINK, 7, other]}) == (LINK, other)


def test_only_so_many_links_are_read() -> None:
    many = [f"{ROOT}{number}.mp4" for number in range(20)]
    assert links({"media_urls": many}) == tuple(many[:RESULTS_MAX])
    assert links({"media_urls": [None] * 99 + [LINK]}) == (LINK,)
    assert links({"media_urls": [None] * 100 + [LINK]}) == ()


@pytest.mark.parametrize(
    "outcome",
    [
        {"media_urls": [{"id": "0", "url": LINK}, {"id": "1", "url": LINK}]},
        {"media_urls": [LINK]},
        {"media_urls": LINK},
        {"media_urls": {"url": LINK}},
        {"media_urls": [], "video_url": LINK, "thumbnail_image_url": "https://cdn.example.invalid/t.mp4"},
        {"url": LINK, "thumbnail_image_url": "https://cdn.example.invalid/t.mp4"},
    ],
)
@pytest.mark.parametrize("status", ["success", " Success ", "finished", "queued", "who knows", None, 7])
def test_a_record_with_a_link_is_a_success(outcome: object, status: object) -> None:
    found = read_record({"request_id": "r", "status": status, "outcome": outcome})
    assert found is not None
    assert (found.state, found.results) == (State.SUCCEEDED, (LINK,))


@pytest.mark.parametrize("status", ["failed", "ERROR", "cancelled", "canceled"])
def test_a_failure_with_a_link_stays_a_failure(status: str) -> None:
    found = read_record({"request_id": "r", "status": status, "outcome": {"media_urls": [LINK]}})
    assert found is not None
    assert found.state in {State.FAILED, State.CANCELLED}
    assert found.results == ()


@pytest.mark.parametrize(
    "outcome",
    [
        None,
        {},
        {"media_urls": []},
        {"thumbnail_image_url": LINK},
        {"media_urls": [{"thumbnail": {"url": LINK}}]},
        {"nested": {"video_url": LINK}},
        LINK,
        [LINK],
    ],
)
def test_a_link_is_read_by_its_key_only(outcome: object) -> None:
    found = read_record({"request_id": "r", "status": "success", "outcome": outcome})
    assert found is not None
    assert (found.state, found.results, found.is_incomplete) == (State.SUCCEEDED, (), True)
