"""What cards say beside what their jobs hold: when a video should be ready, and what is left of a quota."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.clock import Clock
from bot.jobs.cards.ready_times import ReadyTimes
from bot.models.jobs import Job
from bot.models.quotas import QuotaStatus
from bot.polling.schedule.estimator import DurationEstimator
from bot.quotas.limiter import QuotaLimiter
from bot.ui.texts.jobs import Extras


class CardExtras:
    """Puts it together for the card of each open job."""

    def __init__(self, estimator: DurationEstimator, quotas: QuotaLimiter, clock: Clock) -> None:
        self._ready_times = ReadyTimes(estimator, clock)
        self._quotas = quotas
        self._clock = clock
        self._role_ids: dict[int, tuple[int, ...]] = {}  # of the members whose requests this process took

    def remember_roles(self, job_id: int, role_ids: Sequence[int]) -> None:
        """Remember which roles the member of a job has: a rule may be theirs."""
        self._role_ids[job_id] = tuple(role_ids)

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a job that has ended."""
        self._role_ids.pop(job_id, None)
        self._ready_times.forget(job_id)

    def expect(self, job: Job) -> None:
        """Wait for the moment at which the video of a job should be ready, without showing it."""
        self._ready_times.expect(job)

    async def watch(self, passed: Callable[[int], None]) -> None:
        """Name every job whose moment has passed, for ever."""
        await self._ready_times.run(passed)

    def of(self, job: Job) -> Extras:
        """Return what the card of a job says now."""
        ready_at = self._ready_times.expect(job)
        late = ready_at is not None and ready_at <= self._clock.now()
        return Extras(ready_at, late, self._quota(job))

    def _quota(self, job: Job) -> QuotaStatus | None:
        """Return the quota of a job's member for a private card: elsewhere it is nobody's business."""
        role_ids = self._role_ids.get(job.id)
        if job.quota_guild_id is None:
            role_ids = ()  # outside of servers there are none
        if role_ids is None or not job.location.private:
            return None
        return self._quotas.status(job.quota_guild_id, job.user_id, role_ids, self._clock.now())
