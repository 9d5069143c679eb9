"""The check whether a request fits its member's quota and all budgets, and the reservation of all of them.

Nothing here awaits, so no other request of this process can come between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.models.budgets import Ceilings
from bot.models.jobs import Charge
from bot.models.quotas import (
    ATTEMPTS_PER,
    EffectiveRule,
    ExceededLimit,
    QuotaExceeded,
    QuotaStatus,
    Rule,
    shortage,
)
from bot.quotas.budgets import Budgets
from bot.quotas.reach import Reach
from bot.quotas.rules import QuotaRules
from bot.quotas.usage_log import UsageLog, UsageLogs, Use


class QuotaLimiter:
    """The rules and the use of everybody. All moments passed in are aware, in UTC."""

    # Long, because whatever changes what is checked stands beside the check, and nothing of it awaits.

    def __init__(
        self,
        default: Rule,
        running_max: int,
        attempts_max: int | None = None,
        ceilings: Ceilings | None = None,
    ) -> None:
        if running_max < 1:
            raise ValueError("at least one request must be allowed to run")
        if attempts_max is not None and attempts_max < 1:
            raise ValueError("at least one attempt must be allowed to fail")
        self.rules = QuotaRules(default)
        self.budgets = Budgets(ceilings or Ceilings())
        self.reach = Reach()
        self._logs = UsageLogs()
        self._running_max = running_max
        self._attempts_max = attempts_max  # that come to nothing in an hour; None is unlimited

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._logs

    def reserve(  # noqa: PLR0917 - which, where, who, how much, when
        self,
        job_id: int,
        guild_id: int | None,
        user_id: int,
        role_ids: Iterable[int],
        seconds: int,
        now: datetime,
    ) -> QuotaStatus:
        """Take one video of so many seconds wherever it counts, and return what the member has used with it.

        Raises as `check` does if it does not fit, ValueError for a job that has a reservation already.
        """
        if seconds < 1:
            raise ValueError("a video lasts at least a second")
        self._logs.prune(guild_id, user_id, now)
        if job_id in self._logs:
            raise ValueError("already reserved")
        before = self.check(guild_id, user_id, role_ids, seconds, now)
        self._logs.add(job_id, guild_id, user_id, seconds, now)
        self.budgets.add(job_id, guild_id, seconds, now)
        return self._status(before.effective, self._logs.read(guild_id, user_id), now)

    def check(
        self, guild_id: int | None, user_id: int, role_ids: Iterable[int], seconds: int, now: datetime
    ) -> QuotaStatus:
        """Return what the member has used; take nothing.

        Raises QuotaExceeded, ServerPaused or BudgetExceeded if a video of so many seconds does not fit.
        """
        log = self._logs.read(guild_id, user_id)
        status = self._status(self.rules.effective(guild_id, user_id, role_ids), log, now)
        _check(status, log.counted(status.effective.rule.per, now), log.failed(now), seconds)
        self.budgets.check(guild_id, seconds, now)
        return status

    def settle(self, job_id: int) -> bool:
        """End the reservation of a job and keep its use; return False if there is none (any more)."""
        use = self._logs.held(job_id)
        if use is not None:
            use.held = False
        return use is not None

    def refund(self, job_id: int) -> bool:
        """End the reservation of a job and give its use back to its member; return False if there is none.

        What counts towards budgets goes by what may be billed: see `Budgets.give_back`.
        """
        use = self._logs.held(job_id)
        if use is not None:
            self._logs.remove(use)
        return use is not None

    def withdraw(self, job_id: int) -> None:
        """Give back everything that a job took which never began."""
        self.refund(job_id)
        self.budgets.give_back(job_id)

    def replay(  # noqa: PLR0917 - see `reserve`
        self, job_id: int, guild_id: int | None, user_id: int, seconds: int, at: datetime, charge: Charge
    ) -> None:
        """Take what storage says of a job, without asking the rules.

        Raises ValueError for a job that is in the log already.
        """
        if charge is Charge.REFUNDED:
            return
        self._logs.add(job_id, guild_id, user_id, seconds, at)
        if charge is Charge.SETTLED:
            self.settle(job_id)

    def count_attempt(self, job_id: int, guild_id: int | None, user_id: int, at: datetime) -> None:
        """Count a request, asked for at this moment, that GMI got and that came to nothing; each job once."""
        self._logs.keep(guild_id, user_id).attempts[job_id] = at

    def drop_attempt(self, job_id: int, guild_id: int | None, user_id: int) -> None:
        """Count a request no more: something came of it after all."""
        self._logs.read(guild_id, user_id).attempts.pop(job_id, None)

    def reset(self, guild_id: int | None, user_id: int, at: datetime) -> None:
        """Forget what a member used and tried up to and including this moment; what runs stays running."""
        self._logs.keep(guild_id, user_id).reset(at)

    def forget_member(self, guild_id: int | None, user_id: int) -> None:
        """Forget all that a member used in one place, before it is taken anew from storage."""
        self._logs.forget(guild_id, user_id)

    def forget_server(self, guild_id: int) -> None:
        """Forget everything that the moderators of a server have set; what was used stays counted."""
        self.rules.forget_server(guild_id)
        self.budgets.forget_server(guild_id)
        self._logs.forget_resets(guild_id)

    def status(
        self, guild_id: int | None, user_id: int, role_ids: Iterable[int], now: datetime
    ) -> QuotaStatus:
        """Return what a member has used of the rule that applies."""
        effective = self.rules.effective(guild_id, user_id, role_ids)
        return self._status(effective, self._logs.read(guild_id, user_id), now)

    def servers(self) -> frozenset[int]:
        """Return the servers that have a rule or a budget of their own."""
        return self.rules.servers() | self.budgets.servers()

    def longest_period(self, guild_id: int | None) -> timedelta:
        """Return how far back anything in force looks in a server, or in direct messages."""
        return max(self.rules.longest_period(guild_id), self.budgets.longest_period(guild_id))

    def forget_old(self, now: datetime) -> None:
        """Drop what no rule and no budget in force can count any more."""
        self._logs.forget_old(now, self.longest_period)
        # As far back as any server looks: also what no budget counts yet, one may be set the next moment.
        longest = max(self.longest_period(guild_id) for guild_id in (None, *self.servers()))
        self.budgets.forget_old(now - longest, is_running=lambda job_id: self._logs.held(job_id) is not None)
        self.reach.forget_old(now, self.longest_period)

    def _status(self, effective: EffectiveRule, log: UsageLog, now: datetime) -> QuotaStatus:
        uses = log.counted(effective.rule.per, now)
        return QuotaStatus(
            effective=effective,
            used_videos=len(uses),
            used_seconds=_seconds(uses),
            running=log.running,
            running_max=min(self._running_max, effective.rule.at_once or self._running_max),
            next_slot=uses[0].at + effective.rule.per.length if uses else None,
            attempts=len(log.failed(now)),
            attempts_max=self._attempts_max,
        )


def _seconds(uses: Iterable[Use]) -> int:
    return sum(use.seconds for use in uses)


def _check(status: QuotaStatus, uses: Sequence[Use], failed: Sequence[datetime], needed: int) -> None:
    """Raise QuotaExceeded if the request does not fit.

    What time cannot change is named first, then what is running: so `frees` never says too much.
    """
    short = shortage(status.effective.rule, uses, needed)
    if short is not None and short.frees is None:
        raise QuotaExceeded(status, short.exceeded, needed)
    if status.running >= status.running_max:
        raise QuotaExceeded(status, ExceededLimit.RUNNING, needed)
    if status.attempts_max is not None and len(failed) >= status.attempts_max:
        attempts_free = failed[len(failed) - status.attempts_max] + ATTEMPTS_PER
        if short is None or short.frees is None or attempts_free > short.frees:
            raise QuotaExceeded(status, ExceededLimit.ATTEMPTS, needed, attempts_free)
    if short is not None:
        raise QuotaExceeded(status, short.exceeded, needed, short.frees)
