"""Loaded by the tests' bot process at its start: leads it to the stand-ins, faster, and kills it on demand.

Production code knows nothing of it: each change is made when the module in question has been imported.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

Patch = Callable[[ModuleType], None]


class Checkpoints:
    """Kills the process at the N-th crossing after a file with that number was written.

    Beside that file one of all crossings since then is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._armed = ""
        self._crossed = 0

    def cross(self, name: str) -> None:
        """Count one crossing; end here if it is the one."""
        try:
            armed = self._path.read_text()
        except FileNotFoundError:
            return
        if armed != self._armed:
            self._armed, self._crossed = armed, 0
        self._crossed += 1
        with self._path.with_suffix(".crossed").open("a") as file:
            file.write(f"{name}\n")
        kill_at, _, freeze_at = armed.partition("\n")
        if self._crossed >= int(kill_at.split()[0]):
            os.kill(os.getpid(), signal.SIGKILL)
        if name == freeze_at:
            self._path.unlink()
            os.kill(os.getpid(), signal.SIGSTOP)

    def wrap(self, owner: Any, *names: str) -> None:
        """Cross a checkpoint before and after these awaits."""
        for name in names:
            setattr(owner, name, self._around(getattr(owner, name)))

    def _around(self, original: Any) -> Any:
        @functools.wraps(original)
        async def crossing(*given: Any, **named: Any) -> Any:
            route = next((each for each in given[1:2] if hasattr(each, "path")), None)
            name = f"{route.method} {route.path}" if route else original.__qualname__
            self.cross(f"before {name}")
            result = await original(*given, **named)
            self.cross(f"after {name}")
            return result

        return crossing


class _Patching(Loader):
    """Runs a patch once its module is there."""

    def __init__(self, loader: Loader, patch: Patch) -> None:
        self._loader = loader
        self._patch = patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._patch(module)


class Finder(MetaPathFinder):
    """Finds the modules that have a patch, and leaves all others alone."""

    def __init__(self, patches: dict[str, Patch]) -> None:
        self._patches = patches

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        patch = self._patches.pop(fullname, None)
        if patch is None:
            return None
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Patching(spec.loader, patch)
        return spec


def _patches(environment: dict[str, str]) -> dict[str, Patch]:
    # Long, because each patch is a function in it: they share the clock and the environment.
    from fakes.clock import WireClock  # noqa: PLC0415 - only where the environment is set

    clock = WireClock(float(environment["VIDU_WIRE_SPEED"]), float(environment["VIDU_WIRE_EPOCH"]))
    checkpoints = Checkpoints(Path(environment["VIDU_WIRE_KILL"]))
    cross = checkpoints.wrap

    def http(module: Any) -> None:
        module.Route.BASE = environment["DISCORD_WIRE_BASE"]
        cross(module.HTTPClient, "request")

    def gateway(module: Any) -> None:
        url = type(module.DiscordWebSocket.DEFAULT_GATEWAY)
        module.DiscordWebSocket.DEFAULT_GATEWAY = url(environment["DISCORD_WIRE_GATEWAY"])

    def state(module: Any) -> None:
        original = module.ConnectionState.__init__

        def patient(self: Any, *given: Any, **options: Any) -> None:
            original(self, *given, **options)
            self.guild_ready_timeout = clock.shrink(self.guild_ready_timeout)

        module.ConnectionState.__init__ = patient

    def system_clock(module: Any) -> None:
        wait = module.SystemClock.wait

        async def shrunk(self: Any, event: asyncio.Event, seconds: float | None) -> None:
            await wait(self, event, None if seconds is None else clock.shrink(seconds))

        module.SystemClock.now = lambda _: clock.now()
        module.SystemClock.wait = shrunk

    def cdn(module: Any) -> None:
        stand_in = environment["DISCORD_WIRE_BASE"].split("/api/")[0]
        module.DiscordCdn.__init__.__defaults__ = (re.compile(re.escape(f"{stand_in}/")),)

    def clips(module: Any) -> None:
        module.SECONDS_MAX = float(environment.get("VIDU_WIRE_CLIP_SECONDS", module.SECONDS_MAX))

    real_sleep = asyncio.sleep

    async def sleep(delay: float, result: Any = None) -> Any:
        return await real_sleep(clock.shrink(delay), result)

    asyncio.sleep = sleep  # retries of libraries wait with it
    return {
        "discord.http": http,
        "discord.gateway": gateway,
        "discord.state": state,
        "discord.webhook.async_": lambda module: cross(module.AsyncWebhookAdapter, "request"),
        "bot.media.cdn": cdn,
        "bot.media.inspection.clips": clips,
        "bot.clock": system_clock,
        "bot.slots.taking": lambda module: _shorten_turns(module, clock.shrink),
        "bot.storage.jobs": lambda module: cross(module.JobStore, "add", "save"),
        "bot.gmi.client": lambda module: cross(module.GmiCloud, "submit", "status", "requests"),
        "bot.delivery.sender": lambda module: cross(module.Delivery, "show", "deliver"),
        "bot.media.download": lambda module: cross(module, "download"),
    }


def _shorten_turns(module: Any, shrink: Callable[[float], float]) -> None:
    """Let sessions with Discord begin as quickly as the clock runs: else only the database's clock counts."""
    init = module.LeaseTimes.__init__
    *others, identify = init.__defaults__
    init.__defaults__ = (*others, shrink(identify))


# Not set in the processes that the bot itself starts.
if "DISCORD_WIRE_BASE" in os.environ:
    sys.meta_path.insert(0, Finder(_patches(dict(os.environ))))
