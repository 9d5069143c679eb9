"""The real bot as a process of its own, against the stand-ins."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes import media
from fakes.clock import WireClock, until
from fakes.discord.model import Account, Slash
from fakes.discord.people import MEMBER
from fakes.discord.server import DiscordServer
from fakes.gmi.cloud import DEMO_KEY, GmiCloud, Render
from fakes.gmi.request import Timing
from fakes.rows import JobRow, Rows, open_rows

ROOT = Path(__file__).parents[1]
PATCH = Path(__file__).parent / "patch"
INHERITED = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
START_SECONDS = 30.0  # generous: a loaded machine imports slowly
EXIT_SECONDS = 15.0
NEVER = 1_000_000  # crossings
TIMING = Timing(queued=2.0, processing=4.0)  # done after three of the bot's questions


class BotProcess:
    """`python -m bot`, to be started, stopped, killed and started again on the same database."""

    def __init__(self, folder: Path, environment: dict[str, str], module: str = "bot") -> None:
        self._module = module
        self._folder = folder
        self._kill_file = folder / "kill"
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        self._environment = {
            **inherited,
            **environment,
            "PYTHONPATH": f"{PATCH}{os.pathsep}{ROOT}",
            "VIDU_WIRE_KILL": str(self._kill_file),
        }
        self._serials = itertools.count(1)
        self._starts = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Return what it is started with, for another process beside it."""
        return dict(self._environment)

    @property
    def pid(self) -> int:
        """Return the number of the process that runs, or ran last."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Tell whether it has not ended yet."""
        return self._process is not None and self._process.returncode is None

    @property
    def log(self) -> str:
        """Return what it has written since its last start."""
        return self._log_file().read_text(errors="replace")

    @property
    def logs(self) -> str:
        """Return what it has written since its first start."""
        found = sorted(self._folder.glob("bot-*.log"))
        return "\n".join(path.read_text(errors="replace") for path in found)

    @property
    def crossed(self) -> list[str]:
        """Return the checkpoints that it has crossed since it was armed."""
        path = self._kill_file.with_suffix(".crossed")
        return path.read_text().splitlines() if path.exists() else []

    def arm(self, crossing: int) -> None:
        """Let the process kill itself at this crossing of a checkpoint, counted from now or its start."""
        self.disarm()
        fresh = self._kill_file.with_suffix(".new")
        fresh.write_text(f"{crossing} {next(self._serials)}")
        fresh.replace(self._kill_file)

    def freeze_at(self, place: str) -> None:
        """Let the process stop as with SIGSTOP when it crosses this checkpoint next."""
        self.arm(NEVER)
        with self._kill_file.open("a") as file:
            file.write(f"\n{place}")

    def twin(self, name: str, **changes: str) -> BotProcess:
        """Return another process with the same settings, but for these, and a folder of its own."""
        folder = self._folder / name
        folder.mkdir()
        return BotProcess(folder, self._environment | changes, self._module)

    def disarm(self) -> None:
        """Let it live, and forget what it has crossed."""
        for path in (self._kill_file, self._kill_file.with_suffix(".crossed")):
            path.unlink(missing_ok=True)

    async def start(self) -> None:
        """Start it; whether it gets anywhere is for the caller to see."""
        assert not self.running
        self._starts += 1
        with self._log_file().open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run `python -m bot` with arguments beside it; return its exit code and all that it wrote."""
        ran = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            cwd=self._folder,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        written, _ = await ran.communicate()
        return ran.returncode or 0, written.decode(errors="replace")

    def freeze(self) -> None:
        """Stop it with SIGSTOP: for others it looks as if it were gone."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it was stopped."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def frozen(self) -> bool:
        """Tell whether it is stopped."""
        state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"

    async def kill(self) -> None:
        """End it with SIGKILL, if it still runs."""
        if self.running:
            assert self._process is not None
            self._process.send_signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """Ask it with SIGTERM to end, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self, seconds: float = EXIT_SECONDS) -> int:
        """Wait for its end and return its exit code."""
        assert self._process is not None
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    def _log_file(self) -> Path:
        return self._folder / f"bot-{self._starts}.log"


@dataclass(slots=True)
class Wire:
    """The bot's process between the two stand-ins."""

    discord: DiscordServer
    cloud: GmiCloud
    clock: WireClock
    process: BotProcess
    storage: Path
    rows: Rows

    async def start(self) -> None:
        """Start the bot and wait until its gateway session stands."""
        before = self.discord.gateway.identified
        await self.process.start()
        await until(
            lambda: self.discord.gateway.identified > before or not self.process.running,
            lambda: f"the bot identified itself\n{self.process.log}",
            START_SECONDS,
        )

    async def restart(self) -> None:
        """Kill the bot where it still runs, and start it again."""
        await self.process.kill()
        await self.start()

    async def ask(self, seed: int, account: Account = MEMBER, *, server: int = 0, **options: Any) -> Slash:
        """Run /vidu with a picture; the seed names the video."""
        given = {"prompt": f"a fox in the snow {seed}", "image1": ("fox.png", media.picture()), "seed": seed}
        return await self.discord.slash(account, "vidu", server=server, **{**given, **options})

    async def posted(self, seed: int, seconds: float = 20.0) -> None:
        """Wait until the video of that seed is on a message and the database knows it."""
        await until(
            lambda: f"vidu-{seed}.mp4" in self.discord.posted_videos() and self.state(seed) == "delivered",
            lambda: f"the video {seed}, the database says {self.state(seed)}\n{self.process.log}",
            seconds,
        )

    def submissions(self, seed: int) -> int:
        """Count the requests of that seed that GMI Cloud accepted."""
        return sum(request.payload["seed"] == seed for request in self.cloud.requests.values())

    def state(self, seed: int) -> str | None:
        """Return the state of the job with that seed."""
        return next((row.state for row in self.jobs() if row.seed == seed), None)

    def jobs(self) -> list[JobRow]:
        """Read the database, beside the bot."""
        return self.rows.jobs()

    def pending_replies(self) -> list[int]:
        """Return the interactions whose members still wait for an answer."""
        return self.rows.pending_replies()

    def registered(self) -> bool:
        """Tell whether the bot has noted that its commands are registered."""
        return self.rows.registered()


@asynccontextmanager
async def open_wire(
    folder: Path,
    *,
    speed: float = 20.0,
    start: bool = True,
    module: str = "bot",
    render: Render = media.render_quickly,
    timing: Timing = TIMING,
    **settings: str,
) -> AsyncIterator[Wire]:
    """Open the stand-ins and the bot between them; each second of the bot lasts a `speed`th of one."""
    clock = WireClock(speed)
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(DiscordServer(now=clock.now))
        cloud = await stack.enter_async_context(GmiCloud(now=clock.now, render=render, timing=timing))
        storage = folder / "vidu.db"
        environment = _environment(discord, cloud, clock, storage) | settings
        rows = stack.enter_context(open_rows(environment["DATABASE_URL"], storage))
        wire = Wire(discord, cloud, clock, BotProcess(folder, environment, module), storage, rows)
        try:
            if start:
                await wire.start()
            yield wire
        finally:
            if wire.process.running:
                await wire.process.kill()


def _environment(discord: DiscordServer, cloud: GmiCloud, clock: WireClock, storage: Path) -> dict[str, str]:
    """Return what leads the bot to the stand-ins, without limits that a test does not ask for."""
    return {
        "DISCORD_TOKEN": discord.token,
        "DISCORD_WIRE_BASE": f"{discord.base_url}/api/v10",
        "DISCORD_WIRE_GATEWAY": discord.gateway.url,
        "GMI_API_KEY": DEMO_KEY,
        "GMI_BASE_URL": cloud.base_url,
        "DATABASE_URL": f"sqlite+aiosqlite:///{storage}",
        "QUOTA_VIDEOS": "unlimited",
        "QUOTA_RUNNING": "1000",
        "BUDGET_SECONDS": "unlimited",
        "HTTP_PORT": "0",
        "VIDU_WIRE_SPEED": str(clock.speed),
        "VIDU_WIRE_EPOCH": repr(clock.epoch),
    }
