"""Downloads: from public hosts only, with bounds on time, redirects and attempts."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.clock import SystemClock
from bot.media.download import Download, DownloadError, NotPublicError, download, open_session
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


class Names(AbstractResolver):
    """A resolver that gives one answer after the other, as a hostile one does."""

    def __init__(self, answers: Sequence[str]) -> None:
        self._answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        location = self._answers.pop(0)
        return [ResolveResult(hostname=host, host=location, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        return


@pytest.fixture
async def strict() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the session of a bot in production: not even this machine is to be reached."""
    async with open_session(loopback=False) as session:
        yield session


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"])  # noqa: S104
async def test_this_machine_is_not_reached(
    host: str, strict: aiohttp.ClientSession, cloud: GmiCloud, tmp_path: Path
) -> None:
    port = cloud.base_url.rsplit(":", 1)[1]
    with pytest.raises(NotPublicError):
        await download(strict, f"http://{host}:{port}/media/v.mp4", tmp_path, 1000, SystemClock())
    assert cloud.requests_seen == []


async def test_a_name_that_changes_its_address_is_checked_when_it_is_connected_to(
    cloud: GmiCloud, tmp_path: Path
) -> None:
    port = cloud.base_url.rsplit(":", 1)[1]
    async with open_session(loopback=False, resolver=Names(["127.0.0.1"])) as session:
        with pytest.raises(NotPublicError):
            await download(
                session, f"http://storage.example.com:{port}/media/v.mp4", tmp_path, 1000, SystemClock()
            )
    assert cloud.requests_seen == []


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        ("http://10.0.0.8/v.mp4", 1),
        ("ftp://storage.example.com/v.mp4", 1),
        ("file:///etc/passwd", 1),
        ("http://[half", 1),
        ("/media/again", 4),  # round and round
    ],
)
async def test_redirects_are_few_and_stay_in_public(
    target: str, seen: int, cloud: GmiCloud, tmp_path: Path
) -> None:
    cloud.fault("GET", "/media/*", script.redirect(target))
    async with open_session(loopback=True) as session:
        with pytest.raises(DownloadError):
            await download(session, f"{cloud.base_url}/media/v.mp4", tmp_path, 1000, SystemClock())
    assert len(cloud.requests_seen) == seen
    assert files_in(tmp_path) == []


async def test_an_honest_redirect_is_followed(cloud: GmiCloud, tmp_path: Path) -> None:
    cloud.fault("GET", "/media/old.mp4", script.redirect("/media/new.mp4"))
    cloud.fault("GET", "/media/new.mp4", script.answer(200, "the video", "video/mp4"))
    async with open_session(loopback=True) as session:
        found = await download(session, f"{cloud.base_url}/media/old.mp4", tmp_path, 1000, SystemClock())
    assert found.path is not None
    assert found.path.read_bytes() == b"the video"


class Hurrying:
    """A clock on which every look takes a while."""

    def __init__(self, step: float) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self._step = timedelta(seconds=step)

    def now(self) -> datetime:
        self._now += self._step
        return self._now

    wait = SystemClock.wait


async def test_a_trickle_is_given_up(cloud: GmiCloud, tmp_path: Path) -> None:
    cloud.fault("GET", "/media/*", script.TRICKLE)
    async with open_session(loopback=True) as session:
        with pytest.raises(DownloadError, match="too slowly"):
            await download(session, f"{cloud.base_url}/media/v.mp4", tmp_path, 10**7, Hurrying(10))
    assert len(cloud.requests_seen) == 1
    assert files_in(tmp_path) == []


async def test_what_keeps_coming_but_takes_too_long_is_given_up(
    cloud: GmiCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.media.download.SPEED_MIN", 0)
    cloud.fault("GET", "/media/*", script.TRICKLE)
    async with open_session(loopback=True) as session:
        with pytest.raises(DownloadError, match="too long"):
            await download(session, f"{cloud.base_url}/media/v.mp4", tmp_path, 10**7, Hurrying(40))


async def fetch(cloud: GmiCloud, folder: Path, limit: int = 1000, path: str = "/media/v.mp4") -> Download:
    async with open_session(loopback=True) as session:
        return await download(session, f"{cloud.base_url}{path}", folder, limit, SystemClock())


@pytest.mark.parametrize(("limit", "kept"), [(9, True), (8, False)])
async def test_a_video_is_kept_up_to_its_limit(
    limit: int, kept: bool, cloud: GmiCloud, tmp_path: Path
) -> None:
    cloud.fault("GET", "/media/*", script.answer(200, "the video", "video/mp4"))
    found = await fetch(cloud, tmp_path, limit)
    assert found.size == 9
    assert (found.path is not None) is kept
    assert len(files_in(tmp_path)) == kept


async def test_a_video_that_does_not_say_its_size_is_read_no_further_than_its_limit(tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(100):
                await response.write(bytes(100_000))
        except ConnectionError:
            pass
        return response

    application = web.Application()
    application.router.add_get("/v.mp4", endless)
    runner = web.AppRunner(application, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v.mp4"
    async with open_session(loopback=True) as session:
        found = await download(session, url, tmp_path, 150_000, SystemClock())
    await runner.cleanup()
    assert found.path is None
    assert 150_000 < found.size < 10_000_000
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        (script.answer(404, "gone"), 1),
        (script.answer(403, "no"), 1),
        (script.answer(500, "trouble"), 3),
        (script.answer(429, "later"), 3),
        (script.EMPTY, 3),
        (script.redirect("http://[half"), 1),
    ],
)
async def test_only_a_bad_moment_is_worth_another_attempt(
    fault: script.Fault, attempts: int, cloud: GmiCloud, tmp_path: Path
) -> None:
    cloud.fault("GET", "/media/*", replace(fault, times=99))
    with pytest.raises(DownloadError) as caught:
        await fetch(cloud, tmp_path)
    assert len(cloud.requests_seen) == attempts
    assert cloud.base_url not in str(caught.value)
    assert files_in(tmp_path) == []


async def test_a_bad_moment_passes(cloud: GmiCloud, tmp_path: Path) -> None:
    cloud.fault("GET", "/media/*", replace(script.answer(503, "later"), times=2))
    cloud.fault("GET", "/media/*", script.answer(200, "the video", "video/mp4"))
    found = await fetch(cloud, tmp_path)
    assert found.path is not None
    assert found.path.read_bytes() == b"the video"


async def test_what_is_no_link_is_not_tried_again(cloud: GmiCloud, tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        async with open_session(loopback=True) as session:
            await download(session, "no link", tmp_path, 1000, SystemClock())


async def test_a_server_that_says_nothing_is_given_up(
    cloud: GmiCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.media.download.STALL_SECONDS", 0.05)
    cloud.fault("GET", "/media/*", script.SILENCE)
    with pytest.raises(DownloadError, match="TimeoutError"):
        await fetch(cloud, tmp_path)
    assert files_in(tmp_path) == []
