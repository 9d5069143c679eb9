"""Hints from process to process that something stands in a table: by Postgres' NOTIFY, which may get lost.

Whoever waits for something looks by itself as well, every second or two. A hint only saves that time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import sqlalchemy as sa

from bot.clock import Clock, sleep
from bot.storage.database import Database
from bot.storage.errors import translate

log = logging.getLogger(__name__)

CHANNEL = "vidu"
ASKED = "asked"  # the hint that an action waits for its owner; an answer's is the id of its action
ANNOUNCED = "announced"
ANYTHING = ""  # some may have got lost: look at everything

PROBE_EVERY = 30.0  # seconds until a connection that is silent is asked whether it still lives
ANSWERS_WITHIN = 5.0  # seconds
PAUSE_FIRST, PAUSE_MAX = 1.0, 60.0  # seconds before another connection is opened


def tell(hint: str) -> sa.Select[tuple[None]]:
    """Return the statement by which all processes hear a hint once its transaction is committed."""
    return sa.select(sa.func.pg_notify(CHANNEL, hint))


class HintListener:
    """Listens over a connection of its own, and opens another one whenever that is lost."""

    def __init__(self, database: Database, clock: Clock, heard: Callable[[str], None]) -> None:
        self._database = database
        self._clock = clock
        self._heard = heard
        self._pause = PAUSE_FIRST

    async def run(self) -> None:
        """Pass on every hint, for ever."""
        while True:
            try:
                await self._listen()
            except Exception as error:
                # Whatever it is: nothing depends on hints, and the next connection may be better.
                log.warning(
                    "Hints of other processes are not heard (%s); trying again in %g s",
                    translate(error),
                    self._pause,
                )
            await sleep(self._clock, self._pause)
            self._pause = min(self._pause * 2, PAUSE_MAX)

    async def _listen(self) -> None:
        """Listen until the connection is lost. Raises what the driver does."""
        ended = asyncio.Event()
        async with self._database.lasting_connection() as driver:
            driver.add_termination_listener(lambda _: ended.set())
            async with asyncio.timeout(ANSWERS_WITHIN):
                await driver.add_listener(CHANNEL, lambda *told: self._heard(told[-1]))
            self._pause = PAUSE_FIRST
            self._heard(ANYTHING)
            while not ended.is_set():
                await self._clock.wait(ended, PROBE_EVERY)
                async with asyncio.timeout(ANSWERS_WITHIN):
                    await driver.execute("SELECT 1")
