"""The life of one job, start to end; and the same again after a restart."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bot.clock import Clock, sleep
from bot.delivery import Delivery, Undeliverable, Upload
from bot.gmi import GmiCloud, GmiError, Report, Verdict
from bot.jobs import FOLLOWED, OPEN, TRANSITIONS, Address, Charge, Job, Reason, State, move
from bot.ledger import Ledger
from bot.quotas import Period, Quotas
from bot.request import VideoRequest
from bot.watch import News, Watch

log = logging.getLogger(__name__)

LATE_RESULTS = timedelta(days=1)  # how long a result is still looked for after its deadline
BACKOFF_FIRST, BACKOFF_MAX = 5.0, 300.0  # seconds between attempts when nobody names a time
SEARCHES = (0.0, 5.0, 15.0, 40.0)  # seconds before each look into GMI's list for a lost POST
CLOCK_SKEW = timedelta(minutes=2)  # between GMI's clock and ours, when a record is matched by time


class Duplicate(Exception):  # noqa: N818 - it names what happened
    """The same interaction was started before."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a member asks for, and where the answer goes."""

    job_id: int  # the interaction's snowflake
    user_id: int
    role_ids: Sequence[int]
    address: Address
    request: VideoRequest
    uploads: Sequence[Upload] = ()  # the references, to be kept on the card


@dataclass(slots=True)
class _Card:
    """Who may edit a job's card, and how often that was asked for."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0


class Runner:
    """Takes every job from its reservation to its last card."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        quotas: Quotas,
        gmi: GmiCloud,
        delivery: Delivery,
        clock: Clock,
        model: str,
        deadline: timedelta,
    ) -> None:
        self._ledger = ledger
        self._quotas = quotas
        self._gmi = gmi
        self._delivery = delivery
        self._clock = clock
        self._model = model
        self._deadline = deadline
        self._watch = Watch(gmi, clock)
        self._jobs: dict[int, Job] = {}
        self._locks: dict[int, asyncio.Lock] = {}
        self._cards: dict[int, _Card] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Fold the quotas out of the ledger and begin to follow jobs."""
        now = self._clock.now()
        for stored in await self._ledger.rules():
            applied = stored.applied
            self._quotas.set_rule(stored.guild_id, applied.scope, applied.target_id, applied.rule)
        for use in await self._ledger.uses(now - Period.MONTH.length):
            self._quotas.replay(use.job_id, use.guild_id, use.user_id, use.seconds, use.at, use.charge)
        for reset in await self._ledger.resets():
            self._quotas.reset(reset.guild_id, reset.user_id, reset.at)
        self._spawn(self._follow(), "follow jobs")

    async def resume(self) -> None:
        """Go on with every open job; called once Discord can be reached."""
        for job in await self._ledger.open_jobs():
            if job.id not in self._jobs:
                self._adopt(job)
                self._spawn(self._resume(job), f"resume job {job.id}")

    async def close(self) -> None:
        """Stop all work; what is under way is safe in the ledger."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def start(self, order: Order) -> Job:
        """Reserve, write the intent down, and send the request in the background.

        Raises QuotaExceeded when the quota does not allow it, Duplicate when it was started before.
        """
        now = self._clock.now()
        if await self._ledger.job(order.job_id) is not None:
            raise Duplicate(str(order.job_id))
        guild_id, duration = order.address.guild_id, order.request.duration
        self._quotas.reserve(order.job_id, guild_id, order.user_id, order.role_ids, duration, now)
        job = Job(order.job_id, order.user_id, order.address, order.request, self._model, now, since=now)
        try:
            new = await self._ledger.insert(job)
        except BaseException:
            self._quotas.refund(job.id)
            raise
        if not new:
            self._quotas.refund(job.id)
            raise Duplicate(str(job.id))
        self._adopt(job)
        self._spawn(self._show(job.id, order.uploads), f"first card of job {job.id}")
        self._spawn(self._submit(job.id), f"submit job {job.id}")
        return job

    def check_quota(self, guild_id: int | None, user_id: int, role_ids: Sequence[int], seconds: int) -> None:
        """Raise QuotaExceeded if a video of that many seconds would not fit now; take nothing."""
        self._quotas.check(guild_id, user_id, role_ids, seconds, self._clock.now())

    async def _submit(self, job_id: int) -> None:
        """Send the one POST; again only when the last one certainly did not arrive."""
        pause = BACKOFF_FIRST
        while True:
            job = self._jobs[job_id]
            try:
                report = await self._gmi.submit(job.model, job.request.payload())
            except GmiError as error:
                log.warning("Job %s: submit: %s: %s", job_id, error.verdict, error)
                if error.verdict is Verdict.UNCLEAR:
                    await self._search(job_id)
                    return
                if error.verdict is Verdict.REFUSED or not await self._pause(job_id, error, pause):
                    await self._end(job_id, State.REFUSED, error.reason, error.detail)
                    return
                pause = min(pause * 2, BACKOFF_MAX)
            else:
                await self._accept(job_id, report)
                return

    async def _pause(self, job_id: int, error: GmiError, pause: float) -> bool:
        """Wait as told before the next attempt, with the card saying so; False if time is up."""
        now = self._clock.now()
        # Jitter only adds: many jobs get the same number, and nobody may come back too early.
        seconds = (error.retry_after or pause) * random.uniform(1.0, 1.25)  # noqa: S311
        until = now + timedelta(seconds=seconds)
        if until > self._jobs[job_id].created_at + self._deadline:
            return False
        await self._update(job_id, lambda job: _same_state(job, waiting_until=until, reason=error.reason))
        await self._show(job_id)
        await sleep(self._clock, seconds)
        # Cleared before the next POST: who waits was certainly not sent, who does not wait may have been.
        await self._update(job_id, lambda job: _same_state(job, waiting_until=None, reason=None))
        return True

    async def _accept(self, job_id: int, report: Report) -> None:
        """Take over a request that GMI has, in whatever state it already is."""
        if report.state in {None, State.QUEUED, State.PROCESSING}:
            state = report.state or State.QUEUED
            job = await self._change(job_id, state, request_id=report.request_id, reason=None)
            self._watch.follow(job, job.created_at + self._deadline)
            await self._show(job_id)
        else:
            await self._update(job_id, lambda job: _same_state(job, request_id=report.request_id))
            await self._take(job_id, report)

    async def _search(self, job_id: int) -> None:
        """Look for a POST that may have arrived; adopt it, or say honestly that nobody knows."""
        for seconds in SEARCHES:
            await sleep(self._clock, seconds)
            job = self._jobs[job_id]
            try:
                reports = await self._gmi.requests(job.model)
            except GmiError as error:
                log.warning("Job %s: no list (%s)", job_id, error)
                continue
            taken = {other.request_id for other in self._jobs.values()}
            for report in reports:
                if report.request_id not in taken and _matches(job, report):
                    log.info("Job %s: found as %s", job_id, report.request_id)
                    await self._accept(job_id, report)
                    return
        await self._end(job_id, State.UNCONFIRMED, Reason.UNCLEAR)

    async def _follow(self) -> None:
        async for news in self._watch.news():
            try:
                await self._hear(news)
            except Exception:
                # One job's trouble must not stop the others; the ledger still has the last good state.
                log.exception("Job %s: could not take the news", news.job_id)

    async def _hear(self, news: News) -> None:
        job = self._jobs.get(news.job_id)
        if job is None:
            self._watch.drop(news.job_id)
        elif news.report is not None:
            await self._take(job.id, news.report)
        elif job.state is State.OVERDUE:
            await self._end(job.id, State.FAILED, Reason.DEADLINE)
        else:
            job = await self._change(job.id, State.OVERDUE, reason=Reason.DEADLINE)
            self._watch.follow(job, news.at + LATE_RESULTS)
            self._spawn(self._show(job.id), f"card of job {job.id}")

    async def _take(self, job_id: int, report: Report) -> None:
        """Let a report of GMI move the job, where the table allows it."""
        job, state = self._jobs[job_id], report.state
        if state is None or state not in TRANSITIONS[job.state]:
            return
        if state is State.SUCCEEDED:
            await self._change(job_id, state, results=report.results, reason=None)
            self._watch.drop(job_id)
            self._spawn(self._deliver(job_id), f"deliver job {job_id}")
        elif state in FOLLOWED:
            await self._change(job_id, state)
            self._spawn(self._show(job_id), f"card of job {job_id}")
        else:
            await self._end(job_id, state, report.reason or Reason.FAILED, report.detail)

    async def _end(self, job_id: int, state: State, reason: Reason, detail: str | None = None) -> None:
        """Close the job without a video and say why."""
        await self._change(job_id, state, reason=reason, detail=detail)
        self._watch.drop(job_id)
        await self._show(job_id)
        self._forget_ended(job_id)

    async def _deliver(self, job_id: int) -> None:
        """Post the video; try for a day before giving up, `/videos` has its link meanwhile."""
        pause, until = BACKOFF_FIRST, self._clock.now() + LATE_RESULTS
        while self._clock.now() < until:
            try:
                async with self._cards[job_id].lock:
                    address = await self._delivery.deliver(self._jobs[job_id])
            except Undeliverable as error:
                log.warning("%s", error)
            except Exception:
                log.exception("Job %s: could not post the video", job_id)
            else:
                await self._change(job_id, State.DELIVERED, address=address)
                self._forget_ended(job_id)
                return
            await sleep(self._clock, pause)
            pause = min(pause * 2, BACKOFF_MAX)

    async def _resume(self, job: Job) -> None:
        match job.state:
            case State.SUBMITTING if job.waiting_until is not None:
                await self._update(job.id, lambda job: _same_state(job, waiting_until=None, reason=None))
                await self._submit(job.id)
            case State.SUBMITTING:
                await self._search(job.id)
            case State.QUEUED | State.PROCESSING:
                self._watch.follow(job, job.created_at + self._deadline)
            case State.OVERDUE:
                self._watch.follow(job, (job.since or job.created_at) + LATE_RESULTS)
            case State.SUCCEEDED:
                await self._deliver(job.id)

    async def _change(self, job_id: int, state: State, **changes: Any) -> Job:
        """Move a job to another state: the only place that does."""
        now = self._clock.now()
        return await self._update(job_id, lambda job: move(job, state, now, **changes))

    async def _update(self, job_id: int, change: Callable[[Job], Job]) -> Job:
        """Save a change of a job before anyone else hears of it."""
        async with self._locks[job_id]:
            before = self._jobs[job_id]
            after = change(before)
            await self._ledger.save(after, previous=before.revision)
            self._jobs[job_id] = after
        if before.charge is Charge.HELD and after.charge is Charge.SETTLED:
            self._quotas.settle(job_id)
        elif before.charge is Charge.HELD and after.charge is Charge.REFUNDED:
            self._quotas.refund(job_id)
        return after

    async def _show(self, job_id: int, uploads: Sequence[Upload] = ()) -> None:
        """Bring the card to the job's latest state; of those who wait their turn only the last one does."""
        slot = self._cards[job_id]
        slot.asked += 1
        turn = slot.asked
        async with slot.lock:
            job = self._jobs.get(job_id)
            if job is None or job.state is State.DELIVERED or (turn != slot.asked and not uploads):
                return
            try:
                address = await self._delivery.show(job, uploads)
            except Undeliverable:
                log.warning("Job %s: no place took the card", job_id)
                return
            except Exception:
                log.exception("Job %s: the card could not be shown", job_id)
                return
            if address != job.address:
                await self._update(job_id, lambda job: _same_state(job, address=address))

    def _adopt(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._locks[job.id] = asyncio.Lock()
        self._cards[job.id] = _Card()

    def _forget_ended(self, job_id: int) -> None:
        """Drop a job that has ended from memory; the ledger keeps it."""
        if self._jobs[job_id].state in OPEN:
            return
        for memory in (self._jobs, self._locks, self._cards):
            memory.pop(job_id, None)
        self._delivery.forget(job_id)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s ended with an error", task.get_name(), exc_info=error)


def _same_state(job: Job, **changes: Any) -> Job:
    return replace(job, revision=job.revision + 1, **changes)


def _matches(job: Job, report: Report) -> bool:
    """Tell whether a record in GMI's list is this job's POST, by prompt, references, seed and time."""
    early = report.created_at is not None and report.created_at < job.created_at - CLOCK_SKEW
    return report.payload == job.request.payload() and not early
