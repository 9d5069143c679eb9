"""Does what other processes ask of the jobs that this one owns, and writes what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from bot.clock import Clock, sleep
from bot.delivery.routes import Undeliverable
from bot.jobs.cancellation import CancelResult
from bot.jobs.processes.relay import LIFE, Action, Answer, content_to_location, content_to_token
from bot.jobs.service import JobService
from bot.models.states import State
from bot.storage.processes.relay import RelayedAction
from bot.storage.storage import Storage, StorageFault, StorageUnavailable
from bot.tasks import Tasks

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds; a hint comes sooner, where none is lost
SWEEP_EVERY = timedelta(minutes=1)
ANSWER_AGAIN = 1.0  # seconds until an answer is written again that the database did not take


class ActionInbox:
    """Takes each action once; where an earlier process left one unanswered, once more."""

    def __init__(
        self,
        storage: Storage,
        jobs: JobService,
        serves: Callable[[int], bool],
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self._storage = storage
        self._store = storage.relay
        self._jobs = jobs
        self._serves = serves
        self._clock = clock
        self._tasks = tasks
        self._wake = asyncio.Event()
        self._taken: set[str] = set()  # the actions that are being done or answered
        self._next_sweep = clock.now()

    def heard(self) -> None:
        """Take a hint that somebody asks for something."""
        self._wake.set()

    async def run(self) -> None:
        """Look for actions, for ever; while the database is in trouble, those who asked are told so."""
        while True:
            self._wake.clear()
            try:
                await self._look()
            except (StorageUnavailable, StorageFault) as trouble:
                log.warning("Not known what other processes ask for (%s)", trouble)
            await self._clock.wait(self._wake, LOOK_EVERY)

    async def _look(self) -> None:
        for action in await self._store.asked():
            if action.id not in self._taken and self._serves(action.shard):
                self._taken.add(action.id)
                self._tasks.spawn(self._take(action), f"{action.action} job {action.job_id} for another")
        if self._clock.now() >= self._next_sweep:
            await self._store.remove_old()
            self._next_sweep = self._clock.now() + SWEEP_EVERY

    async def _take(self, action: RelayedAction) -> None:
        try:
            await self._answer(action, await self._do_safely(action))
        finally:
            self._taken.discard(action.id)

    async def _do_safely(self, action: RelayedAction) -> str:
        try:
            return await self._do(action)
        except StorageUnavailable as trouble:
            log.error("Job %s: %s met storage trouble (%s)", action.job_id, action.action, trouble)
            return Answer.STORAGE
        except Exception:
            log.exception("Job %s: %s failed", action.job_id, action.action)
            return Answer.FAILED

    async def _do(self, action: RelayedAction) -> str:
        """Do an action as if whoever clicked had reached this process."""
        wish, content = Action(action.action), action.content
        match wish:
            case Action.CANCEL:
                return await self._cancel(action.job_id, content["user_id"])
            case Action.DELETE:
                return await self._jobs.delete(action.job_id)
        job = await self._storage.jobs.get(action.job_id)
        assert job is not None, "the row of a job stays"
        if wish is Action.RENEW_TOKEN:
            await self._jobs.renew_token(job, *content_to_token(content))
            return Answer.DONE
        try:
            await self._jobs.move_card(job, content_to_location(content))
        except Undeliverable as error:
            log.warning("Not shown: %s", error)
            return Answer.NOT_SHOWN
        return Answer.DONE

    async def _cancel(self, job_id: int, user_id: int) -> CancelResult:
        result = await self._jobs.cancel(job_id, user_id)
        if result is CancelResult.ENDED:
            job = await self._storage.jobs.get(job_id)
            if job is not None and job.state is State.CANCELLED and job.cancelled_by == user_id:
                return CancelResult.YES  # an earlier process did it, and ended before it could say so
        return result

    async def _answer(self, action: RelayedAction, answer: str) -> None:
        """Write an answer, again and again while somebody may wait for it."""
        until = self._clock.now() + timedelta(seconds=LIFE)
        while True:
            try:
                await self._store.answer(action.id, answer)
            except (StorageUnavailable, StorageFault) as trouble:
                log.warning(
                    "Job %s: the answer to %s is not saved (%s)", action.job_id, action.action, trouble
                )
            else:
                return
            if self._clock.now() >= until:
                return
            await sleep(self._clock, ANSWER_AGAIN)
