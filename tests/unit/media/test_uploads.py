"""References in GMI Cloud's own storage: uploaded once, remembered while their links live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.gmi.client import GmiCloud as Client
from bot.media.download import open_session
from bot.media.uploads import LINK_LIFE, LINK_REST, LINKS_MAX, ReferenceUploads, UploadError
from bot.models.states import Reason
from bot.telemetry.metrics import Metrics
from fakes import media
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import BAD_KEY, EMPTY, NESTED, RESET_BEFORE, Fault, answer, rate_limited
from tests.unit.jobs.stage import START, QuickClock

PLACE, STORE = ("POST", "/upload-url"), ("PUT", "/uploads/*")
AWAY = Fault(503, "busy", "text/plain")


class Counting(Metrics):
    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def reference_uploaded(self, outcome: str) -> None:
        self.outcomes.append(outcome)


async def fetch(_: str) -> bytes:
    return media.picture()


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def metrics() -> Counting:
    return Counting()


@pytest.fixture
async def cloud(clock: QuickClock) -> AsyncIterator[GmiCloud]:
    async with GmiCloud(now=clock.now, fetch=fetch, render=media.render_quickly) as running:
        yield running


@pytest.fixture
async def uploads(cloud: GmiCloud, clock: QuickClock, metrics: Counting) -> AsyncIterator[ReferenceUploads]:
    async with aiohttp.ClientSession() as session, open_session(loopback=True) as files:
        gmi = Client(session, cloud.base_url, "demo-key-not-secret", None)
        yield ReferenceUploads(files, gmi, clock, metrics)


async def content() -> bytes:
    return b"picture"


def sent(cloud: GmiCloud) -> int:
    return sum(seen.method == "PUT" for seen in cloud.requests_seen)


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "video/mp4"])
async def test_a_file_is_stored_where_everybody_can_read_it(
    content_type: str, uploads: ReferenceUploads, cloud: GmiCloud
) -> None:
    link = await uploads.link_of("a", content_type, content)
    assert cloud.uploads.content(link) == b"picture"


async def test_a_large_file_is_stored_whole(uploads: ReferenceUploads, cloud: GmiCloud) -> None:
    large = bytes(5_000_000)

    async def read() -> bytes:
        return large

    assert cloud.uploads.content(await uploads.link_of("a", "video/mp4", read)) == large


async def test_a_link_is_remembered_while_it_is_sure_to_live(
    uploads: ReferenceUploads, cloud: GmiCloud, clock: QuickClock, metrics: Counting
) -> None:
    first = await uploads.link_of("a", "image/png", content)
    clock.advance(LINK_LIFE - LINK_REST - timedelta(seconds=1))
    assert await uploads.link_of("a", "image/png", content) == first
    clock.advance(timedelta(seconds=1))
    assert await uploads.link_of("a", "image/png", content) != first
    assert sent(cloud) == 2
    assert metrics.outcomes == ["sent", "remembered", "sent"]


async def test_a_link_that_gmi_could_not_read_is_given_out_no_more(uploads: ReferenceUploads) -> None:
    first = await uploads.link_of("a", "image/png", content)
    other = await uploads.link_of("b", "image/png", content)
    uploads.forget({first})
    assert await uploads.link_of("a", "image/png", content) != first
    assert await uploads.link_of("b", "image/png", content) == other


async def test_what_many_want_at_the_same_moment_is_stored_once(
    uploads: ReferenceUploads, cloud: GmiCloud
) -> None:
    links = await asyncio.gather(*(uploads.link_of("a", "image/png", content) for _ in range(5)))
    assert (len(set(links)), sent(cloud)) == (1, 1)


async def test_only_so_many_links_are_remembered(
    uploads: ReferenceUploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LINKS_MAX > 100
    monkeypatch.setattr("bot.media.uploads.LINKS_MAX", 2)
    first, second, _ = [await uploads.link_of(digest, "image/png", content) for digest in "abc"]
    assert await uploads.link_of("b", "image/png", content) == second
    assert await uploads.link_of("a", "image/png", content) != first


@pytest.mark.parametrize("call", [PLACE, STORE])
@pytest.mark.parametrize("fault", [AWAY, RESET_BEFORE, rate_limited(10), answer(408, "")])
async def test_what_passes_is_tried_again(
    fault: Fault, call: tuple[str, str], uploads: ReferenceUploads, cloud: GmiCloud
) -> None:
    cloud.fault(*call, fault.repeated(2))
    link = await uploads.link_of("a", "image/png", content)
    assert cloud.uploads.content(link) == b"picture"


@pytest.mark.parametrize(
    ("call", "fault", "passing"),
    [
        (PLACE, AWAY.repeated(None), True),
        (PLACE, rate_limited(2000).repeated(None), True),
        (PLACE, EMPTY.repeated(None), True),
        (PLACE, NESTED.repeated(None), True),
        (PLACE, answer(200, {"upload_url": "ftp://x/y", "public_url": "https://x/y"}).repeated(None), True),
        (PLACE, answer(404, "404 page not found"), False),
        (PLACE, BAD_KEY, False),
        (STORE, RESET_BEFORE.repeated(None), True),
        (STORE, answer(403, "SignatureDoesNotMatch"), False),
        (STORE, Fault(302, headers={"Location": "https://elsewhere.example"}), False),
    ],
)
async def test_what_does_not_work_is_told_with_whether_it_may_later(
    call: tuple[str, str],
    fault: Fault,
    passing: bool,
    uploads: ReferenceUploads,
    cloud: GmiCloud,
    metrics: Counting,
) -> None:
    cloud.fault(*call, fault)
    with pytest.raises(UploadError) as raised:
        await uploads.link_of("a", "image/png", content)
    assert raised.value.passing is passing
    assert (raised.value.reason is Reason.KEY) is (fault == BAD_KEY)
    assert "http" not in str(raised.value)
    assert metrics.outcomes == ["failed"]
    cloud.heal()
    assert await uploads.link_of("a", "image/png", content)


async def test_no_file_goes_into_the_operators_own_network(cloud: GmiCloud, clock: QuickClock) -> None:
    async with aiohttp.ClientSession() as session, open_session(loopback=False) as files:
        gmi = Client(session, cloud.base_url, "demo-key-not-secret", None)
        with pytest.raises(UploadError):
            await ReferenceUploads(files, gmi, clock).link_of("a", "image/png", content)
    assert sent(cloud) == 0


@pytest.mark.parametrize("signer", ["X-Goog", "X-Amz"])
async def test_a_link_that_names_its_end_is_believed(
    signer: str, uploads: ReferenceUploads, cloud: GmiCloud, clock: QuickClock
) -> None:
    clock.moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.moment == START
    link = f"https://storage.example/a.png?{signer}-Date=20260101T000000Z&{signer}-Expires=7800"
    cloud.fault(*PLACE, answer(200, {"upload_url": f"{cloud.base_url}/uploads/x", "public_url": link}))
    cloud.fault(*STORE, Fault(200))
    assert await uploads.link_of("a", "image/png", content) == link
    clock.advance(timedelta(seconds=599))
    assert await uploads.link_of("a", "image/png", content) == link
    clock.advance(timedelta(seconds=1))
    assert await uploads.link_of("a", "image/png", content) != link
