"""Quotas: examples of each rule, and every order of events against a naive model."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

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
from bot.quotas.limiter import QuotaLimiter

START = datetime(2025, 3, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVER, MEMBER = 10, 7
UNLIMITED = Rule(None, None)


def quotas_of(default: Rule = UNLIMITED, running_max: int = 99) -> QuotaLimiter:
    return QuotaLimiter(default, running_max)


def refusal(
    quotas: QuotaLimiter, seconds: int, now: datetime, *, job_id: int = 999, roles: tuple[int, ...] = ()
) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as caught:
        quotas.reserve(job_id, SERVER, MEMBER, roles, seconds, now)
    return caught.value


def used(standing: QuotaStatus) -> tuple[int, int, int]:
    return standing.used_videos, standing.used_seconds, standing.running


def test_a_members_rule_wins_over_roles_the_server_and_the_operator() -> None:
    quotas = quotas_of(Rule(1, None))
    assert quotas.applied(SERVER, MEMBER, [3]) == EffectiveRule(Rule(1, None), Scope.OPERATOR, None)
    quotas.set_rule(SERVER, Scope.SERVER, None, Rule(2, None))
    assert quotas.applied(SERVER, MEMBER, [3]) == EffectiveRule(Rule(2, None), Scope.SERVER, None)
    quotas.set_rule(SERVER, Scope.ROLE, 3, Rule(0, None))
    assert quotas.applied(SERVER, MEMBER, [3]) == EffectiveRule(Rule(0, None), Scope.ROLE, 3)
    assert quotas.applied(SERVER, MEMBER, [4]).scope is Scope.SERVER
    quotas.set_rule(SERVER, Scope.MEMBER, MEMBER, Rule(1, 1))
    assert quotas.applied(SERVER, MEMBER, [3]) == EffectiveRule(Rule(1, 1), Scope.MEMBER, MEMBER)
    assert quotas.applied(SERVER, 8, [3]).scope is Scope.ROLE
    assert quotas.applied(SERVER + 1, MEMBER, [3]).scope is Scope.OPERATOR
    assert quotas.applied(None, MEMBER, [3]).scope is Scope.OPERATOR


# From the least to the most generous.
GENEROSITY = [
    Rule(0, None),
    Rule(1, None, Period.MONTH),
    Rule(None, 4),
    Rule(6, None, Period.WEEK),
    Rule(1, 5),
    Rule(1, 100),
    Rule(1, None),
    Rule(3, 5),
    Rule(8, None, Period.WEEK),
    Rule(None, 60, Period.WEEK),
    Rule(1, None, Period.HOUR),
    Rule(25, None),
    Rule(None, 6, Period.HOUR),
    Rule(None, None, Period.MONTH),
]


@pytest.mark.parametrize("low", range(len(GENEROSITY)))
def test_the_most_generous_role_wins(low: int) -> None:
    for high in range(low + 1, len(GENEROSITY)):
        quotas = quotas_of()
        quotas.set_rule(SERVER, Scope.ROLE, 1, GENEROSITY[low])
        quotas.set_rule(SERVER, Scope.ROLE, 2, GENEROSITY[high])
        assert quotas.applied(SERVER, MEMBER, [1, 2]).target_id == 2, (low, high)


def test_equally_generous_roles_yield_the_lowest_id_in_any_order() -> None:
    quotas = quotas_of()
    for role_id, rule_ in (
        (5, Rule(7, None, Period.WEEK)),
        (3, Rule(1, None)),
        (4, Rule(30, None, Period.MONTH)),
    ):
        quotas.set_rule(SERVER, Scope.ROLE, role_id, rule_)
    for roles in ([3, 4, 5], [5, 4, 3], [4, 3, 5]):
        assert quotas.applied(SERVER, MEMBER, roles).target_id == 3


def test_rules_are_listed_server_first_then_roles_then_members() -> None:
    quotas = quotas_of()
    targets = [(Scope.MEMBER, 9), (Scope.ROLE, 6), (Scope.MEMBER, 2), (Scope.SERVER, None), (Scope.ROLE, 5)]
    for scope, target_id in targets:
        quotas.set_rule(SERVER, scope, target_id, UNLIMITED)
    listed = [(one.scope, one.target_id) for one in quotas.rules(SERVER)]
    assert listed == [targets[3], targets[4], targets[1], targets[2], targets[0]]
    assert quotas.rules(SERVER + 1) == []


def test_a_cleared_rule_no_longer_applies() -> None:
    quotas = quotas_of()
    quotas.set_rule(SERVER, Scope.SERVER, None, Rule(1, None))
    assert quotas.clear_rule(SERVER, Scope.SERVER, None)
    assert not quotas.clear_rule(SERVER, Scope.SERVER, None)
    assert quotas.applied(SERVER, MEMBER, []).scope is Scope.OPERATOR


@pytest.mark.parametrize(
    ("scope", "target_id"),
    [
        (Scope.OPERATOR, None),
        (Scope.OPERATOR, 1),
        (Scope.SERVER, 1),
        (Scope.ROLE, None),
        (Scope.MEMBER, None),
    ],
)
def test_scope_and_target_must_belong_together(scope: Scope, target_id: int | None) -> None:
    with pytest.raises(ValueError, match=r"operator|needs an id"):
        quotas_of().set_rule(SERVER, scope, target_id, UNLIMITED)
    with pytest.raises(ValueError, match=r"operator|needs an id"):
        quotas_of().clear_rule(SERVER, scope, target_id)


def test_senseless_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Rule(-1, None)
    with pytest.raises(ValueError, match="negative"):
        Rule(5, -1)
    with pytest.raises(ValueError, match="allowed to run"):
        QuotaLimiter(UNLIMITED, 0)
    with pytest.raises(ValueError, match="allowed to fail"):
        QuotaLimiter(UNLIMITED, 1, 0)
    with pytest.raises(ValueError, match="at least a second"):
        quotas_of().reserve(1, SERVER, MEMBER, [], 0, START)


@pytest.mark.parametrize("period", Period)
def test_a_use_leaves_exactly_when_its_period_has_passed(period: Period) -> None:
    quotas = quotas_of(Rule(1, None, period))
    taken = quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    frees = START + period.length
    assert (taken.left_videos, taken.left_seconds, taken.next_frees) == (0, None, frees)
    refused = refusal(quotas, 5, frees - INSTANT)
    assert (refused.obstacle, refused.frees, refused.needed_seconds) == (ExceededLimit.VIDEOS, frees, 5)
    assert used(refused.standing) == (1, 5, 1)
    assert quotas.reserve(2, SERVER, MEMBER, [], 5, frees).used_videos == 1


def test_seconds_wait_until_enough_of_them_have_left() -> None:
    quotas = quotas_of(Rule(None, 10))
    for hour, seconds in enumerate((3, 4, 3)):
        quotas.reserve(hour, SERVER, MEMBER, [], seconds, START + hour * HOUR)
    refused = refusal(quotas, 5, START + 3 * HOUR)
    assert (refused.obstacle, refused.frees) == (ExceededLimit.SECONDS, START + DAY + HOUR)
    assert refused.standing.next_frees == START + DAY
    assert (refused.standing.left_videos, refused.standing.left_seconds) == (None, 0)


@pytest.mark.parametrize(
    ("seconds", "obstacle", "hours"),
    [(1, ExceededLimit.VIDEOS, 0), (2, ExceededLimit.VIDEOS, 0), (10, ExceededLimit.SECONDS, 1)],
)
def test_of_two_limits_the_one_that_lifts_last_is_named(
    seconds: int, obstacle: ExceededLimit, hours: int
) -> None:
    quotas = quotas_of(Rule(2, 10))
    quotas.reserve(1, SERVER, MEMBER, [], 2, START)
    quotas.reserve(2, SERVER, MEMBER, [], 8, START + HOUR)
    refused = refusal(quotas, seconds, START + 2 * HOUR)
    assert (refused.obstacle, refused.frees) == (obstacle, START + DAY + hours * HOUR)


def test_more_seconds_than_the_rule_has_never_fit() -> None:
    refused = refusal(quotas_of(Rule(None, 9)), 10, START)
    assert (refused.obstacle, refused.frees) == (ExceededLimit.SECONDS, None)


@pytest.mark.parametrize("blocked", [Rule(0, None), Rule(None, 0), Rule(0, 0), Rule(5, 0)])
def test_zero_blocks(blocked: Rule) -> None:
    refused = refusal(quotas_of(blocked), 1, START)
    assert (refused.obstacle, refused.frees) == (ExceededLimit.BLOCKED, None)
    assert 0 in (refused.standing.left_videos, refused.standing.left_seconds)


def test_a_lowered_rule_leaves_nothing_rather_than_less() -> None:
    quotas = quotas_of()
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    quotas.reserve(2, SERVER, MEMBER, [], 5, START + HOUR)
    quotas.set_rule(SERVER, Scope.MEMBER, MEMBER, Rule(1, 4))
    standing = quotas.standing(SERVER, MEMBER, [], START + HOUR)
    assert (standing.left_videos, standing.left_seconds) == (0, 0)
    assert refusal(quotas, 4, START + HOUR).frees == START + HOUR + DAY


def test_only_so_many_run_at_once_in_one_server() -> None:
    quotas = quotas_of(running_max=2)
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    quotas.reserve(2, SERVER, MEMBER, [], 5, START)
    refused = refusal(quotas, 5, START + 2 * LONGEST)
    assert (refused.obstacle, refused.frees, used(refused.standing)) == (
        ExceededLimit.RUNNING,
        None,
        (0, 0, 2),
    )
    assert quotas.reserve(3, None, MEMBER, [], 5, START).running == 1
    quotas.settle(1)
    assert quotas.reserve(4, SERVER, MEMBER, [], 5, START + 2 * LONGEST).running == 2


def test_what_time_cannot_change_is_said_before_what_runs() -> None:
    quotas = quotas_of(Rule(1, 9), running_max=1)
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    assert refusal(quotas, 10, START).obstacle is ExceededLimit.SECONDS
    assert refusal(quotas, 5, START).obstacle is ExceededLimit.RUNNING
    quotas.settle(1)
    assert refusal(quotas, 5, START).obstacle is ExceededLimit.VIDEOS


def test_a_reservation_ends_once() -> None:
    quotas = quotas_of()
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    quotas.reserve(2, SERVER, MEMBER, [], 3, START)
    assert [quotas.settle(1), quotas.settle(1), quotas.refund(1)] == [True, False, False]
    assert [quotas.refund(2), quotas.refund(2), quotas.settle(2)] == [True, False, False]
    assert not quotas.settle(3)
    assert not quotas.refund(3)
    assert used(quotas.standing(SERVER, MEMBER, [], START)) == (1, 5, 0)


@pytest.mark.parametrize("charge", [Charge.HELD, Charge.SETTLED])
def test_a_job_is_taken_once(charge: Charge) -> None:
    quotas = quotas_of(Rule(1, None))
    quotas.replay(1, SERVER, MEMBER, 5, START, charge)
    with pytest.raises(ValueError, match="already reserved"):
        quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    with pytest.raises(ValueError, match="already reserved"):
        quotas.replay(1, None, 8, 5, START, charge)


def test_a_reset_forgets_what_was_used_until_then_and_keeps_what_runs() -> None:
    quotas = quotas_of(Rule(3, None), running_max=2)
    for job_id in (1, 2, 3):
        quotas.reserve(job_id, SERVER, MEMBER, [], 5, START + job_id * INSTANT)
        quotas.settle(1)
    quotas.reset(SERVER, MEMBER, START + 2 * INSTANT)
    assert used(quotas.standing(SERVER, MEMBER, [], START + HOUR)) == (1, 5, 2)
    quotas.settle(2)
    quotas.settle(3)
    quotas.reset(SERVER, MEMBER, START)
    assert used(quotas.standing(SERVER, MEMBER, [], START + HOUR)) == (1, 5, 0)


def test_a_reservation_drops_what_its_member_used_long_ago() -> None:
    quotas = quotas_of()
    for job_id in (1, 2):
        quotas.reserve(job_id, SERVER, MEMBER, [], 5, START)
    quotas.settle(1)
    quotas.reserve(1, SERVER, MEMBER, [], 5, START + LONGEST)
    with pytest.raises(ValueError, match="already reserved"):
        quotas.reserve(2, SERVER, MEMBER, [], 5, START + LONGEST)


def test_so_many_requests_may_come_to_nothing_within_an_hour() -> None:
    quotas = QuotaLimiter(UNLIMITED, 99, 2)
    for job_id, minutes in enumerate((0, 10, 20)):
        quotas.count_attempt(job_id, SERVER, MEMBER, START + timedelta(minutes=minutes))
    now = START + timedelta(minutes=30)
    refused = refusal(quotas, 5, now)
    # Two of three have to leave the hour.
    assert (refused.obstacle, refused.frees) == (ExceededLimit.ATTEMPTS, START + timedelta(minutes=10) + HOUR)
    assert (refused.standing.attempts, refused.standing.attempts_max) == (3, 2)
    assert quotas.standing(None, MEMBER, [], now).attempts == 0
    assert quotas.standing(SERVER, 8, [], now).attempts == 0
    frees = START + timedelta(minutes=10) + HOUR
    assert refusal(quotas, 5, frees - INSTANT).obstacle is ExceededLimit.ATTEMPTS
    assert quotas.reserve(9, SERVER, MEMBER, [], 5, frees).attempts == 1


def test_a_request_that_comes_to_something_after_all_counts_no_more() -> None:
    quotas = QuotaLimiter(UNLIMITED, 99, 1)
    quotas.count_attempt(1, SERVER, MEMBER, START)
    quotas.count_attempt(1, SERVER, MEMBER, START)
    assert refusal(quotas, 5, START).standing.attempts == 1
    quotas.drop_attempt(1, SERVER, MEMBER)
    quotas.drop_attempt(2, None, 8)
    assert quotas.reserve(9, SERVER, MEMBER, [], 5, START).attempts == 0


def test_of_attempts_and_uses_the_one_that_lifts_last_is_named() -> None:
    for per, obstacle in ((Period.HOUR, ExceededLimit.ATTEMPTS), (Period.DAY, ExceededLimit.VIDEOS)):
        quotas = QuotaLimiter(Rule(1, None, per), 99, 1)
        quotas.reserve(1, SERVER, MEMBER, [], 5, START)
        quotas.count_attempt(2, SERVER, MEMBER, START + INSTANT)
        assert refusal(quotas, 5, START + INSTANT).obstacle is obstacle


def test_attempts_are_dropped_when_they_count_no_more() -> None:
    quotas = QuotaLimiter(UNLIMITED, 99, 2)
    for number in range(50):
        quotas.count_attempt(number, SERVER, number, START)
    quotas.forget_old(START + ATTEMPTS_PER)
    assert quotas._logs == {SERVER: {}}


def test_usage_lists_the_members_of_one_server_with_most_seconds_first() -> None:
    quotas = quotas_of()
    uses = [(1, 5), (2, 3), (2, 3), (3, 2), (3, 3), (4, 5), (5, 1)]
    for job_id, (user_id, seconds) in enumerate(uses):
        quotas.reserve(job_id, SERVER, user_id, [], seconds, START)
    quotas.settle(0)
    quotas.refund(6)
    quotas.reserve(100, None, 9, [], 9, START)
    assert quotas.usage(SERVER, START, Period.HOUR) == [
        Usage(2, 2, 6, 2),
        Usage(3, 2, 5, 2),
        Usage(1, 1, 5, 0),
        Usage(4, 1, 5, 1),
    ]
    later = quotas.usage(SERVER, START + HOUR, Period.HOUR)
    assert later == [Usage(2, 0, 0, 2), Usage(3, 0, 0, 2), Usage(4, 0, 0, 1)]


def test_what_no_rule_can_count_is_dropped() -> None:
    quotas = quotas_of()
    for user_id in range(50):
        quotas.reserve(user_id, SERVER, user_id, [], 5, START)
        quotas.settle(user_id)
        quotas.reset(SERVER, user_id, START)
    quotas.reserve(100, SERVER, MEMBER, [], 5, START)
    quotas.forget_old(START + LONGEST)
    assert quotas.usage(SERVER, START, Period.MONTH) == [Usage(MEMBER, 0, 0, 1)]
    assert quotas.settle(100)
    quotas.forget_old(START + LONGEST)
    assert not quotas.usage(SERVER, START, Period.MONTH)
    quotas.replay(1, SERVER, 1, 5, START, Charge.SETTLED)
    assert quotas.standing(SERVER, 1, [], START).used_videos == 1


MEMBERS: list[tuple[int | None, int]] = [(SERVER, 1), (SERVER, 2), (None, 1)]
ROLES = [21, 22]
SOME_RULES = st.builds(
    Rule,
    st.none() | st.integers(0, 4),
    st.none() | st.integers(0, 20),
    st.sampled_from(Period),
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
    """What a ledger keeps of a job."""

    job_id: int
    member: tuple[int | None, int]
    seconds: int
    at: datetime
    charge: Charge = Charge.HELD
    in_vain: bool = False


class QuotasMachine(RuleBasedStateMachine):
    """Compares Quotas with a list of rows that is counted anew each time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.default = Rule(3, 15)
        self.quotas = QuotaLimiter(self.default, running_max=2, attempts_max=2)
        self.rows: list[Row] = []
        self.resets: list[tuple[tuple[int | None, int], datetime]] = []
        self.roles: dict[tuple[int | None, int], list[int]] = {member: [] for member in MEMBERS}

    def fold(self, seed: int) -> QuotaLimiter:
        """Build other quotas from the journal, in any order."""
        folded = QuotaLimiter(self.default, running_max=2, attempts_max=2)
        for one in self.quotas.rules(SERVER):
            folded.set_rule(SERVER, one.scope, one.target_id, one.rule)
        events = [partial(folded.reset, *member, at) for member, at in self.resets]
        events += [partial(folded.replay, r.job_id, *r.member, r.seconds, r.at, r.charge) for r in self.rows]
        events += [partial(folded.count_attempt, r.job_id, *r.member, r.at) for r in self.rows if r.in_vain]
        random.Random(seed).shuffle(events)
        for event in events:
            event()
        return folded

    def naive(self, member: tuple[int | None, int], now: datetime) -> QuotaStatus:
        applied = self.quotas.applied(*member, self.roles[member])
        rows = [row for row in self.rows if row.member == member and row.charge is not Charge.REFUNDED]
        counted = [
            row
            for row in rows
            if now < row.at + applied.rule.per.length
            and all(row.at > at for reset, at in self.resets if reset == member)
        ]
        return QuotaStatus(
            applied=applied,
            used_videos=len(counted),
            used_seconds=sum(row.seconds for row in counted),
            running=sum(row.charge is Charge.HELD for row in rows),
            running_max=2,
            next_frees=min((row.at + applied.rule.per.length for row in counted), default=None),
            attempts=sum(
                row.in_vain
                and row.member == member
                and now < row.at + HOUR
                and all(row.at > at for reset, at in self.resets if reset == member)
                for row in self.rows
            ),
            attempts_max=2,
        )

    def standing(self, member: tuple[int | None, int]) -> QuotaStatus:
        return self.quotas.standing(*member, self.roles[member], self.now)

    @rule(member=st.sampled_from(MEMBERS), seconds=SECONDS)
    def reserve(self, member: tuple[int | None, int], seconds: int) -> None:
        job_id = len(self.rows) + 1
        before = self.naive(member, self.now)
        videos, most = before.applied.rule.videos, before.applied.rule.seconds
        fits = (
            before.running < 2
            and before.attempts < 2
            and (videos is None or before.used_videos + 1 <= videos)
            and (most is None or before.used_seconds + seconds <= most)
        )
        try:
            standing = self.quotas.reserve(job_id, *member, self.roles[member], seconds, self.now)
        except QuotaExceeded as refused:
            assert not fits
            self.check_refusal(refused, member, seconds)
        else:
            assert fits
            self.rows.append(Row(job_id, member, seconds, self.now))
            assert standing == self.naive(member, self.now)

    def check_refusal(self, refused: QuotaExceeded, member: tuple[int | None, int], seconds: int) -> None:
        """See that waiting helps from `frees` on, and not a moment earlier."""
        assert (refused.standing, refused.needed_seconds) == (self.naive(member, self.now), seconds)
        rule_ = refused.standing.applied.rule
        never = 0 in (rule_.videos, rule_.seconds) or (rule_.seconds is not None and seconds > rule_.seconds)
        assert (refused.frees is None) == (never or refused.obstacle is ExceededLimit.RUNNING)
        assert (refused.obstacle is ExceededLimit.BLOCKED) == (0 in (rule_.videos, rule_.seconds))
        again = partial(self.fold(0).reserve, 0, *member, self.roles[member], seconds)
        frees = refused.frees or self.now + 2 * LONGEST
        assert frees > self.now
        with pytest.raises(QuotaExceeded) as caught:
            again(frees - INSTANT)
        assert refused.frees is None or caught.value.obstacle is refused.obstacle
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
        before = self.standing(member)
        try:
            self.quotas.reserve(0, *member, self.roles[member], seconds, self.now)
        except QuotaExceeded:
            pass
        else:
            assert self.quotas.refund(0)
        assert self.standing(member) == before

    @rule(step=st.sampled_from(STEPS))
    def pass_time(self, step: timedelta) -> None:
        self.now += step

    @rule(whom=st.sampled_from(TARGETS), rule_=SOME_RULES)
    def set_rule(self, whom: tuple[Scope, int | None], rule_: Rule) -> None:
        self.quotas.set_rule(SERVER, *whom, rule_)

    @rule(whom=st.sampled_from(TARGETS))
    def clear_rule(self, whom: tuple[Scope, int | None]) -> None:
        there = whom in [(one.scope, one.target_id) for one in self.quotas.rules(SERVER)]
        assert self.quotas.clear_rule(SERVER, *whom) is there

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
        self.quotas = self.fold(seed)

    @invariant()
    def agrees_with_the_model(self) -> None:
        for member in MEMBERS:
            standing = self.standing(member)
            assert standing == self.naive(member, self.now)
            assert standing.running <= standing.running_max
            assert (standing.left_videos or 0) >= 0 <= (standing.left_seconds or 0)

    def teardown(self) -> None:
        folded = self.fold(1)
        for moment in (self.now + step for step in [timedelta(0), *STEPS]):
            for member in MEMBERS:
                expected = self.naive(member, moment)
                assert self.quotas.standing(*member, self.roles[member], moment) == expected
                assert folded.standing(*member, self.roles[member], moment) == expected
            for guild_id in (SERVER, None):
                for period in Period:
                    assert self.quotas.usage(guild_id, moment, period) == folded.usage(
                        guild_id, moment, period
                    )


TestAnyOrder = QuotasMachine.TestCase
TestAnyOrder.settings = settings(max_examples=250, stateful_step_count=40, deadline=None)


@settings(deadline=None, max_examples=100)
@given(rules=st.lists(SOME_RULES, min_size=1, max_size=5), seed=st.integers(0, 99))
def test_no_role_allows_more_usual_videos_than_the_one_that_applies(rules: list[Rule], seed: int) -> None:
    quotas = quotas_of()
    for role_id, one in enumerate(rules):
        quotas.set_rule(SERVER, Scope.ROLE, role_id, one)
    roles = list(range(len(rules)))
    random.Random(seed).shuffle(roles)
    applied = quotas.applied(SERVER, MEMBER, roles)

    def usual_videos_in_210_days(one: Rule) -> float:
        seconds = float("inf") if one.seconds is None else one.seconds
        videos = float("inf") if one.videos is None else one.videos
        return min(videos * 5, seconds) * (210 * DAY // one.per.length)

    assert usual_videos_in_210_days(applied.rule) == max(map(usual_videos_in_210_days, rules))
    assert applied == quotas.applied(SERVER, MEMBER, sorted(roles))


@settings(deadline=None, max_examples=100)
@given(
    limit=st.builds(Rule, st.none() | st.integers(1, 5), st.integers(1, 30), st.sampled_from(Period)),
    asked=st.lists(st.tuples(SECONDS, st.integers(0, 90)), max_size=40),
)
def test_no_window_ever_holds_more_than_its_rule(limit: Rule, asked: list[tuple[int, int]]) -> None:
    quotas, now, taken = quotas_of(limit), START, []
    for job_id, (seconds, minutes) in enumerate(asked):
        now += minutes * (limit.per.length / 60)
        try:
            quotas.reserve(job_id, SERVER, MEMBER, [], seconds, now)
        except QuotaExceeded:
            continue
        taken.append((now, seconds))
    for start, _ in taken:
        inside = [seconds for at, seconds in taken if start <= at < start + limit.per.length]
        assert limit.videos is None or len(inside) <= limit.videos
        assert limit.seconds is not None
        assert sum(inside) <= limit.seconds
