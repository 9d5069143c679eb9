"""Checks a refused key with a question that costs nothing, until GMI Cloud accepts it again."""

from __future__ import annotations

import logging

from bot.clock import Clock, sleep
from bot.gmi.client import GmiCloud, GmiError
from bot.jobs.submission.submit_gate import SubmitGate
from bot.models.states import Reason

log = logging.getLogger(__name__)

CHECK_EVERY = 60.0  # seconds


class KeyCheck:
    """Closes the gate where a key that is in doubt is refused, and opens it once it is accepted."""

    def __init__(self, gate: SubmitGate, gmi: GmiCloud, model: str, clock: Clock) -> None:
        self._gate = gate
        self._gmi = gmi
        self._model = model
        self._clock = clock

    async def run(self) -> None:
        """Check the key whenever it is in doubt, for ever.

        Where a status question was refused, it is checked at once, before anything is closed: GMI may only
        keep that one record to itself. A refused request has closed the gate already.
        """
        while True:
            await self._clock.wait(self._gate.key_doubted, None)
            if self._gate.reason is Reason.KEY:
                await sleep(self._clock, CHECK_EVERY)
            if self._gate.key_doubted.is_set():
                await self._check()

    async def _check(self) -> None:
        try:
            accepted = await self._gmi.accepts_key(self._model)
        except GmiError as error:
            log.info("Not known whether GMI Cloud accepts the API key (%s)", error)
            accepted = None
        closed = self._gate.reason is Reason.KEY  # asked now: a request may have been accepted meanwhile
        if accepted is False and self._gate.key_doubted.is_set():
            self._gate.close(Reason.KEY)
        elif closed and accepted:
            self._gate.open()
        elif not closed:
            self._gate.key_doubted.clear()  # the poller raises it again
