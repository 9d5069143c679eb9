"""What each member may still use: rules, and a sliding log per member, kept in memory.

Nothing here awaits, so no other request can come between the check and the take. A log belongs to one member
of one server (None: direct messages): what somebody does in one server neither shows nor counts in another,
and that includes `running`. A use counts from its reservation on and has left once a whole period has passed.
The log is a fold over the ledger: the order in which rows and resets are replayed makes no difference.

What fails is given back, and would cost nothing to ask for again and again. So requests that GMI got and that
came to nothing are counted beside the uses, as attempts.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from operator import attrgetter

from bot.models.jobs import Charge
from bot.models.quotas import (
    ATTEMPTS_PER,
    LONGEST,
    EffectiveRule,
    ExceededLimit,
    Period,
    QuotaExceeded,
    QuotaStatus,
    Rule,
    Scope,
    Usage,
)
from bot.models.requests import DURATION_DEFAULT


@dataclass(slots=True, eq=False)
class _Use:
    job_id: int
    at: datetime
    seconds: int
    held: bool
    log: _Log


@dataclass(slots=True, eq=False)
class _Log:
    uses: list[_Use] = field(default_factory=list)  # oldest first
    attempts: dict[int, datetime] = field(default_factory=dict)  # by job: those that came to nothing
    forgotten_until: datetime | None = None

    @property
    def running(self) -> int:
        return sum(use.held for use in self.uses)

    def counted(self, period: Period, now: datetime) -> list[_Use]:
        left_until = self._left_until(period.length, now)
        return [use for use in self.uses if use.at > left_until]

    def vain(self, now: datetime) -> list[datetime]:
        """Return when the attempts were made that came to nothing and count now, oldest first."""
        left_until = self._left_until(ATTEMPTS_PER, now)
        return sorted(at for at in self.attempts.values() if at > left_until)

    def prune(self, now: datetime) -> list[_Use]:
        """Drop what no rule can count any more and return its uses; what is held stays."""
        if self.attempts:
            left_until = self._left_until(ATTEMPTS_PER, now)
            self.attempts = {job_id: at for job_id, at in self.attempts.items() if at > left_until}
        left_until = self._left_until(LONGEST, now)
        if not self.uses or self.uses[0].at > left_until:
            return []
        dropped = [use for use in self.uses if use.at <= left_until and not use.held]
        self.uses = [use for use in self.uses if use.at > left_until or use.held]
        return dropped

    def is_blank(self, now: datetime) -> bool:
        if self.uses or self.attempts:
            return False
        return self.forgotten_until is None or self.forgotten_until <= now - LONGEST

    def _left_until(self, length: timedelta, now: datetime) -> datetime:
        start = now - length
        return start if self.forgotten_until is None else max(start, self.forgotten_until)


class QuotaLimiter:
    """The rules and logs of everybody. All moments passed in are aware, in UTC."""

    def __init__(self, default: Rule, running_max: int, attempts_max: int | None = None) -> None:
        if running_max < 1:
            raise ValueError("at least one request must be allowed to run")
        if attempts_max is not None and attempts_max < 1:
            raise ValueError("at least one attempt must be allowed to fail")
        self._default = EffectiveRule(default, Scope.OPERATOR, None)
        self._running_max = running_max
        self._attempts_max = attempts_max  # that come to nothing in an hour; None is unlimited
        self._rules: dict[int, dict[tuple[Scope, int | None], EffectiveRule]] = {}
        self._logs: dict[int | None, dict[int, _Log]] = {}
        self._uses: dict[int, _Use] = {}

    def set_rule(self, guild_id: int, scope: Scope, target_id: int | None, rule: Rule) -> None:
        """Set the rule of a member, a role or the whole server.

        Raises ValueError for the operator's scope, and where scope and target do not belong together.
        """
        key = _rule_key(scope, target_id)
        self._rules.setdefault(guild_id, {})[key] = EffectiveRule(rule, scope, target_id)

    def clear_rule(self, guild_id: int, scope: Scope, target_id: int | None) -> bool:
        """Remove a rule and tell whether there was one; raises ValueError as `set_rule` does."""
        return self._rules.get(guild_id, {}).pop(_rule_key(scope, target_id), None) is not None

    def rules(self, guild_id: int) -> list[EffectiveRule]:
        """Return the rules of a server: its default, then roles, then members, each by id."""
        order = (Scope.SERVER, Scope.ROLE, Scope.MEMBER)
        applied = self._rules.get(guild_id, {}).values()
        return sorted(applied, key=lambda one: (order.index(one.scope), one.target_id or 0))

    def applied(self, guild_id: int | None, user_id: int, role_ids: Iterable[int]) -> EffectiveRule:
        """Return the member's own rule, else that of their best role, the server's or the operator's."""
        rules = {} if guild_id is None else self._rules.get(guild_id, {})
        own = rules.get((Scope.MEMBER, user_id))
        if own is not None:
            return own
        of_roles = [rules[Scope.ROLE, role_id] for role_id in role_ids if (Scope.ROLE, role_id) in rules]
        if of_roles:
            return max(of_roles, key=lambda one: (*_generosity(one.rule), -(one.target_id or 0)))
        return rules.get((Scope.SERVER, None), self._default)

    def reserve(  # noqa: PLR0917 - which, where, who, how much, when
        self,
        job_id: int,
        guild_id: int | None,
        user_id: int,
        role_ids: Iterable[int],
        seconds: int,
        now: datetime,
    ) -> QuotaStatus:
        """Take one video of so many seconds and return what the member has used with it.

        Raises QuotaExceeded if it does not fit, ValueError for a job that is in the log already.
        """
        if seconds < 1:
            raise ValueError("a video lasts at least a second")
        self._prune(self._log(guild_id, user_id), now)
        if job_id in self._uses:
            raise ValueError("already reserved")
        standing = self.check(guild_id, user_id, role_ids, seconds, now)
        self._take(job_id, guild_id, user_id, seconds, now)
        return self._standing(standing.applied, self._log(guild_id, user_id), now)

    def check(
        self, guild_id: int | None, user_id: int, role_ids: Iterable[int], seconds: int, now: datetime
    ) -> QuotaStatus:
        """Return what the member has used, or raise QuotaExceeded if a video does not fit; take nothing."""
        log = self._log(guild_id, user_id)
        standing = self._standing(self.applied(guild_id, user_id, role_ids), log, now)
        _check(standing, log.counted(standing.applied.rule.per, now), log.vain(now), seconds)
        return standing

    def settle(self, job_id: int) -> bool:
        """End the reservation of a job and keep its use; return False if there is none (any more)."""
        use = self._held(job_id)
        if use is not None:
            use.held = False
        return use is not None

    def refund(self, job_id: int) -> bool:
        """End the reservation of a job and give its use back; return False if there is none (any more)."""
        use = self._held(job_id)
        if use is not None:
            use.log.uses.remove(use)
            del self._uses[job_id]
        return use is not None

    def replay(  # noqa: PLR0917 - see `reserve`
        self, job_id: int, guild_id: int | None, user_id: int, seconds: int, at: datetime, charge: Charge
    ) -> None:
        """Take what the ledger has recorded, without asking the rules.

        Raises ValueError for a job that is in the log already.
        """
        if charge is Charge.REFUNDED:
            return
        self._take(job_id, guild_id, user_id, seconds, at)
        if charge is Charge.SETTLED:
            self.settle(job_id)

    def count_attempt(self, job_id: int, guild_id: int | None, user_id: int, at: datetime) -> None:
        """Count a request, asked for at this moment, that GMI got and that came to nothing; each job once."""
        self._logs.setdefault(guild_id, {}).setdefault(user_id, _Log()).attempts[job_id] = at

    def drop_attempt(self, job_id: int, guild_id: int | None, user_id: int) -> None:
        """Count a request no more: something came of it after all."""
        self._log(guild_id, user_id).attempts.pop(job_id, None)

    def reset(self, guild_id: int | None, user_id: int, at: datetime) -> None:
        """Forget what a member used and tried up to and including this moment; what runs stays running."""
        log = self._logs.setdefault(guild_id, {}).setdefault(user_id, _Log())
        log.forgotten_until = at if log.forgotten_until is None else max(at, log.forgotten_until)

    def standing(
        self, guild_id: int | None, user_id: int, role_ids: Iterable[int], now: datetime
    ) -> QuotaStatus:
        """Return what a member has used of the rule that applies."""
        return self._standing(self.applied(guild_id, user_id, role_ids), self._log(guild_id, user_id), now)

    def usage(self, guild_id: int | None, now: datetime, period: Period) -> list[Usage]:
        """Return who has used or runs anything: most seconds first, then most videos, then the lowest id."""
        found = []
        for user_id, log in self._logs.get(guild_id, {}).items():
            uses = log.counted(period, now)
            usage = Usage(user_id, len(uses), sum(use.seconds for use in uses), log.running)
            if usage.videos or usage.running:
                found.append(usage)
        return sorted(found, key=lambda usage: (-usage.seconds, -usage.videos, usage.user_id))

    def forget_old(self, now: datetime) -> None:
        """Drop what no rule can count any more."""
        for logs in self._logs.values():
            for user_id, log in list(logs.items()):
                self._prune(log, now)
                if log.is_blank(now):
                    del logs[user_id]

    def _log(self, guild_id: int | None, user_id: int) -> _Log:
        return self._logs.get(guild_id, {}).get(user_id) or _Log()

    def _held(self, job_id: int) -> _Use | None:
        use = self._uses.get(job_id)
        return use if use is not None and use.held else None

    def _take(self, job_id: int, guild_id: int | None, user_id: int, seconds: int, at: datetime) -> None:
        if job_id in self._uses:
            raise ValueError("already reserved")
        log = self._logs.setdefault(guild_id, {}).setdefault(user_id, _Log())
        use = self._uses[job_id] = _Use(job_id, at, seconds, True, log)
        insort(log.uses, use, key=attrgetter("at"))

    def _prune(self, log: _Log, now: datetime) -> None:
        for use in log.prune(now):
            del self._uses[use.job_id]

    def _standing(self, applied: EffectiveRule, log: _Log, now: datetime) -> QuotaStatus:
        uses = log.counted(applied.rule.per, now)
        used_seconds = sum(use.seconds for use in uses)
        next_frees = uses[0].at + applied.rule.per.length if uses else None
        return QuotaStatus(
            applied,
            len(uses),
            used_seconds,
            log.running,
            self._running_max,
            next_frees,
            len(log.vain(now)),
            self._attempts_max,
        )


def _rule_key(scope: Scope, target_id: int | None) -> tuple[Scope, int | None]:
    if scope is Scope.OPERATOR:
        raise ValueError("the operator's rule is a setting")
    if (target_id is None) is not (scope is Scope.SERVER):
        raise ValueError("a member or a role needs an id, a server takes none")
    return scope, target_id


def _generosity(rule: Rule) -> tuple[Fraction | float, ...]:
    """Return what orders rules: videos of the default length a day, then videos a day, then seconds a day."""
    days = Fraction(rule.per.length // timedelta(hours=1), 24)
    videos = math.inf if rule.videos is None else rule.videos / days
    seconds = math.inf if rule.seconds is None else rule.seconds / days
    return min(videos, seconds / DURATION_DEFAULT), videos, seconds


def _check(standing: QuotaStatus, uses: list[_Use], vain: list[datetime], needed: int) -> None:
    """Raise QuotaExceeded if the request does not fit.

    What time cannot change is said first, then what is running: so `frees` never promises too much.
    """
    rule = standing.applied.rule
    if rule.blocks:
        raise QuotaExceeded(standing, ExceededLimit.BLOCKED, needed)
    if rule.seconds is not None and needed > rule.seconds:
        raise QuotaExceeded(standing, ExceededLimit.SECONDS, needed)
    if standing.running >= standing.running_max:
        raise QuotaExceeded(standing, ExceededLimit.RUNNING, needed)
    videos, seconds = standing.used_videos, standing.used_seconds
    obstacle, frees = _obstacle(rule, videos, seconds + needed), None
    for use in uses:
        if (still := _obstacle(rule, videos, seconds + needed)) is None:
            break
        # The obstacle that lifts last is the one to name.
        obstacle, frees = still, use.at + rule.per.length
        videos, seconds = videos - 1, seconds - use.seconds
    if standing.attempts_max is not None and len(vain) >= standing.attempts_max:
        enough_left = vain[len(vain) - standing.attempts_max] + ATTEMPTS_PER
        if frees is None or enough_left > frees:
            obstacle, frees = ExceededLimit.ATTEMPTS, enough_left
    if obstacle is not None:
        raise QuotaExceeded(standing, obstacle, needed, frees)


def _obstacle(rule: Rule, used_videos: int, seconds: int) -> ExceededLimit | None:
    if rule.videos is not None and used_videos >= rule.videos:
        return ExceededLimit.VIDEOS
    if rule.seconds is not None and seconds > rule.seconds:
        return ExceededLimit.SECONDS
    return None
