"""Asks the process that owns a job to do something, and waits for what came of it.

An action that was asked for happens within a minute or not at all, also where its owner has just died and
another process takes over. Whoever asked waits for a part of that time only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from bot.clock import Clock
from bot.models.jobs import CardLocation, Job
from bot.storage.columns import optional_micros, optional_moment, to_micros, to_moment
from bot.storage.processes.relay import RelayedAction, RelayStore
from bot.storage.storage import StorageFault, StorageUnavailable

log = logging.getLogger(__name__)

LIFE = 50.0  # seconds in which an owner may begin an action: a take-over takes up to 13
WAIT = 10.0  # seconds that whoever asked waits
WAIT_FOR_VIDEO = 40.0  # ... where a video may have to be fetched first
LOOK_EVERY = 1.0  # seconds between two looks whether there is an answer; a hint comes sooner


class Action(StrEnum):
    """What can be asked of the owner of a job. The values are stored: never rename one."""

    CANCEL = "cancel"
    DELETE = "delete"
    SHOW = "show"
    RENEW_TOKEN = "renew token"  # noqa: S105 - the name of an action


class Answer(StrEnum):
    """What came of an action, where it has no result of its own. The values are stored."""

    DONE = "done"
    NOT_SHOWN = "not shown"
    STORAGE = "storage"  # the owner could not save anything
    FAILED = "failed"  # nobody expected what went wrong; the owner has logged it


class OwnerUnheard(Exception):  # noqa: N818 - it names what happened
    """The owner of a job has not answered yet: what was asked of it may still happen."""


class OwnerFailed(Exception):  # noqa: N818 - it names what happened
    """The owner of a job met a failure that nobody expected."""


class JobRelay:
    """Writes down what is asked of other processes, and hears their answers."""

    def __init__(self, store: RelayStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._waiting: dict[str, asyncio.Event] = {}

    def heard(self, action_id: str | None) -> None:
        """Take a hint that an action was answered; None stands for any."""
        for waiting_id, event in self._waiting.items():
            if action_id is None or action_id == waiting_id:
                event.set()

    async def ask(self, job: Job, action: Action, content: dict[str, Any]) -> str:
        """Have the owner of a job do something, and return its answer.

        Raises OwnerUnheard, StorageUnavailable where the owner could not save, OwnerFailed.
        """
        asked = RelayedAction(uuid4().hex, job.id, job.shard, action, content)
        self._waiting[asked.id] = asyncio.Event()
        try:
            await self._store.ask(asked, LIFE)
            answer = await self._answer(asked.id, WAIT_FOR_VIDEO if action is Action.SHOW else WAIT)
        except (StorageUnavailable, StorageFault) as trouble:
            # It may be written all the same: nobody can say that it does not happen.
            log.warning("Job %s: not known whether its process was asked: %s (%s)", job.id, action, trouble)
            answer = None
        finally:
            del self._waiting[asked.id]
        if answer is None:
            raise OwnerUnheard(f"the process of job {job.id} has not answered yet")
        with contextlib.suppress(StorageUnavailable, StorageFault):  # then it is removed by age
            await self._store.remove(asked.id)
        if answer == Answer.STORAGE:
            raise StorageUnavailable("at the process of the job")
        if answer == Answer.FAILED:
            raise OwnerFailed(f"the process of job {job.id} failed; its log says why")
        return answer

    async def _answer(self, action_id: str, seconds: float) -> str | None:
        """Wait so long for what came of an action."""
        event, until = self._waiting[action_id], self._clock.now() + timedelta(seconds=seconds)
        while (left := (until - self._clock.now()).total_seconds()) > 0:
            await self._clock.wait(event, min(LOOK_EVERY, left))
            event.clear()
            with contextlib.suppress(StorageUnavailable):
                if (answer := await self._store.answer_to(action_id)) is not None:
                    return answer
        return None


def location_to_content(location: CardLocation) -> dict[str, Any]:
    """Return the place of a card as JSON keeps it."""
    return {**asdict(location), "token_expires": optional_micros(location.token_expires)}


def content_to_location(content: dict[str, Any]) -> CardLocation:
    """Return the place of a card that was kept as JSON."""
    return CardLocation(**{**content, "token_expires": optional_moment(content["token_expires"])})


def token_to_content(token: str, expires: datetime) -> dict[str, Any]:
    """Return an interaction's token as JSON keeps it."""
    return {"token": token, "expires": to_micros(expires)}


def content_to_token(content: dict[str, Any]) -> tuple[str, datetime]:
    """Return a token that was kept as JSON, and when it expires."""
    return content["token"], to_moment(content["expires"])
