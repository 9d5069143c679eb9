"""Ends sessions of Postgres that keep a lock for too long: a frozen process may hold one for ever."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

BLOCKED_SECONDS = 1.0  # after which a transaction about leases, which takes milliseconds, waits for one

log = logging.getLogger(__name__)


async def end_blockers(engine: AsyncEngine, pid: int) -> None:
    """End the sessions that the session with this number waits for.

    The server's own limits don't help: one that stopped between two messages of a statement counts as busy.
    """
    blocking = sa.func.unnest(sa.func.pg_blocking_pids(pid)).column_valued("blocking")
    query = sa.select(sa.func.pg_terminate_backend(blocking))
    async with engine.connect() as connection:
        ended = (await connection.execute(query)).all()
    if ended:
        log.warning("Ended %d sessions of the database that kept a lock for too long", len(ended))
