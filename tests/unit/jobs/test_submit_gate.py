"""The gate before the POST: one trial every ten minutes without credit, and none with a refused key."""

from __future__ import annotations

import itertools
import logging
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.jobs.submission.submit_gate import TRIAL_EVERY, SubmitClosed, SubmitGate
from bot.models.states import Reason
from tests.unit.jobs.stage import QuickClock

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def gate(clock: QuickClock) -> SubmitGate:
    return SubmitGate(clock)


def admits(gate: SubmitGate, job_id: int) -> bool:
    try:
        gate.admit(job_id)
    except SubmitClosed:
        return False
    return True


def test_an_open_gate_lets_everybody_through(gate: SubmitGate) -> None:
    assert all(admits(gate, job_id) for job_id in range(20))
    assert gate.reason is None


def test_without_credit_one_of_a_burst_is_the_trial_every_ten_minutes(
    gate: SubmitGate, clock: QuickClock
) -> None:
    gate.close(Reason.CREDIT)
    with pytest.raises(SubmitClosed) as refused:
        gate.check()
    assert refused.value.reason is Reason.CREDIT
    assert not any(admits(gate, job_id) for job_id in range(20))
    clock.advance(TRIAL_EVERY - MOMENT)
    assert not any(admits(gate, job_id) for job_id in range(20))
    clock.advance(MOMENT)
    gate.check()  # who only looks takes nothing
    gate.check()
    assert [job_id for job_id in range(20) if admits(gate, job_id)] == [0]
    clock.advance(TRIAL_EVERY)
    assert [job_id for job_id in range(20, 40) if admits(gate, job_id)] == [20]


def test_the_trial_may_be_repeated_and_opens_the_gate(gate: SubmitGate, clock: QuickClock) -> None:
    gate.close(Reason.CREDIT)
    clock.advance(TRIAL_EVERY)
    assert admits(gate, 1)
    assert admits(gate, 1)
    gate.open()
    assert admits(gate, 2)


def test_a_trial_that_is_refused_again_waits_another_ten_minutes(gate: SubmitGate, clock: QuickClock) -> None:
    gate.close(Reason.CREDIT)
    clock.advance(TRIAL_EVERY)
    assert admits(gate, 1)
    clock.advance(timedelta(minutes=1))
    gate.close(Reason.CREDIT)
    assert not admits(gate, 1)
    clock.advance(TRIAL_EVERY - MOMENT)
    assert not admits(gate, 2)
    clock.advance(MOMENT)
    assert admits(gate, 2)


def test_a_trial_that_is_not_sent_after_all_makes_way_at_once(gate: SubmitGate, clock: QuickClock) -> None:
    gate.close(Reason.CREDIT)
    clock.advance(TRIAL_EVERY)
    assert admits(gate, 1)
    gate.release(2)
    assert not admits(gate, 2)
    gate.release(1)
    assert admits(gate, 2)
    assert not admits(gate, 1)


def test_a_trial_whose_lost_post_is_found_opens_the_gate(gate: SubmitGate, clock: QuickClock) -> None:
    gate.close(Reason.CREDIT)
    clock.advance(TRIAL_EVERY)
    assert admits(gate, 1)
    gate.found(2)
    assert gate.reason is Reason.CREDIT
    gate.found(1)
    assert gate.reason is None


def test_a_refused_key_lets_nobody_through_however_long(gate: SubmitGate, clock: QuickClock) -> None:
    gate.close(Reason.KEY)
    clock.advance(timedelta(days=9))
    assert not any(admits(gate, job_id) for job_id in range(20))
    assert gate.key_doubted.is_set()
    gate.open()
    assert not gate.key_doubted.is_set()
    assert admits(gate, 1)


def test_the_log_has_a_line_for_each_change_and_none_for_each_refusal(
    gate: SubmitGate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gate.open()
    for reason in (Reason.CREDIT, Reason.CREDIT, Reason.KEY, Reason.KEY):
        gate.close(reason)
        assert not admits(gate, 1)
    gate.open()
    gate.open()
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR, logging.INFO]
    assert "No credit is left" in caplog.messages[0]
    assert "one every 10 minutes is tried" in caplog.messages[0]
    assert "check GMI_API_KEY" in caplog.messages[1]


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order: no two trials in ten minutes, and none with a refused key."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = QuickClock()
        self.gate = SubmitGate(self.clock)
        self.next_job = 0
        self.sent: list[tuple[int, datetime]] = []  # trials that have been sent since the gate closed

    @rule(minutes=st.integers(0, 15))
    def pass_time(self, minutes: int) -> None:
        self.clock.advance(timedelta(minutes=minutes))

    @rule(reason=st.sampled_from([Reason.CREDIT, Reason.KEY]))
    def refused(self, reason: Reason) -> None:
        if self.gate.reason is not reason:
            self.sent.clear()
        self.gate.close(reason)

    @rule()
    def accepted(self) -> None:
        self.gate.open()
        self.sent.clear()

    @rule(sends=st.booleans())
    def ask(self, sends: bool) -> None:
        self.next_job += 1
        admitted = admits(self.gate, self.next_job)
        if self.gate.reason is None:
            assert admitted
        elif self.gate.reason is Reason.KEY:
            assert not admitted
        if admitted and not sends:
            self.gate.release(self.next_job)
        elif admitted and self.gate.reason is not None:
            self.sent.append((self.next_job, self.clock.now()))

    @invariant()
    def trials_keep_their_distance(self) -> None:
        moments = [at for _, at in self.sent]
        assert all(later - earlier >= TRIAL_EVERY for earlier, later in itertools.pairwise(moments))


AnyOrder.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
