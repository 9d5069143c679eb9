"""Which job a line of the log belongs to: bound for as long as something works on that job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from structlog.contextvars import bound_contextvars, get_contextvars
from structlog.typing import EventDict

from bot.models.jobs import Job, PendingReply

_KEY = "job_ids"


class JobIds(NamedTuple):
    """What every line about a job carries, where it is known."""

    job: int
    member: int
    server: int | None  # whose quotas count
    request: str | None = None  # GMI Cloud's own ID


def ids_of(job: Job) -> JobIds:
    """Return the IDs of a job."""
    return JobIds(job.id, job.user_id, job.quota_guild_id, job.request_id)


def ids_of_pending(pending: PendingReply) -> JobIds:
    """Return the IDs of a request that was lost before its job began."""
    return JobIds(pending.id, pending.user_id, pending.location.guild_id)


@contextmanager
def job_lines(ids: Callable[[], JobIds]) -> Iterator[None]:
    """Let every line in this block carry these IDs; they are looked up when a line is written.

    So a line written after GMI Cloud has named its ID carries that, also where the work began before.
    """
    with bound_contextvars(**{_KEY: ids}):
        yield


def add_job_ids(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Add the IDs of the job that is worked on: a processor of structlog."""
    ids: Callable[[], JobIds] | None = get_contextvars().get(_KEY)
    if ids is not None:
        # As text: readers of JSON that know only floats would change the last digits of Discord's IDs.
        event.update((name, str(value)) for name, value in ids()._asdict().items() if value is not None)
    return event
