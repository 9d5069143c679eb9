"""Questions to GMI Cloud: whatever goes wrong with one is logged and comes to a pause, never to an end."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bot.gmi.client import GmiCloud, GmiError, RequestList, RequestStatus
from bot.gmi.rate import RequestRate, Traffic
from bot.models.states import Reason
from bot.polling.tracked import TrackedRequest
from bot.telemetry.job_lines import ids_of, job_lines

log = logging.getLogger(__name__)

KEY_PAUSE = (
    60.0  # seconds until a question that met a refused key is asked again: only a person can mend that
)


class Questions:
    """Asks for the list and for single requests of one model."""

    def __init__(
        self,
        gmi: GmiCloud,
        model: str,
        rate: RequestRate,
        on_key_refused: Callable[[], None] | None = None,
    ) -> None:
        self._gmi = gmi
        self._model = model
        self._rate = rate
        self._key_refused = False
        self._on_key_refused = on_key_refused or (lambda: None)

    async def requests(self) -> tuple[RequestList | None, float]:
        """Return the list, or None; and the seconds that GMI wants to be left alone, 0 if it names none."""
        if pause := self._rate.pause_left(Traffic.QUESTIONS):
            return None, pause
        try:
            page = await self._gmi.requests(self._model)
        except GmiError as error:
            return None, self._pause_after(error, "No list (%s); every job is asked about singly for a while")
        except Exception:
            log.exception("The list could not be read; every job is asked about singly for a while")
            return None, 0.0
        self._key_works()
        return page, 0.0

    async def status(self, request: TrackedRequest) -> tuple[RequestStatus | None, float]:
        """Return the status of one request, or None; and the seconds that GMI wants to be left alone.

        Trouble with the question says nothing about the job: it stays open until its deadline.
        """
        assert request.request_id is not None, "a lost job has nothing to be asked by"
        if pause := self._rate.pause_left(Traffic.QUESTIONS):
            return None, pause
        with job_lines(lambda: ids_of(request.job)._replace(request=request.request_id)):
            try:
                status = await self._gmi.status(request.request_id)
            except GmiError as error:
                return None, self._pause_after(error, f"Job {request.job.id}: no status (%s)")
            except Exception:
                log.exception("Job %s: its status could not be read", request.job.id)
                return None, 0.0
        self._key_works()
        return status, 0.0

    def _pause_after(self, error: GmiError, text: str) -> float:
        """Log what went wrong, a refused key once; return the seconds until the question may be repeated."""
        self._rate.met(Traffic.QUESTIONS, error)
        if error.reason is not Reason.KEY:
            log.warning(text, error)
            return error.retry_after or 0.0
        if not self._key_refused:
            log.error(
                "GMI Cloud refuses the API key (%s): check GMI_API_KEY. Until it is accepted, no status can "
                "be read; open jobs stay open until their deadline",
                error,
            )
        self._key_refused = True
        self._on_key_refused()
        return max(KEY_PAUSE, error.retry_after or 0.0)

    def _key_works(self) -> None:
        if self._key_refused:
            log.info("GMI Cloud accepts the API key again")
        self._key_refused = False
