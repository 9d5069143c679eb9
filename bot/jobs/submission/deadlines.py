"""Until when GMI Cloud is asked about a job, by its state: a pure function of the job."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.models.jobs import Charge, Job
from bot.models.states import State

SEARCH = timedelta(minutes=1)  # how long a lost POST is looked for before the member hears of it
LINK_TOLD = timedelta(seconds=30)  # how long a link is missing before the member hears of it
LINK_AT_LEAST = timedelta(minutes=1)  # how long it is waited for where the deadline is near
LATE_RESULTS = timedelta(days=1)  # how long a result, or a route for it, is still looked for


def polled_until(job: Job, now: datetime, deadline: timedelta) -> datetime | None:
    """Return when the member hears of the job's trouble, or it is given up; None where nobody has to ask.

    `deadline` is what a request may take in all.
    """
    since, ends = job.state_since or job.created_at, job.created_at + deadline
    match job.state:
        case State.SUBMITTING if job.request_id is None and job.waiting_until is None:
            return now + SEARCH
        case State.SUBMITTING if job.request_id is not None:
            return ends
        case State.QUEUED | State.PROCESSING:
            return ends
        case State.OVERDUE | State.UNCONFIRMED:
            return since + LATE_RESULTS
        case State.SUCCEEDED if job.awaits_link and job.reason is None:
            return since + LINK_TOLD
        case State.SUCCEEDED if job.awaits_link:
            # The member of a refunded job already knows that it is late: it is looked for a day longer.
            late = LATE_RESULTS if job.charge is Charge.REFUNDED else timedelta()
            return max(ends + late, since + LINK_AT_LEAST)
    return None
