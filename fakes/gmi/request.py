"""One request that the stand-in GMI Cloud accepted, and how it stands as time passes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fakes.gmi.script import CLOCKS, Outcome


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a request takes, in seconds."""

    queued: float = 3.0
    processing: float = 8.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a request's record says at one moment."""

    status: str
    since: datetime
    outcome: dict[str, Any] | None = None


@dataclass(slots=True)
class Request:
    """One accepted request."""

    request_id: str
    model: str
    payload: dict[str, Any]
    created: datetime
    outcome: Outcome
    timing: Timing
    link_base: str
    videos: list[Path] = field(default_factory=list)
    rendering: asyncio.Task[None] | None = None
    error: str | None = None
    cancelled: datetime | None = None

    @property
    def due(self) -> datetime:
        """Return when it ends, if its video is rendered by then."""
        seconds = self.outcome.delay + self.timing.queued + self.timing.processing
        return self.created + timedelta(seconds=seconds)

    def standing(self, now: datetime) -> Standing:
        """Return how this request stands at that moment."""
        if self.cancelled is not None:
            return Standing("cancelled", self.cancelled)
        if self.outcome.synchronous:
            return self._end(self.created)
        if self.outcome.stuck:
            return Standing("queued", self.created)
        start = self.created + timedelta(seconds=self.outcome.delay)
        dispatched = start + timedelta(seconds=self.timing.queued / 2)
        working = start + timedelta(seconds=self.timing.queued)
        ended = self.due
        if now < dispatched:
            return Standing("queued", self.created)
        if now < working:
            return Standing("dispatched", dispatched)
        rendered = self.rendering is not None and self.rendering.done()
        # A failure that is scripted needs no video, all else waits for the one that is being made.
        if now < ended or (self.outcome.status == "success" and not rendered):
            return Standing(self.outcome.working_word, working)
        return self._end(ended)

    def record(self, now: datetime, *, listed: bool = False) -> dict[str, Any]:
        """Return the record that a GET shows at that moment, or the list."""
        standing = self.standing(now)
        tells_end = self.outcome.listed_end or not listed
        if not self.outcome.echoes or (listed and not self.outcome.listed_echo):
            payload = {}
        else:
            payload = self.outcome.defaults | self.payload
        return {
            "request_id": self.request_id,
            "model": self.model,
            "status": standing.status,
            "outcome": standing.outcome if tells_end and self._outcome_there(standing, now) else None,
            "payload": payload,
            "created_at": self._told(self.created),
            "updated_at": self._told(standing.since),
            "queued_at": self._told(self.created),
            **(self.outcome.top_level if standing.status == self.outcome.status and tells_end else {}),
        }

    def _told(self, moment: datetime) -> Any:
        return CLOCKS[self.outcome.clock](int(moment.timestamp()))

    def _outcome_there(self, standing: Standing, now: datetime) -> bool:
        return now >= standing.since + timedelta(seconds=self.outcome.link_after)

    def _end(self, ended: datetime) -> Standing:
        if self.outcome.status != "success":
            return Standing(self.outcome.status, ended, self.outcome.result)
        if self.error is not None:
            return Standing("failed", ended, {"error": self.error})
        if self.rendering is not None:
            self.rendering.result()  # a renderer with a bug is to be heard, not to be taken for no result
        links = [f"{self.link_base}/media/{path.name}" for path in self.videos]
        return Standing(self.outcome.success_word, ended, self.outcome.success(links))
