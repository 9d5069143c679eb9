"""Questions to GMI Cloud: whatever goes wrong with one is logged and comes to a pause, never to an end."""

from __future__ import annotations

import logging

from bot.gmi.client import GmiCloud, GmiError, RequestList, RequestStatus
from bot.polling.tracked import TrackedRequest

log = logging.getLogger(__name__)


class Questions:
    """Asks for the list and for single requests of one model."""

    def __init__(self, gmi: GmiCloud, model: str) -> None:
        self._gmi = gmi
        self._model = model

    async def requests(self) -> tuple[RequestList | None, float]:
        """Return the list, or None; and the seconds that GMI wants to be left alone, 0 if it names none."""
        try:
            return await self._gmi.requests(self._model), 0.0
        except GmiError as error:
            log.warning("No list (%s); every job is asked about singly for a while", error)
            return None, error.retry_after or 0.0
        except Exception:
            log.exception("The list could not be read; every job is asked about singly for a while")
        return None, 0.0

    async def status(self, request: TrackedRequest) -> tuple[RequestStatus | None, float]:
        """Return the status of one request, or None; and the seconds that GMI wants to be left alone.

        Trouble with the question says nothing about the job: it stays open until its deadline.
        """
        assert request.request_id is not None, "a lost job has nothing to be asked by"
        try:
            return await self._gmi.status(request.request_id), 0.0
        except GmiError as error:
            log.warning("Job %s: no status (%s)", request.job.id, error)
            return None, error.retry_after or 0.0
        except Exception:
            log.exception("Job %s: its status could not be read", request.job.id)
        return None, 0.0
