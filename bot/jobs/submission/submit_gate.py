"""Stops submitting for everybody while GMI Cloud takes no request: no credit is left, or the key is refused.

Without credit one request every ten minutes is let through as a trial; the first that GMI accepts opens the
gate. A refused key is never tried with a request: `KeyCheck` asks with it once a minute. One process stores
nothing of this: a restart begins with the gate open, and the first request finds out how it stands. Several
tell each other. Status questions and delivery never ask the gate.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from bot.clock import Clock
from bot.models.states import Reason

log = logging.getLogger(__name__)

TRIAL_EVERY = timedelta(minutes=10)  # while no credit is left

_CLOSED = {
    Reason.CREDIT: "No credit is left at GMI Cloud: top it up. Requests of members are refused; one every "
    f"{TRIAL_EVERY.seconds // 60} minutes is tried, until GMI Cloud accepts one",
    Reason.KEY: "GMI Cloud refuses the API key: check GMI_API_KEY. Requests of members are refused until the "
    "key is accepted",
}


class SubmitClosed(Exception):  # noqa: N818 - it names what happened
    """Nothing is submitted now, for a reason that concerns everybody."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


class SubmitGate:
    """Knows whether requests are submitted. Nothing here awaits: of a burst only one is the trial."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._reason: Reason | None = None
        self._trial: int | None = None  # the job that was let through last
        self._next_trial = clock.now()
        self.on_change: Callable[[Reason | None], None] = lambda _: None  # called with what GMI said here
        self.key_doubted = asyncio.Event()  # the key was refused somewhere, and is to be checked

    @property
    def reason(self) -> Reason | None:
        """Return why nothing is submitted; None while the gate is open."""
        return self._reason

    def check(self, job_id: int | None = None) -> None:
        """Raise SubmitClosed if a request would be refused now; take nothing."""
        if self._reason is None or (job_id is not None and job_id == self._trial):
            return
        if self._reason is Reason.CREDIT and self._clock.now() >= self._next_trial:
            return
        raise SubmitClosed(self._reason)

    def admit(self, job_id: int) -> None:
        """Let a job through: it is the trial where one is due.

        The trial is let through again and again, as its POST may be repeated. Raises SubmitClosed.
        """
        self.check(job_id)
        if self._reason is not None and job_id != self._trial:
            self._trial = job_id
            self._next_trial = self._clock.now() + TRIAL_EVERY

    def release(self, job_id: int) -> None:
        """Let another job be the trial at once, where this one was it and is not sent after all."""
        if job_id == self._trial:
            self._trial = None
            self._next_trial = self._clock.now()

    def close(self, reason: Reason) -> None:
        """Submit nothing, because GMI refused a request for a reason that concerns everybody."""
        self._close(reason)
        self.on_change(reason)

    def follow(self, reason: Reason | None) -> None:
        """Close or open as another process does, which has heard it of GMI."""
        if reason is None:
            self._open()
        else:
            self._close(reason)

    def _close(self, reason: Reason) -> None:
        if reason is not self._reason:
            log.error(_CLOSED[reason])
        self._reason, self._trial = reason, None
        self._next_trial = self._clock.now() + TRIAL_EVERY
        if reason is Reason.KEY:
            self.key_doubted.set()
        else:
            self.key_doubted.clear()  # who is told of the credit was let in with the key

    def found(self, job_id: int) -> None:
        """Submit again where the trial was accepted, although the answer to its POST was lost."""
        if job_id == self._trial:
            self.open()

    def open(self) -> None:
        """Submit again: GMI has accepted a request, or the key that it had refused."""
        closed = self._reason is not None
        self._open()
        if closed:
            self.on_change(None)

    def _open(self) -> None:
        if self._reason is not None:
            log.info("Requests of members are sent to GMI Cloud again")
        self._reason = self._trial = None
        self.key_doubted.clear()
