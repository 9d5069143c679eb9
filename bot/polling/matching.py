"""A POST whose answer was lost is searched for in GMI's list, by what we sent and by when.

GMI may echo more than was sent, or nothing. Nobody may ever get another's video: where anything is in doubt,
nothing is found, and the request stays unconfirmed.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.gmi.client import GmiCloud, GmiError, RequestStatus
from bot.models.jobs import Job
from bot.models.states import State
from bot.polling.schedule.history import Notes

log = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(minutes=2)  # between GMI's clock and ours, when a record is matched by time
POST_TAKES = timedelta(minutes=1)  # at most, from a job's beginning to the end of its first POST
SEARCH_EVERY = timedelta(minutes=1)  # for other clients while nothing is lost; it costs a query
FETCHES_AT_ONCE = 3  # records without their payload that are asked about singly after one list
SEED_LIMIT = 2**63  # what the column in the database holds
NOTE = "another client of GMI Cloud was seen"


class JobLookup(Protocol):
    """What is known of every job that we ever had; the store of jobs is one."""

    async def known_requests(self, request_ids: Collection[str]) -> set[str]:
        """Return those of GMI's IDs that belong to a job."""
        ...

    async def with_seeds(self, seeds: Collection[int]) -> list[Job]:
        """Return all jobs that were sent with one of these seeds."""
        ...

    async def without_request(self, earliest: datetime, latest: datetime) -> list[Job]:
        """Return the jobs without GMI's ID that may have been sent between these moments."""
        ...


class OwnRequests(Protocol):
    """What tells our own requests from others'; the storage is one."""

    @property
    def jobs(self) -> JobLookup:
        """Return the jobs."""
        ...

    @property
    def notes(self) -> Notes:
        """Return the notes."""
        ...


class LostPosts:
    """Distinguishes our own records from others', and finds those of lost POSTs among them."""

    def __init__(self, gmi: GmiCloud, own: OwnRequests, clock: Clock) -> None:
        self._gmi = gmi
        self._own = own
        self._clock = clock
        self._ours: set[str] = set()  # ids in the last list that belong to a job of ours
        # What single questions said of records without their payload.
        self._fetched: dict[str, RequestStatus] = {}
        # Whether another client was ever seen; None before the note is read.
        self._other_clients: bool | None = None
        self._searched_at = clock.now() - SEARCH_EVERY
        self.questions = 0  # single questions after the last list

    async def find(
        self, statuses: Sequence[RequestStatus], tracked: Collection[str], lost: Sequence[Job]
    ) -> dict[int, RequestStatus]:
        """Return the record of each lost job that a list shows for certain, by job; note other clients.

        Raises StorageUnavailable.
        """
        self.questions = 0
        if self._other_clients is None:
            self._other_clients = await self._own.notes.get(NOTE) is not None
        if not lost:
            self._fetched.clear()
            if self._other_clients or self._clock.now() < self._searched_at + SEARCH_EVERY:
                return {}
        self._searched_at = self._clock.now()
        unknown = await self._unknown(statuses, tracked)
        await self._note_other_clients(unknown)
        if not unknown or not lost:
            return {}
        return await self._match(lost, unknown)

    async def _unknown(
        self, statuses: Sequence[RequestStatus], tracked: Collection[str]
    ) -> list[RequestStatus]:
        """Return the records that belong to no job of ours whose id we know, now or from earlier."""
        listed = {status.request_id for status in statuses}
        known = (self._ours | set(tracked)) & listed
        self._ours = known | await self._own.jobs.known_requests(listed - known)
        return [status for status in statuses if status.request_id not in self._ours]

    async def _note_other_clients(self, unknown: Iterable[RequestStatus]) -> None:
        """Write down once and for all if a record can only be another client's."""
        if self._other_clients:
            return
        seeds = {seed for status in unknown if (seed := _seed(status)) is not None}
        senders = await self._own.jobs.with_seeds(seeds)
        dated = [status.created_at for status in unknown if status.created_at is not None]
        unnamed: list[Job] = []
        if dated:
            unnamed = await self._own.jobs.without_request(min(dated) - CLOCK_SKEW, max(dated) + CLOCK_SKEW)
        for status in unknown:
            if not _may_be_ours(status, senders, unnamed):
                await self._own.notes.save(NOTE, self._clock.now().isoformat())
                self._other_clients = True
                log.info("The list shows requests of another client: none is matched by its time alone")
                return

    async def _match(self, lost: Sequence[Job], unknown: list[RequestStatus]) -> dict[int, RequestStatus]:
        found = _by_payload(lost, unknown)
        left = [job for job in lost if job.id not in found]
        if left and await self._fetch_payloads(left, unknown):
            await self._note_other_clients(self._with_fetched(unknown))
        taken = {status.request_id for status in found.values()}
        rest = [status for status in self._with_fetched(unknown) if status.request_id not in taken]
        found |= _by_payload(left, rest)
        for job in left:
            if job.id not in found and not self._other_clients:
                status = await self._by_time(job, rest)
                if status is not None:
                    found[job.id] = status
        return found

    async def _fetch_payloads(self, lost: Sequence[Job], unknown: Iterable[RequestStatus]) -> bool:
        """Ask singly about records without payload that may be of a lost job; tell whether any answered."""
        answered = False
        for status in unknown:
            skipped = status.request_id in self._fetched or self.questions >= FETCHES_AT_ONCE
            if skipped or not any(_may_be(job, status) for job in lost):
                continue
            self.questions += 1
            try:
                self._fetched[status.request_id] = await self._gmi.status(status.request_id)
                answered = True
            except GmiError as error:
                log.warning("A request that may be a lost one of ours could not be read (%s)", error)
        return answered

    def _with_fetched(self, unknown: Iterable[RequestStatus]) -> list[RequestStatus]:
        return [self._fetched.get(status.request_id, status) for status in unknown]

    async def _by_time(self, job: Job, unknown: Iterable[RequestStatus]) -> RequestStatus | None:
        """Return the one record of the moment in which only this job was sent; None where in doubt."""
        earliest, latest = job.begun_at - CLOCK_SKEW, job.begun_at + POST_TAKES + CLOCK_SKEW
        close = [
            status
            for status in unknown
            if status.created_at is not None and earliest <= status.created_at <= latest
        ]
        if len(close) != 1 or close[0].request_id not in self._fetched:
            return None
        if echoes(close[0].payload, job.payload) is False:
            return None
        rivals = await self._own.jobs.without_request(earliest - CLOCK_SKEW, latest + CLOCK_SKEW)
        return close[0] if [rival.id for rival in rivals] == [job.id] else None


def echoes(payload: dict[str, object] | None, sent: dict[str, object]) -> bool | None:
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
        # Of a job that was sent twice only the second POST can be lost: GMI answered the first one.
        sent, earliest = job.payload, job.begun_at - CLOCK_SKEW
        for status in left:
            early = status.created_at is not None and status.created_at < earliest
            if not early and echoes(status.payload, sent):
                found[job.id] = status
                left.remove(status)
                break
    return found


def _may_echo(payload: dict[str, object] | None, job: Job) -> bool | None:
    """Tell whether a record's payload is one of a job's, as `echoes` does."""
    answers = {echoes(payload, sent) for sent in _sent(job)}
    return True if True in answers else None if None in answers else False


def _sent(job: Job) -> Sequence[dict[str, object]]:
    """Return what is known of the payloads of a job: of a deleted one, no prompt and no files."""
    if job.deleted_at is None:
        return job.payloads
    return [{"duration": job.request.duration, "seed": job.request.seed}]


def _may_be(job: Job, status: RequestStatus) -> bool:
    """Tell whether a record that does not say what was sent may be this job's, by its moment."""
    if status.created_at is None or _may_echo(status.payload, job) is not None:
        return False
    ended = None if job.state is State.SUBMITTING else job.state_since
    return job.created_at - CLOCK_SKEW <= status.created_at and (
        ended is None or status.created_at <= ended + CLOCK_SKEW
    )


def _may_be_ours(status: RequestStatus, senders: Iterable[Job], unnamed: Iterable[Job]) -> bool:
    """Tell whether a record may be of a job of ours: by its payload, or without one by its moment."""
    if any(_may_echo(status.payload, job) for job in senders):
        return True
    if _seed(status) is not None:
        return False
    return status.created_at is None or any(_may_be(job, status) for job in unnamed)


def _seed(status: RequestStatus) -> int | None:
    """Return the seed that a record echoes; whatever has one can be distinguished from ours."""
    seed = (status.payload or {}).get("seed")
    if isinstance(seed, bool) or not isinstance(seed, int | float) or seed != seed // 1:
        return None
    return int(seed) if abs(seed) < SEED_LIMIT else -1
