"""Kill, freeze and update the processes of a fleet at random moments, and count what became of each job."""

from __future__ import annotations

import asyncio
import itertools
import random
import time

from fakes.clock import until
from fakes.fleet import LEASE, Fleet
from tests.process.crash import Crasher, Tally

SPEED = 20.0
TAKEN_OVER = 3  # exit code
SETTLE_SECONDS = 90.0
LOADED = 15.0  # seconds that a take-over may be late on a machine that does much else


class FleetCrasher(Crasher):
    """Runs jobs in all servers and disturbs one process after the other; a standby is always there."""

    def __init__(self, fleet: Fleet, chance: random.Random, *, spoils: bool = True) -> None:
        super().__init__(fleet.wire, chance, first_seed=1)
        self._fleet = fleet
        self._spoils = spoils  # whether the stand-ins misbehave meanwhile
        self._servers: dict[int, int] = {}  # in which one each seed was asked for
        self._back: list[tuple[int, float]] = []  # which slot was back with all its shards, and when
        self._names = (f"p{number}" for number in itertools.count())
        self._under_way: list[int] = []  # seeds that were asked for since the last disturbance
        self.take_overs: dict[str, list[float]] = {"kill": [], "freeze": [], "update": []}  # seconds

    async def start(self) -> None:
        """Start a process for each slot, and one that waits."""
        await self._fleet.start(*(next(self._names) for _ in range(self._fleet.processes + 1)))
        await self._fleet.connected()

    async def disturb(self, kind: str, most_jobs: int) -> None:
        """Run some jobs while one process goes, and wait until another has taken over."""
        slot = self._chance.randrange(self._fleet.processes)
        name = self._fleet.holder(slot)
        loading = asyncio.create_task(self._ask_some(most_jobs))
        await asyncio.sleep(self._chance.uniform(0, 0.8))
        began = time.monotonic()
        before = len(self._wire.discord.gateway.identifies)
        try:
            await self._end(kind, name, slot)
            await self._taken_over(slot, before)
            self.take_overs[kind].append(time.monotonic() - began)
            await self._fleet.connected()
            self._back.append((slot, time.time()))
        finally:
            for seed in await loading:
                self._ends[seed] = f"{kind} of {name} with slot {slot}"
        if kind == "freeze":
            member = self._fleet.members[name]
            member.thaw()
            if (code := await member.ended(LEASE)) != TAKEN_OVER:
                self.tally.other.append(f"{name} was frozen and ended with {code}")
        await self._fleet.start(next(self._names))

    async def _end(self, kind: str, name: str, slot: int) -> None:
        member = self._fleet.members[name]
        match kind:
            case "kill":
                self.tally.kills += 1
                await member.kill()
            case "freeze":
                self.tally.freezes += 1
                member.freeze()
            case _:
                self.tally.updates += 1
                if (code := await member.stop()) != 0:
                    self.tally.other.append(f"{name} with slot {slot} was told to stop and ended with {code}")

    async def _taken_over(self, slot: int, before: int) -> None:
        """Wait until a process has begun a session for the first shard of a slot."""
        gateway, fleet = self._wire.discord.gateway, self._fleet
        shard = slot * gateway.identifies[-1].shard_count // fleet.processes
        await until(
            lambda: any(begun.shard_id == shard for begun in gateway.identifies[before:]),
            fleet.logs,
            LEASE + LOADED,
        )

    async def _ask_some(self, most: int) -> list[int]:
        seeds = []
        for _ in range(self._chance.randint(1, most)):
            if self._spoils:
                self._spoil()
            server = self._chance.randrange(self._wire.discord.gateway.servers)
            if self._wire.discord.gateway.serves(server):  # else Discord itself tells the member
                seeds.append(await self.ask(server))
                self._servers[seeds[-1]] = server
            await asyncio.sleep(self._chance.uniform(0, 0.3))
        return seeds

    def delays(self) -> list[float]:
        """Return for each posted video how long after GMI's end it came, or after its slot was back if later.

        In seconds of this machine.
        """
        clock, since_boot = self._wire.clock, time.time() - time.monotonic()
        ended = {
            request.payload["seed"]: clock.epoch + (request.due.timestamp() - clock.epoch) / clock.speed
            for request in self._wire.cloud.requests.values()
        }
        found = []
        for seed, server in self._servers.items():
            uploads = [
                call.at + since_boot
                for call in self._wire.discord.calls
                if any(file.name == f"vidu-{seed}.mp4" for file in call.files)
            ]
            if uploads and seed in ended:
                back = [at for slot, at in self._back if slot == self._slot_of(server) and at <= uploads[0]]
                found.append(uploads[0] - max([ended[seed], *back]))
        return found

    def _slot_of(self, server: int) -> int:
        count, processes = self._wire.discord.gateway.identifies[-1].shard_count, self._fleet.processes
        shard = server % count
        return max(slot for slot in range(processes) if slot * count // processes <= shard)

    async def finish(self) -> Tally:
        """Wait until nothing is left to do, and count."""
        await until(
            lambda: all(row.settled for row in self._wire.jobs()) and not self._wire.pending_replies(),
            lambda: f"the end of {[row for row in self._wire.jobs() if not row.settled]}",
            SETTLE_SECONDS,
        )
        tally = self.count()
        for name, member in self._fleet.members.items():
            if "Traceback" in member.logs:
                tally.other.append(f"a traceback of {name}: {member.logs}")
        for seed in self._slashes:
            askers = [name for name, _ in itertools.groupby(self._fleet.questions(seed))]
            if len(askers) != len(set(askers)):
                tally.other.append(f"job {seed} was asked about by several at once: {askers}")
        return tally
