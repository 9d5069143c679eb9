"""Many jobs at once under the bot's own poller, on a clock that jumps from one event to the next."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from bot.gmi.client import GmiCloud, GmiError, RequestList, RequestStatus, SubmitOutcome
from bot.gmi.rate import RequestRate
from bot.models.catalog import Kind
from bot.models.jobs import CardLocation, Job
from bot.models.requests import MODEL, Reference, VideoRequest
from bot.models.states import Reason, State
from bot.polling.poller import StatusPoller
from bot.polling.schedule.estimator import DurationEstimator

RECORD = 1024  # bytes in the list
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = VideoRequest(
    "a fox in the snow", (Reference(Kind.IMAGE, "fox.png", "https://cdn.invalid/fox.png", 1, 512, 512),), 5, 1
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """How so many jobs at once went."""

    requests_per_minute: int  # in the busiest minute
    delay: float  # mean seconds from the end of a job until it was noticed


class _Clock:
    """Time that passes as soon as somebody waits for it, and stops at each start of a job."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.starts: list[tuple[float, int]] = []
        self.start_due: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        if event.is_set():
            return
        until = math.inf if seconds is None else self.seconds + seconds
        if self.starts and self.starts[0][0] <= until:
            until = self.starts[0][0]
        if until == math.inf:
            raise RuntimeError("nothing is left to wait for")
        self.seconds = max(self.seconds, until)
        self.start_due()


class _Cloud:
    """The jobs of the crowd as GMI would report them, at no cost and without delay."""

    def __init__(self, clock: _Clock, *, lists: bool) -> None:
        self._clock = clock
        self._lists = lists
        self.ends: dict[str, float] = {}
        self.asked: Counter[int] = Counter()

    def _status(self, request_id: str) -> RequestStatus:
        ended = self._clock.seconds >= self.ends[request_id]
        return RequestStatus(request_id, State.SUCCEEDED if ended else State.PROCESSING)

    async def requests(self, _model: str) -> RequestList:
        self.asked[int(self._clock.seconds // 60)] += 1
        if not self._lists:
            raise GmiError(SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "no list")
        statuses = [self._status(request_id) for request_id in self.ends]
        return RequestList(statuses, RECORD * len(statuses), len(statuses))

    async def status(self, request_id: str) -> RequestStatus:
        self.asked[int(self._clock.seconds // 60)] += 1
        return self._status(request_id)


async def crowd(
    size: int, each: int, median: float, deviation: float, *, lists: bool, per_minute: int, seed: int
) -> Crowd:
    """Let so many members make so many videos each, one after the other; nothing is known before."""
    chance, clock = random.Random(seed), _Clock()  # noqa: S311
    cloud = _Cloud(clock, lists=lists)
    rate = RequestRate(clock, per_minute)
    poller = StatusPoller(cast(GmiCloud, cloud), clock, MODEL, DurationEstimator(), rate)
    clock.starts = sorted((chance.uniform(0, median), number) for number in range(size))
    left, delays, number = size * each, [], size

    def start_those_due() -> None:
        while clock.starts and clock.starts[0][0] <= clock.seconds:
            at, job_id = heapq.heappop(clock.starts)
            now, request_id = clock.now(), str(job_id)
            cloud.ends[request_id] = at + median * math.exp(chance.gauss(0, deviation))
            job = Job(job_id, 1, CardLocation(1, 1), REQUEST, MODEL, now, State.PROCESSING, now, request_id)
            poller.track(job, now + timedelta(days=7))

    clock.start_due = start_those_due
    async for update in poller.updates():
        delays.append(clock.seconds - cloud.ends.pop(str(update.job_id)))
        poller.drop(update.job_id)
        left -= 1
        if number < size * each:
            heapq.heappush(clock.starts, (clock.seconds, number))
            number += 1
        if left == 0:
            break
    return Crowd(max(cloud.asked.values()), sum(delays) / len(delays))
