"""Several processes of the bot on one Postgres, against the stand-ins."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fakes import postgres
from fakes.clock import until
from fakes.discord.model import Slash
from fakes.discord.people import MEMBER
from fakes.process import BotProcess, Wire, open_wire

WAITS = "this one waits as a standby"
LEASE = 10.0  # seconds, by the database's clock
TURN = 5.0  # seconds between two sessions of a bot [Discord]
START_SECONDS = 60.0  # generous: several start at once
_HAS_SLOT = re.compile(r"This process has slot (\d+) of \d+")


class Fleet:
    """The processes, by name; each asks GMI Cloud under a name of its own, so that one can tell who did."""

    def __init__(self, wire: Wire, processes: int) -> None:
        self.wire = wire
        self.processes = processes
        self.members: dict[str, BotProcess] = {}

    def add(self, name: str, **changes: str) -> BotProcess:
        """Return a further process, which is not started yet."""
        member = self.members[name] = self.wire.process.twin(name, GMI_ORG_ID=name, **changes)
        return member

    async def start(self, *names: str) -> None:
        """Start processes at once, and wait until each works or waits."""
        for name in names:
            await self.add(name).start()
        await until(
            lambda: all(self.slot_of(name) is not None or self.waits(name) for name in names),
            self.logs,
            START_SECONDS,
        )

    async def connected(self) -> None:
        """Wait until every server is served."""
        gateway = self.wire.discord.gateway
        await until(
            lambda: all(gateway.serves(server) for server in range(gateway.servers)),
            self.logs,
            START_SECONDS,
        )

    def slot_of(self, name: str) -> int | None:
        """Return the slot that a process took, if it did."""
        found = _HAS_SLOT.findall(self.members[name].log)
        return int(found[-1]) if found else None

    def waits(self, name: str) -> bool:
        """Tell whether a process waits for a slot."""
        return WAITS in self.members[name].log and self.slot_of(name) is None

    def holder(self, slot: int) -> str:
        """Return the name of the living process that took a slot last."""
        living = [name for name, member in self.members.items() if member.running]
        return next(name for name in reversed(living) if self.slot_of(name) == slot)

    async def ask(self, seed: int, server: int = 0, **options: Any) -> Slash:
        """Run /vidu in one of the servers."""
        return await self.wire.ask(seed, MEMBER, server=server, **options)

    def asked_by(self, seed: int) -> set[str]:
        """Return which processes asked GMI Cloud about the request of this seed alone."""
        return set(self.questions(seed))

    def questions(self, seed: int) -> list[str]:
        """Return who asked about the request of this seed alone, question by question."""
        ids = {
            request.request_id
            for request in self.wire.cloud.requests.values()
            if request.payload["seed"] == seed
        }
        return [
            seen.headers["X-Organization-ID"]
            for seen in self.wire.cloud.requests_seen
            if seen.method == "GET" and seen.path.rpartition("/")[2] in ids
        ]

    def identified(self) -> Counter[tuple[int, int]]:
        """Count the sessions by shard and number of shards."""
        return Counter((each.shard_id, each.shard_count) for each in self.wire.discord.gateway.identifies)

    def logs(self) -> str:
        """Return what all processes have written since their last start."""
        return "\n".join(f"--- {name}\n{member.log}" for name, member in self.members.items())

    def assert_once(self, *seeds: int) -> None:
        """Fail where a video was not paid for or posted exactly once."""
        posted = self.wire.discord.posted_videos()
        wrong = {
            seed: (self.wire.submissions(seed), posted[f"vidu-{seed}.mp4"])
            for seed in seeds
            if (self.wire.submissions(seed), posted[f"vidu-{seed}.mp4"]) != (1, 1)
        }
        assert not wrong, wrong

    async def posted(self, *seeds: int, seconds: float = 60.0) -> None:
        """Wait until these videos are on messages and the database knows it."""
        await until(
            lambda: all(
                f"vidu-{seed}.mp4" in self.wire.discord.posted_videos()
                and self.wire.state(seed) == "delivered"
                for seed in seeds
            ),
            self.logs,
            seconds,
        )


@asynccontextmanager
async def open_fleet(
    folder: Path, processes: int, *, servers: int = 2, speed: float = 20.0, **settings: str
) -> AsyncIterator[Fleet]:
    """Open the stand-ins and an empty database for so many processes; none is started yet."""
    server = postgres.shared()
    url = server.url(await server.create())
    given: dict[str, Any] = {"DATABASE_URL": url, "PROCESSES": str(processes), **settings}
    async with open_wire(folder, start=False, speed=speed, **given) as wire:
        wire.discord.gateway.servers = servers
        fleet = Fleet(wire, processes)
        try:
            yield fleet
        finally:
            for member in fleet.members.values():
                if member.running:
                    await member.kill()
