"""A POST whose answer was lost is looked for in GMI's list, by what we sent and by when.

GMI may echo more than was sent, or nothing. Nobody may ever get another's video: where anything is in doubt,
nothing is found, and the request stays unconfirmed.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from bot.clock import Clock
from bot.gmi.client import GmiCloud, GmiError, RequestStatus
from bot.models.jobs import Job, State
from bot.storage.storage import Storage

log = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(minutes=2)  # between GMI's clock and ours, when a record is matched by time
POST_TAKES = timedelta(minutes=1)  # at most, from a job's beginning to the end of its first POST
LOOK_EVERY = timedelta(minutes=1)  # for other clients while nothing is lost; the database has better to do
PEEKS_AT_ONCE = 3  # records without their payload that are asked about singly after one list
SEED_LIMIT = 2**63  # what the database's column holds
NOTE = "another client of GMI Cloud was seen"


class LostPosts:
    """Tells our own records from others', and finds those of lost POSTs among them."""

    def __init__(self, gmi: GmiCloud, own: Storage, clock: Clock) -> None:
        self._gmi = gmi
        self._own = own
        self._clock = clock
        self._ours: set[str] = set()  # ids in the last list that belong to a job of ours
        self._peeked: dict[
            str, RequestStatus
        ] = {}  # what single questions told of records without their payload
        self._others: bool | None = None  # whether another client was ever seen; None before the note is read
        self._looked = clock.now() - LOOK_EVERY
        self.asked = 0  # single questions after the last list

    async def look(
        self, reports: Sequence[RequestStatus], followed: Collection[str], lost: Sequence[Job]
    ) -> dict[int, RequestStatus]:
        """Return the record of each lost job that a list shows for certain, by job; note other clients.

        Raises StorageUnavailable.
        """
        self.asked = 0
        if self._others is None:
            self._others = await self._own.notes.get(NOTE) is not None
        if not lost:
            self._peeked.clear()
            if self._others or self._clock.now() < self._looked + LOOK_EVERY:
                return {}
        self._looked = self._clock.now()
        unknown = await self._unknown(reports, followed)
        await self._look_for_others(unknown)
        if not unknown or not lost:
            return {}
        return await self._find(lost, unknown)

    async def _unknown(
        self, reports: Sequence[RequestStatus], followed: Collection[str]
    ) -> list[RequestStatus]:
        """Return the records that belong to no job of ours whose id we know, now or from earlier."""
        listed = {report.request_id for report in reports}
        known = (self._ours | set(followed)) & listed
        self._ours = known | await self._own.jobs.known_requests(listed - known)
        return [report for report in reports if report.request_id not in self._ours]

    async def _look_for_others(self, unknown: Iterable[RequestStatus]) -> None:
        """Write down once and for all if a record can only be another client's."""
        if self._others:
            return
        readable = [report for report in unknown if _seed(report) is not None]
        senders = await self._own.jobs.with_seeds({_seed(report) or 0 for report in readable})
        dated = [report.created_at for report in unknown if report.created_at is not None]
        nameless: list[Job] = []
        if dated:
            nameless = await self._own.jobs.without_request(min(dated) - CLOCK_SKEW, max(dated) + CLOCK_SKEW)
        for report in unknown:
            if not _may_be_ours(report, senders, nameless):
                await self._own.notes.save(NOTE, self._clock.now().isoformat())
                self._others = True
                log.info("The list shows requests of another client: none is matched by its time alone")
                return

    async def _find(self, lost: Sequence[Job], unknown: list[RequestStatus]) -> dict[int, RequestStatus]:
        found = _by_payload(lost, unknown)
        left = [job for job in lost if job.id not in found]
        if left and await self._peek(left, unknown):
            await self._look_for_others(self._as_peeked(unknown))
        taken = {report.request_id for report in found.values()}
        rest = [report for report in self._as_peeked(unknown) if report.request_id not in taken]
        found |= _by_payload(left, rest)
        for job in left:
            if job.id not in found and not self._others:
                report = await self._by_time(job, rest)
                if report is not None:
                    found[job.id] = report
        return found

    async def _peek(self, lost: Sequence[Job], unknown: Iterable[RequestStatus]) -> bool:
        """Ask singly about records without their payload that may be of a lost job; tell whether any told."""
        told = False
        for report in unknown:
            asked_before = report.request_id in self._peeked or self.asked >= PEEKS_AT_ONCE
            if asked_before or not any(_may_be(job, report) for job in lost):
                continue
            self.asked += 1
            try:
                self._peeked[report.request_id] = await self._gmi.status(report.request_id)
                told = True
            except GmiError as error:
                log.warning("A request that may be a lost one of ours told nothing (%s)", error)
        return told

    def _as_peeked(self, unknown: Iterable[RequestStatus]) -> list[RequestStatus]:
        return [self._peeked.get(report.request_id, report) for report in unknown]

    async def _by_time(self, job: Job, unknown: Iterable[RequestStatus]) -> RequestStatus | None:
        """Return the one record of the moment in which only this job was sent; None where in doubt."""
        earliest, latest = job.created_at - CLOCK_SKEW, job.created_at + POST_TAKES + CLOCK_SKEW
        close = [
            report
            for report in unknown
            if report.created_at is not None and earliest <= report.created_at <= latest
        ]
        if len(close) != 1 or close[0].request_id not in self._peeked:
            return None
        if echo(close[0].payload, job.request.payload()) is False:
            return None
        rivals = await self._own.jobs.without_request(earliest - CLOCK_SKEW, latest + CLOCK_SKEW)
        return close[0] if [rival.id for rival in rivals] == [job.id] else None


def echo(payload: dict[str, object] | None, sent: dict[str, object]) -> bool | None:
    """Tell whether a record's payload is what we sent: with all our keys, and maybe others.

    None where some of our keys are missing and nothing contradicts.
    """
    payload = payload or {}
    if any(name in payload and payload[name] != value for name, value in sent.items()):
        return False
    return True if set(sent) <= set(payload) else None


def _by_payload(lost: Sequence[Job], unknown: Iterable[RequestStatus]) -> dict[int, RequestStatus]:
    """Return for each lost job the record that echoes it, no record twice."""
    found: dict[int, RequestStatus] = {}
    left = list(unknown)
    for job in lost:
        sent, earliest = job.request.payload(), job.created_at - CLOCK_SKEW
        for report in left:
            early = report.created_at is not None and report.created_at < earliest
            if not early and echo(report.payload, sent):
                found[job.id] = report
                left.remove(report)
                break
    return found


def _may_be(job: Job, report: RequestStatus) -> bool:
    """Tell whether a record that does not say what was sent may be this job's, by its moment."""
    if report.created_at is None or echo(report.payload, job.request.payload()) is not None:
        return False
    ended = None if job.state is State.SUBMITTING else job.state_since
    return job.created_at - CLOCK_SKEW <= report.created_at and (
        ended is None or report.created_at <= ended + CLOCK_SKEW
    )


def _may_be_ours(report: RequestStatus, senders: Iterable[Job], nameless: Iterable[Job]) -> bool:
    """Tell whether a record may be of a job of ours: by its payload, or without one by its moment."""
    if any(echo(report.payload, job.request.payload()) for job in senders):
        return True
    if _seed(report) is not None:
        return False
    return report.created_at is None or any(_may_be(job, report) for job in nameless)


def _seed(report: RequestStatus) -> int | None:
    """Return the seed that a record echoes; whatever has one can be told from ours."""
    seed = (report.payload or {}).get("seed")
    if isinstance(seed, bool) or not isinstance(seed, int | float) or seed != seed // 1:
        return None
    return int(seed) if abs(seed) < SEED_LIMIT else -1
