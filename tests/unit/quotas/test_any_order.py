"""Every order of events against a model that counts anew each time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.models.jobs import Charge
from bot.models.quotas import LONGEST, ExceededLimit, Period, QuotaExceeded, QuotaStatus, Rule, Scope
from bot.quotas.limiter import QuotaLimiter

START = datetime(2025, 3, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVER = 10
MEMBERS: list[tuple[int | None, int]] = [(SERVER, 1), (SERVER, 2), (None, 1)]
ROLES = [21, 22]
SOME_RULES = st.builds(
    Rule,
    st.none() | st.integers(0, 4),
    st.none() | st.integers(0, 20),
    st.sampled_from(Period),
    st.none() | st.integers(1, 3),
)
TARGETS: list[tuple[Scope, int | None]] = [
    (Scope.SERVER, None),
    (Scope.ROLE, ROLES[0]),
    (Scope.ROLE, ROLES[1]),
    (Scope.MEMBER, 1),
]
STEPS = [INSTANT, timedelta(minutes=20), HOUR - INSTANT, HOUR, 7 * HOUR, DAY, 3 * DAY, 7 * DAY, LONGEST]
SECONDS = st.integers(1, 10)


@dataclass
class Row:
    """What storage keeps of a job."""

    job_id: int
    member: tuple[int | None, int]
    seconds: int
    at: datetime
    charge: Charge = Charge.HELD
    in_vain: bool = False


class AnyOrder(RuleBasedStateMachine):
    """Compares the limiter with a list of rows that is counted anew each time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.default = Rule(3, 15)
        self.quotas = QuotaLimiter(self.default, running_max=2, attempts_max=2)
        self.rows: list[Row] = []
        self.resets: list[tuple[tuple[int | None, int], datetime]] = []
        self.roles: dict[tuple[int | None, int], list[int]] = {member: [] for member in MEMBERS}

    def replay(self, seed: int) -> QuotaLimiter:
        """Build other quotas from what storage keeps, in any order."""
        replayed = QuotaLimiter(self.default, running_max=2, attempts_max=2)
        for effective in self.quotas.rules.of_server(SERVER):
            replayed.rules.set(SERVER, effective.scope, effective.target_id, effective.rule)
        events = [partial(replayed.reset, *member, at) for member, at in self.resets]
        events += [
            partial(replayed.replay, r.job_id, *r.member, r.seconds, r.at, r.charge) for r in self.rows
        ]
        events += [
            partial(replayed.count_attempt, row.job_id, *row.member, row.at)
            for row in self.rows
            if row.in_vain
        ]
        random.Random(seed).shuffle(events)
        for event in events:
            event()
        return replayed

    def naive(self, member: tuple[int | None, int], now: datetime) -> QuotaStatus:
        effective = self.quotas.rules.effective(*member, self.roles[member])
        rows = [row for row in self.rows if row.member == member and row.charge is not Charge.REFUNDED]
        counted = [
            row
            for row in rows
            if now < row.at + effective.rule.per.length
            and all(row.at > at for reset, at in self.resets if reset == member)
        ]
        return QuotaStatus(
            effective=effective,
            used_videos=len(counted),
            used_seconds=sum(row.seconds for row in counted),
            running=sum(row.charge is Charge.HELD for row in rows),
            running_max=min(2, effective.rule.at_once or 2),
            next_slot=min((row.at + effective.rule.per.length for row in counted), default=None),
            attempts=sum(
                row.in_vain
                and row.member == member
                and now < row.at + HOUR
                and all(row.at > at for reset, at in self.resets if reset == member)
                for row in self.rows
            ),
            attempts_max=2,
        )

    def status(self, member: tuple[int | None, int]) -> QuotaStatus:
        return self.quotas.status(*member, self.roles[member], self.now)

    @rule(member=st.sampled_from(MEMBERS), seconds=SECONDS)
    def reserve(self, member: tuple[int | None, int], seconds: int) -> None:
        job_id = len(self.rows) + 1
        before = self.naive(member, self.now)
        videos, most = before.effective.rule.videos, before.effective.rule.seconds
        fits = (
            before.running < before.running_max
            and before.attempts < 2
            and (videos is None or before.used_videos + 1 <= videos)
            and (most is None or before.used_seconds + seconds <= most)
        )
        try:
            status = self.quotas.reserve(job_id, *member, self.roles[member], seconds, self.now)
        except QuotaExceeded as refused:
            assert not fits
            self.check_refusal(refused, member, seconds)
        else:
            assert fits
            self.rows.append(Row(job_id, member, seconds, self.now))
            assert status == self.naive(member, self.now)

    def check_refusal(self, refused: QuotaExceeded, member: tuple[int | None, int], seconds: int) -> None:
        """See that waiting helps from `frees` on, and not a moment earlier."""
        assert (refused.status, refused.needed_seconds) == (self.naive(member, self.now), seconds)
        rule_ = refused.status.effective.rule
        never = 0 in (rule_.videos, rule_.seconds) or (rule_.seconds is not None and seconds > rule_.seconds)
        assert (refused.frees is None) == (never or refused.exceeded is ExceededLimit.RUNNING)
        assert (refused.exceeded is ExceededLimit.BLOCKED) == (0 in (rule_.videos, rule_.seconds))
        again = partial(self.replay(0).reserve, 0, *member, self.roles[member], seconds)
        frees = refused.frees or self.now + 2 * LONGEST
        assert frees > self.now
        with pytest.raises(QuotaExceeded) as caught:
            again(frees - INSTANT)
        assert refused.frees is None or caught.value.exceeded is refused.exceeded
        if refused.frees is not None:
            again(frees)

    @rule(
        job_id=st.integers(1, 12),
        newest=st.booleans(),
        charge=st.sampled_from([Charge.SETTLED, Charge.REFUNDED]),
        in_vain=st.booleans(),
    )
    def end(self, job_id: int, newest: bool, charge: Charge, in_vain: bool) -> None:
        job_id = len(self.rows) if newest else job_id
        row = self.rows[job_id - 1] if 0 < job_id <= len(self.rows) else None
        held = row is not None and row.charge is Charge.HELD
        finish = self.quotas.settle if charge is Charge.SETTLED else self.quotas.refund
        assert finish(job_id) is held
        assert not finish(job_id)
        if row is not None and held:
            row.charge = charge
            row.in_vain = in_vain and charge is Charge.REFUNDED
            if row.in_vain:
                self.quotas.count_attempt(job_id, *row.member, row.at)

    @rule(job_id=st.integers(1, 12))
    def comes_late(self, job_id: int) -> None:
        row = self.rows[job_id - 1] if job_id <= len(self.rows) else None
        if row is not None and row.in_vain:
            row.in_vain = False
            self.quotas.drop_attempt(job_id, *row.member)

    @rule(member=st.sampled_from(MEMBERS), seconds=SECONDS)
    def reserve_and_refund(self, member: tuple[int | None, int], seconds: int) -> None:
        before = self.status(member)
        try:
            self.quotas.reserve(0, *member, self.roles[member], seconds, self.now)
        except QuotaExceeded:
            pass
        else:
            assert self.quotas.refund(0)
        assert self.status(member) == before

    @rule(step=st.sampled_from(STEPS))
    def pass_time(self, step: timedelta) -> None:
        self.now += step

    @rule(whom=st.sampled_from(TARGETS), rule_=SOME_RULES)
    def set_rule(self, whom: tuple[Scope, int | None], rule_: Rule) -> None:
        known = self.quotas.reach.since(SERVER)
        if known is not None and self.now - rule_.per.length < known:
            # What was forgotten is read again, as the service does it.
            for row in self.rows:
                if row.member[0] == SERVER and row.job_id not in self.quotas:
                    self.quotas.replay(row.job_id, *row.member, row.seconds, row.at, row.charge)
            self.quotas.reach.extend(SERVER, self.now - rule_.per.length)
        self.quotas.rules.set(SERVER, *whom, rule_)

    @rule(whom=st.sampled_from(TARGETS))
    def clear_rule(self, whom: tuple[Scope, int | None]) -> None:
        there = whom in [(rule_.scope, rule_.target_id) for rule_ in self.quotas.rules.of_server(SERVER)]
        assert self.quotas.rules.clear(SERVER, *whom) is there

    @rule(member=st.sampled_from(MEMBERS), roles=st.lists(st.sampled_from(ROLES), unique=True))
    def change_roles(self, member: tuple[int | None, int], roles: list[int]) -> None:
        self.roles[member] = roles

    @precondition(lambda self: self.rows)
    @rule(member=st.sampled_from(MEMBERS), ago=st.sampled_from([timedelta(0), INSTANT, HOUR]))
    def reset(self, member: tuple[int | None, int], ago: timedelta) -> None:
        self.quotas.reset(*member, self.now - ago)
        self.resets.append((member, self.now - ago))

    @rule()
    def forget_old(self) -> None:
        self.quotas.forget_old(self.now)

    @rule(seed=st.integers(0, 99))
    def restart(self, seed: int) -> None:
        self.quotas = self.replay(seed)

    @invariant()
    def agrees_with_the_model(self) -> None:
        for member in MEMBERS:
            status = self.status(member)
            assert status == self.naive(member, self.now)
            assert status.running <= 2
            assert (status.left_videos or 0) >= 0 <= (status.left_seconds or 0)

    def teardown(self) -> None:
        replayed = self.replay(1)
        for moment in (self.now + step for step in [timedelta(0), *STEPS]):
            for member in MEMBERS:
                expected = self.naive(member, moment)
                assert self.quotas.status(*member, self.roles[member], moment) == expected
                assert replayed.status(*member, self.roles[member], moment) == expected


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
