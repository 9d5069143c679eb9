"""Reading members' files from Discord: from its own hosts only, and never more than a file may have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bot.media.cdn import DISCORD_HOSTS, CdnError, DiscordCdn, LargerThanAllowed

PIECE = bytes(100_000)
PIECES = 1000  # of the largest file here: 100 MB


class Host:
    """A server of files; enter it with `serving`."""

    def __init__(self) -> None:
        self.base = ""
        self.seen: list[str] = []
        self.written = 0  # bytes of large files
        self.cut_off = asyncio.Event()
        self.bad_moments = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request.path)
        if self.bad_moments:
            self.bad_moments -= 1
            return web.Response(status=503)
        match request.path:
            case "/small":
                return web.Response(body=b"1234567890")
            case "/moved":
                raise web.HTTPFound("/small")
            case "/large" | "/endless":
                return await self._large(request, tells=request.path == "/large")
        return web.Response(status=404)

    async def _large(self, request: web.Request, *, tells: bool) -> web.StreamResponse:
        response = web.StreamResponse()
        if tells:
            response.content_length = len(PIECE) * PIECES
        try:
            await response.prepare(request)
            for _ in range(PIECES):
                await response.write(PIECE)
                self.written += len(PIECE)
        except ConnectionError:
            self.cut_off.set()
        return response


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Host, aiohttp.ClientSession]]:
    host = Host()
    application = web.Application()
    application.router.add_get("/{path:.*}", host.handle)
    runner = web.AppRunner(application, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        yield host, session
    await runner.cleanup()


@pytest.fixture
async def served() -> AsyncIterator[tuple[Host, DiscordCdn]]:
    async with serving() as (host, session):
        yield host, DiscordCdn(session, re.compile(re.escape(f"{host.base}/")))


async def test_a_file_is_read_whole(served: tuple[Host, DiscordCdn]) -> None:
    host, cdn = served
    assert await cdn.read(f"{host.base}/small", 10) == b"1234567890"


@pytest.mark.parametrize("path", ["/large", "/endless"])
async def test_a_file_is_never_read_beyond_its_limit(path: str, served: tuple[Host, DiscordCdn]) -> None:
    host, cdn = served
    with pytest.raises(LargerThanAllowed) as caught:
        await cdn.read(host.base + path, 1_000_000)
    assert caught.value.size > 1_000_000
    await asyncio.wait_for(host.cut_off.wait(), 10)
    assert host.written < len(PIECE) * PIECES / 2  # what the sockets took in between, but not the rest
    assert host.seen == [path]  # another attempt would find the same


async def test_a_bad_moment_is_outlasted(served: tuple[Host, DiscordCdn]) -> None:
    host, cdn = served
    host.bad_moments = 2
    assert await cdn.read(f"{host.base}/small", 10) == b"1234567890"
    host.bad_moments = 3
    with pytest.raises(CdnError):
        await cdn.read(f"{host.base}/small", 10)


@pytest.mark.parametrize(("path", "seen"), [("/moved", ["/moved"]), ("/gone", ["/gone"])])
async def test_what_is_not_there_is_not_looked_for_elsewhere(
    path: str, seen: list[str], served: tuple[Host, DiscordCdn]
) -> None:
    host, cdn = served
    with pytest.raises(CdnError) as caught:
        await cdn.read(host.base + path, 10)
    assert host.seen == seen
    assert host.base not in str(caught.value)


async def test_nothing_is_read_from_the_operators_own_network() -> None:
    async with serving() as (host, session):
        cdn = DiscordCdn(session)
        location = host.base.removeprefix("http://")
        for start in ("http://", "https://", "https://cdn.discordapp.com@", "https://cdn.discordapp.com:1@"):
            with pytest.raises(CdnError):
                await cdn.read(f"{start}{location}/small", 10)
        assert host.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.discordapp.com/attachments/1/2/fox.png?ex=1&is=2&hm=3",
        "https://cdn.discordapp.com/ephemeral-attachments/1/2/fox.png",
        "https://media.discordapp.net/attachments/1/2/fox.png",
        "https://images-ext-1.discordapp.net/external/x/https/example.com/fox.png",
    ],
)
def test_discords_own_hosts(url: str) -> None:
    assert DISCORD_HOSTS.match(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.discordapp.com/attachments/1/2/fox.png",
        "https://cdn.discordapp.com.example.com/fox.png",
        "https://cdn.discordapp.com:8443/fox.png",
        "https://cdn.discordapp.com",
        "https://cdnXdiscordapp.com/fox.png",
        "https://user@cdn.discordapp.com/fox.png",
        "https://evil.discordapp.net/fox.png",
        "https://images-ext-1.example.com/fox.png",
        "https://example.com/https://cdn.discordapp.com/fox.png",
        "file:///etc/passwd",
        "",
    ],
)
def test_other_hosts(url: str) -> None:
    assert DISCORD_HOSTS.match(url) is None
