"""Kill the bot's process at chosen or random moments, and count what became of each job."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from fakes.clock import until
from fakes.discord.model import Slash
from fakes.gmi.script import CAPACITY, HTML_PAGE, RESET_AFTER, RESET_BEFORE, Fault
from fakes.process import Wire
from fakes.rows import JobRow

SPEED = 40.0  # a lost POST is looked for during a minute
SETTLE_SECONDS = 60.0
NEVER = 1_000_000  # crossings


@dataclass(slots=True)
class Tally:
    """What was counted at the stand-ins, and every broken guarantee in a sentence."""

    jobs: int = 0
    kills: int = 0
    freezes: int = 0
    updates: int = 0  # a process was told to stop while another one waited
    paid: int = 0
    posted: int = 0
    unconfirmed: int = 0  # told so, and rightly: GMI Cloud never had them
    not_begun: int = 0  # killed before the intent was written down: nothing was spent
    out_of_reach: int = 0  # of these, whose token died before their message was known: Discord tells them
    lost: list[str] = field(default_factory=list)
    paid_twice: list[str] = field(default_factory=list)
    posted_twice: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)  # their card says for ever that the bot is thinking
    other: list[str] = field(default_factory=list)

    @property
    def broken(self) -> list[str]:
        """Return every broken guarantee."""
        return [*self.lost, *self.paid_twice, *self.posted_twice, *self.waiting, *self.other]

    def add(self, more: Tally) -> None:
        """Take another tally in."""
        counts = ("jobs", "kills", "freezes", "updates", "paid", "posted", "unconfirmed", "not_begun")
        for name in (*counts, "out_of_reach"):
            setattr(self, name, getattr(self, name) + getattr(more, name))
        for name in ("lost", "paid_twice", "posted_twice", "waiting", "other"):
            getattr(self, name).extend(getattr(more, name))

    def __str__(self) -> str:
        """Return the summary."""
        summary = (
            f"{self.jobs} jobs, {self.kills} kills, {self.freezes} freezes, {self.updates} updates, "
            f"{self.paid} paid, {self.posted} posted, "
            f"{self.unconfirmed} unconfirmed, {self.not_begun} not begun, "
            f"{self.out_of_reach} out of reach; "
            f"{len(self.lost)} lost, {len(self.paid_twice)} paid twice, "
            f"{len(self.posted_twice)} posted twice, {len(self.waiting)} left waiting, "
            f"{len(self.other)} other faults"
        )
        return "\n".join([summary, *self.broken])


class Crasher:
    """Runs jobs on one wire and kills its process."""

    def __init__(self, wire: Wire, chance: random.Random, first_seed: int) -> None:
        self._wire = wire
        self._chance = chance
        self._next_seed = first_seed
        self._slashes: dict[int, Slash] = {}  # by the seed of the job
        self._ends: dict[int, str] = {}  # where the process was killed while the job ran
        self.tally = Tally()

    async def ask(self, server: int = 0) -> int:
        """Run a command in one of the servers and return its job's seed."""
        seed = self._next_seed
        self._next_seed += 1
        self._slashes[seed] = await self._wire.ask(seed, server=server)
        self.tally.jobs += 1
        return seed

    async def trace(self) -> list[str]:
        """Return the checkpoints of one undisturbed job."""
        self._wire.process.arm(NEVER)
        await self._wire.posted(await self.ask())
        return self._wire.process.crossed

    async def kill_at(self, crossing: int) -> str | None:
        """Run a job, kill the process at this checkpoint, and let a new process finish it.

        Return the checkpoint, or None if the job had ended before.
        """
        process = self._wire.process
        process.arm(crossing)
        seed = await self.ask()
        await until(lambda: not process.running or self._settled(seed), process_log(self._wire), 30)
        if process.running:
            process.disarm()
            return None
        place = process.crossed[-1]
        self._ends[seed] = f"killed at {crossing}, {place}"
        self.tally.kills += 1
        process.disarm()
        if self._chance.random() < 0.3:
            await self._die_while_recovering(seed)
        await self._wire.start()
        await self.settle()
        return place

    async def random_round(self, most_jobs: int, faults: bool) -> None:
        """Run some jobs, kill the process at a random moment, and start it again."""
        if not self._wire.process.running:
            await self._wire.start()
        seeds = []
        for _ in range(self._chance.randint(1, most_jobs)):
            if faults:
                self._spoil()
            seeds.append(await self.ask())
            await asyncio.sleep(self._chance.uniform(0, 0.1))
        # A busy machine is slow to begin: a kill before anything was written down would try nothing.
        await until(lambda: any(row.seed in seeds for row in self._wire.jobs()), process_log(self._wire), 30)
        moment = self._chance.uniform(0, 0.6)
        await asyncio.sleep(moment)
        if faults and self._chance.random() < 0.3:
            self._spoil_card(self._chance.choice(seeds))
        await self._wire.process.kill()
        self.tally.kills += 1
        for seed in seeds:
            self._ends[seed] = f"killed {moment:.3f} s after the first job was written down"
        if self._chance.random() < 0.3:
            await self._die_while_recovering(seeds[-1])
        if not self._wire.process.running:
            await self._wire.start()

    async def settle(self) -> None:
        """Wait until nothing is left to do for any job, and nobody waits for an answer."""
        await until(
            lambda: all(row.settled for row in self._wire.jobs()) and not self._wire.pending_replies(),
            lambda: f"the end of {[row for row in self._wire.jobs() if not row.settled]}",
            SETTLE_SECONDS,
        )

    def count(self) -> Tally:
        """Compare each job with the four guarantees and return the tally."""
        rows = {row.seed: row for row in self._wire.jobs()}
        videos = self._wire.discord.posted_videos()
        for seed, slash in self._slashes.items():
            paid, posted = self._wire.submissions(seed), videos[f"vidu-{seed}.mp4"]
            self._count_one(seed, slash, rows.get(seed), paid, posted)
        return self.tally

    def _count_one(self, seed: int, slash: Slash, row: JobRow | None, paid: int, posted: int) -> None:
        tally = self.tally
        tally.paid += paid
        tally.posted += posted
        story = f"job {seed} ({row}): paid {paid}, posted {posted}; {self._ends.get(seed, 'not killed')}"
        if paid > 1:
            tally.paid_twice.append(story)
        if posted > 1:
            tally.posted_twice.append(story)
        if paid and not posted:
            tally.lost.append(story)
        if slash.original is not None and slash.original.loading and not slash.deleted:
            if row is None and slash.expired:
                # Its token died before the bot had noted where the answer is: no route leads there.
                tally.out_of_reach += 1
            else:
                tally.waiting.append(f"left waiting: {story}")
        if row is None:
            if paid or seed not in self._ends:
                tally.other.append(f"the database should have it: {story}")
            tally.not_begun += 1
            return
        tally.unconfirmed += row.state == "unconfirmed"
        expected = "settled" if paid else "refunded"
        if row.charge != expected:
            tally.other.append(f"the quota should be {expected}: {story}")
        if paid and row.state != "delivered":
            tally.other.append(f"a paid job should be delivered: {story}")

    def _settled(self, seed: int) -> bool:
        return any(row.seed == seed and row.settled for row in self._wire.jobs())

    async def _die_while_recovering(self, seed: int) -> None:
        """Start a process that is killed at a random checkpoint of its start and recovery."""
        process = self._wire.process
        process.arm(self._chance.randint(1, 30))
        await process.start()
        await until(
            lambda: not process.running or self._all_settled(),
            process_log(self._wire),
            SETTLE_SECONDS,
        )
        if not process.running:
            self.tally.kills += 1
            self._ends[seed] = f"{self._ends[seed]}, again at {process.crossed[-1]}"
        await process.kill()
        process.disarm()

    def _all_settled(self) -> bool:
        # A process whose recovery crosses fewer checkpoints ends with its jobs.
        return self._wire.discord.gateway.connected and all(row.settled for row in self._wire.jobs())

    def _spoil(self) -> None:
        """Let the next calls go wrong, now and then."""
        if self._chance.random() < 0.5:
            return
        discord, cloud = self._wire.discord, self._wire.cloud
        submit: list[Fault] = [RESET_AFTER, RESET_BEFORE, CAPACITY, HTML_PAGE]
        spoilers: list[Callable[[], object]] = [
            lambda: cloud.fault("POST", "/requests", self._chance.choice(submit)),
            lambda: cloud.fault("GET", "/requests/*", RESET_BEFORE),
            lambda: cloud.fault("GET", "/requests", HTML_PAGE),
            lambda: cloud.fault("GET", "/media/*", RESET_BEFORE),
            lambda: discord.fault("PATCH", "/webhooks/*", action="reset_after"),
            lambda: discord.fault("PATCH", "/webhooks/*", action="reset_before"),
            lambda: discord.fault("PATCH", "/*", status=self._chance.choice([500, 503])),
            lambda: discord.rate_limit("PATCH", "/*", 5.0),
            lambda: discord.fault("POST", "/channels/*", action="reset_after"),
        ]
        self._chance.choice(spoilers)()

    def _spoil_card(self, seed: int) -> None:
        """Let a token die, or a moderator delete the card."""
        slash = self._slashes[seed]
        if self._chance.random() < 0.5:
            self._wire.discord.expire_token(slash.token)
        elif slash.original is not None and not slash.deleted and not slash.videos:
            self._wire.discord.remove(slash)


def process_log(wire: Wire) -> Callable[[], str]:
    """Return what tells why nothing happened."""
    return lambda: f"an end of the job or the process\n{wire.process.log}"
