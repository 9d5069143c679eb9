"""Links of results: those that Discord refuses, and those that nobody may be sent to."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.clock import SystemClock
from bot.media.download import DownloadError, NotPublicError, download, open_session
from bot.media.hosts import is_on_this_machine, is_public, public_link
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World, components
from tests.acceptance.member import ask, card_text, press, until

READY = "✅ Your video is ready"
TOKEN_ROUTE = "/webhooks/*/*/messages/*"
GALLERY, BUTTON = 12, 2
PUBLIC = "https://storage.example.com/v.mp4"


def links(asked: object) -> list[str]:
    """Return every link that a card plays or offers behind a button."""
    found = components(asked.response)  # type: ignore[attr-defined]
    played = [item["media"]["url"] for each in found if each["type"] == GALLERY for item in each["items"]]
    return [
        url
        for url in [*played, *(each["url"] for each in found if each["type"] == BUTTON and "url" in each)]
        if not url.startswith("attachment://") and "simcord" not in url
    ]


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def patches(world: World, since: int) -> int:
    return len([entry for entry in world.env.http_requests[since:] if entry.method == "PATCH"])


@pytest.mark.parametrize("refusals", [1, 2])
async def test_a_link_that_discord_refuses_leaves_a_card_with_words(
    refusals: int, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(megabytes=26))
    asked = await ask(world)
    await until(world, asked, "🎬 Rendering")
    world.env.inject_error("PATCH", TOKEN_ROUTE, status=400, code=50035, times=refusals)
    before = len(world.env.http_requests)
    text = await until(world, asked, READY)
    assert "The file is 26 MB, but files here can be 25 MB at most." in text
    assert links(asked) == []
    assert ("[Open video 1](<http" in text) == (refusals == 1)
    assert ("ts link can't be shown here" in text) == (refusals == 2)
    assert patches(world, before) == refusals + 1
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_refused_button_costs_nobody_the_file(world: World) -> None:
    asked = await ask(world, seed=5)
    await until(world, asked, "🎬 Rendering")
    world.env.inject_error("PATCH", TOKEN_ROUTE, status=400, code=50035)
    text = await until(world, asked, READY)
    assert asked.response is not None
    assert [each.filename for each in asked.response.attachments] == ["reference-1.png", "vidu-5.mp4"]
    assert "Open" not in text.splitlines()


async def test_a_link_that_is_not_escaped_is_shown_escaped(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(links=("https://storage.example.com/a b>c.mp4",)))
    cloud.fault("GET", "/media/*", script.CAPACITY)
    asked = await ask(world)
    await until(world, asked, READY)
    assert links(asked) == ["https://storage.example.com/a%20b%3Ec.mp4"]


async def test_a_link_that_no_card_can_hold_is_told_in_words(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(links=("https://storage.example.com/" + "x" * 3000,)))
    cloud.fault("GET", "/media/*", script.CAPACITY)
    asked = await ask(world, prompt="word " * 200)
    text = await until(world, asked, READY)
    assert "I couldn't download the video" in text
    assert links(asked) == []


@pytest.mark.parametrize(
    "link",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.8/v.mp4",
        "http://[::ffff:10.0.0.8]/v.mp4",
        "http://nas/v.mp4",
    ],
)
async def test_a_link_to_a_private_address_is_not_shown(link: str, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(links=(link,)))
    asked = await ask(world)
    text = await until(world, asked, READY)
    assert link.split("/")[2] not in text
    assert "I couldn't download the video, and its link can't be shown here." in text
    assert next(iter(cloud.requests)) in text
    assert links(asked) == []
    shown = await press(world.member, await world.member.slash(world.channel, "videos"), "Show")
    assert links(shown) == []


async def test_a_redirect_to_a_private_address_is_like_a_file_that_could_not_be_fetched(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("GET", "/media/*", script.redirect("http://169.254.169.254/latest/meta-data"))
    asked = await ask(world)
    assert "I couldn't download the video, so here's its link" in await until(world, asked, READY)
    assert "169.254" not in card_text(asked)


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


@pytest.mark.parametrize(
    "location",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:192.168.1.1", "64:ff9b::a00:1", "2002:a00:1::",
    ],
)  # fmt: skip
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("location", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public(location: str) -> None:
    assert is_public(location)


@pytest.mark.parametrize(
    "link",
    [
        "ftp://storage.example.com/v.mp4", "javascript:alert(1)", "https:///v.mp4", "https://[half/v.mp4",
        "https://storage.example.com:port/", "http://127.1/v", "http://2130706433/v", "http://0x7f000001/v",
        "http://localhost/v", "http://printer.local/v", "http://db.internal/v", "http://db/v",
        "https://storage.example.com/a\nb", "http://localhost./v",
    ],
)  # fmt: skip
def test_links_that_nobody_is_sent_to(link: str) -> None:
    assert public_link(link) is None


def test_links_that_people_may_follow() -> None:
    assert public_link(PUBLIC) == PUBLIC
    assert public_link("http://8.8.8.8/v.mp4") is not None
    assert public_link("http://127.0.0.1:80/v.mp4", loopback=True) is not None
    assert public_link("http://10.0.0.8/v.mp4", loopback=True) is None


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:80", True), ("http://localhost", True), ("http://[::1]", True),
     ("https://console.gmicloud.ai", False), ("http://10.0.0.8", False)],
)  # fmt: skip
def test_only_a_stand_in_is_on_this_machine(url: str, here: bool) -> None:
    assert is_on_this_machine(url) is here
