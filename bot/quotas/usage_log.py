"""What each member has used: a sliding log per member of one server, kept in memory.

Server None is direct messages: what somebody does in one server neither shows nor counts in another, and that
includes what is running. A use counts from its reservation on, and no more once a whole period has passed.
What is replayed from storage makes the same log in any order.

A failure gives its use back, and would cost nothing to repeat again and again. So requests that GMI got and
that came to nothing are kept beside the uses, as attempts.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from bot.models.quotas import ATTEMPTS_PER, LONGEST, Period


@dataclass(slots=True, eq=False)
class Use:
    """One video in the log of its member."""

    job_id: int
    at: datetime
    seconds: int
    held: bool  # its job is still running
    log: UsageLog


@dataclass(slots=True, eq=False)
class UsageLog:
    """The uses and attempts of one member of one server."""

    uses: list[Use] = field(default_factory=list)  # oldest first
    attempts: dict[int, datetime] = field(default_factory=dict)  # by job: those that came to nothing
    reset_at: datetime | None = None  # nothing counts towards a quota up to and including this moment

    @property
    def running(self) -> int:
        """Return how many videos are being made."""
        return sum(use.held for use in self.uses)

    def counted(self, period: Period, now: datetime) -> list[Use]:
        """Return the uses that count within a period that ends now, oldest first."""
        start = self._start(period.length, now)
        return [use for use in self.uses if use.at > start]

    def failed(self, now: datetime) -> list[datetime]:
        """Return when the attempts were made that came to nothing and count now, oldest first."""
        start = self._start(ATTEMPTS_PER, now)
        return sorted(at for at in self.attempts.values() if at > start)

    def reset(self, at: datetime) -> None:
        """Count nothing up to and including this moment; what runs stays running."""
        self.reset_at = at if self.reset_at is None else max(at, self.reset_at)

    def prune(self, now: datetime, keep: timedelta = LONGEST) -> list[Use]:
        """Drop what is so old that nobody asks for it, and return its uses; what is held stays."""
        if self.attempts:
            start = self._start(ATTEMPTS_PER, now)
            self.attempts = {job_id: at for job_id, at in self.attempts.items() if at > start}
        start = now - keep
        if not self.uses or self.uses[0].at > start:
            return []
        dropped = [use for use in self.uses if use.at <= start and not use.held]
        self.uses = [use for use in self.uses if use.at > start or use.held]
        return dropped

    def is_blank(self, now: datetime) -> bool:
        """Tell whether an empty log in its place would count the same from now on."""
        if self.uses or self.attempts:
            return False
        return self.reset_at is None or self.reset_at <= now - LONGEST

    def _start(self, length: timedelta, now: datetime) -> datetime:
        start = now - length
        return start if self.reset_at is None else max(start, self.reset_at)


class UsageLogs:
    """The logs of all members, and the uses in them by job."""

    def __init__(self) -> None:
        self._logs: dict[int | None, dict[int, UsageLog]] = {}
        self._uses: dict[int, Use] = {}

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._uses

    def __len__(self) -> int:
        """Return how many members have a log."""
        return sum(len(logs) for logs in self._logs.values())

    def read(self, guild_id: int | None, user_id: int) -> UsageLog:
        """Return a member's log, or an empty one that is not kept."""
        return self._logs.get(guild_id, {}).get(user_id) or UsageLog()

    def keep(self, guild_id: int | None, user_id: int) -> UsageLog:
        """Return a member's log, and keep it if it is new."""
        return self._logs.setdefault(guild_id, {}).setdefault(user_id, UsageLog())

    def forget(self, guild_id: int | None, user_id: int) -> None:
        """Drop all that is known of a member in one place."""
        log = self._logs.get(guild_id, {}).pop(user_id, None)
        for use in log.uses if log is not None else ():
            del self._uses[use.job_id]

    def of_server(self, guild_id: int | None) -> Iterator[tuple[int, UsageLog]]:
        """Return the members of a server who have a log, and it."""
        yield from self._logs.get(guild_id, {}).items()

    def forget_resets(self, guild_id: int) -> None:
        """Let everything count again that the members of a server have used."""
        for _, log in self.of_server(guild_id):
            log.reset_at = None

    def add(self, job_id: int, guild_id: int | None, user_id: int, seconds: int, at: datetime) -> None:
        """Take the use of a running job into its member's log.

        Raises ValueError for a job that is in a log already.
        """
        if job_id in self._uses:
            raise ValueError("already reserved")
        log = self.keep(guild_id, user_id)
        use = self._uses[job_id] = Use(job_id, at, seconds, True, log)
        insort(log.uses, use, key=attrgetter("at"))

    def held(self, job_id: int) -> Use | None:
        """Return the use of a job that is still running."""
        use = self._uses.get(job_id)
        return use if use is not None and use.held else None

    def remove(self, use: Use) -> None:
        """Take a use out of its log."""
        use.log.uses.remove(use)
        del self._uses[use.job_id]

    def prune(self, guild_id: int | None, user_id: int, now: datetime) -> None:
        """Drop what no rule can count any more of one member."""
        self._prune(self.read(guild_id, user_id), now, LONGEST)

    def forget_old(self, now: datetime, keep: Callable[[int | None], timedelta]) -> None:
        """Drop what is older than a server's rules look, and logs in which nothing is left."""
        for guild_id, logs in list(self._logs.items()):
            for user_id, log in list(logs.items()):
                self._prune(log, now, keep(guild_id))
                if log.is_blank(now):
                    del logs[user_id]
            if not logs:
                del self._logs[guild_id]

    def _prune(self, log: UsageLog, now: datetime, keep: timedelta) -> None:
        for use in log.prune(now, keep):
            del self._uses[use.job_id]
