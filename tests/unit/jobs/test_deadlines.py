"""Until when a job is polled, state by state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.jobs.submission.deadlines import polled_until
from bot.models.jobs import Charge
from bot.models.states import Reason, State
from tests.unit.jobs.stage import DEADLINE, START, VIDEO, new_job

NOW = START + timedelta(minutes=10)
SINCE = START + timedelta(minutes=5)
DAY = timedelta(days=1)
NO_LINK = {"request_id": "r", "reason": Reason.NO_RESULT}


@pytest.mark.parametrize(
    ("state", "fields", "until"),
    [
        (State.SUBMITTING, {}, NOW + timedelta(minutes=1)),
        (State.SUBMITTING, {"waiting_until": START}, None),
        (State.SUBMITTING, {"request_id": "r"}, START + DEADLINE),
        (State.QUEUED, {"request_id": "r"}, START + DEADLINE),
        (State.PROCESSING, {"request_id": "r"}, START + DEADLINE),
        (State.OVERDUE, {"request_id": "r"}, SINCE + DAY),
        (State.UNCONFIRMED, {}, SINCE + DAY),
        (State.SUCCEEDED, {"request_id": "r"}, SINCE + timedelta(seconds=30)),
        (State.SUCCEEDED, {"request_id": "r", "results": VIDEO}, None),
        (State.SUCCEEDED, NO_LINK, START + DEADLINE),
        (State.SUCCEEDED, NO_LINK | {"charge": Charge.REFUNDED}, START + DEADLINE + DAY),
        (
            State.SUCCEEDED,
            NO_LINK | {"state_since": START + DEADLINE},
            START + DEADLINE + timedelta(minutes=1),
        ),
        (State.DELIVERED, {"request_id": "r", "results": VIDEO}, None),
        (State.FAILED, {"request_id": "r"}, None),
        (State.CANCELLED, {}, None),
        (State.REFUSED, {}, None),
    ],
)
def test_until_when_a_job_is_polled(state: State, fields: dict[str, Any], until: object) -> None:
    job = replace(new_job(), state=state, **({"state_since": SINCE} | fields))
    assert polled_until(job, NOW, DEADLINE) == until


def test_a_job_without_the_moment_of_its_state_counts_from_its_request() -> None:
    job = replace(new_job(), state=State.UNCONFIRMED, state_since=None)
    assert polled_until(job, NOW, DEADLINE) == START + DAY
