"""With whom saved references are shared, and who used those of others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models.cast import OthersUse, Share
from bot.storage.cast_rows import row_to_share, row_to_use, share_values
from bot.storage.cast_tables import cast_shares, cast_uses
from bot.storage.columns import to_micros
from bot.storage.database import Database

_share, _use = cast_shares.c, cast_uses.c


class CastShareStore:
    """Shares, those in force and those that were removed, and how often others used a reference."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seconds = database.limits.interactive

    async def all(self, reference_id: int) -> list[Share]:
        """Return the shares of a reference, the removed ones too, oldest first."""
        query = cast_shares.select().where(_share.reference_id == reference_id)
        query = query.order_by(_share.agreed_at, _share.target_id)
        return await self._database.read(query, row_to_share, self._seconds)

    async def save(self, reference_id: int, share: Share) -> None:
        """Keep a share in place of an older one with the same person or server."""
        key = {"reference_id": reference_id, "level": share.level.value, "target_id": share.target_id}
        await self._database.replace(cast_shares, key, share_values(share))

    async def remove(self, reference_id: int, shares: Sequence[Share], by_id: int, at: datetime) -> None:
        """End shares: from now on nobody can use the reference through them."""
        removed = {"removed_by": by_id, "removed_at": to_micros(at)}
        statements = [
            cast_shares.update()
            .where(
                _share.reference_id == reference_id,
                _share.level == share.level.value,
                _share.target_id == share.target_id,
            )
            .values(**removed)
            for share in shares
        ]
        if statements:
            await self._database.write(self._seconds, *statements)

    async def of_server(self, guild_id: int) -> dict[int, list[Share]]:
        """Return the shares in force with a whole server, by reference."""
        return await self._by_reference(_share.level == "server", _share.target_id == guild_id)

    async def note_use(self, reference_id: int, user_id: int, at: datetime) -> None:
        """Count that somebody else used a reference."""

        async def count(connection: AsyncConnection) -> None:
            here = (_use.reference_id == reference_id, _use.user_id == user_id)
            again = cast_uses.update().where(*here).values(times=_use.times + 1, last_at=to_micros(at))
            if not (await connection.execute(again)).rowcount:
                first = {"reference_id": reference_id, "user_id": user_id, "times": 1}
                await connection.execute(cast_uses.insert().values(**first, last_at=to_micros(at)))

        await self._database.run(self._database.limits.background, count)

    async def uses(self, reference_ids: Collection[int]) -> dict[int, list[OthersUse]]:
        """Return who else used these references, the latest first."""
        query = cast_uses.select().where(_use.reference_id.in_(reference_ids))
        query = query.order_by(_use.last_at.desc(), _use.user_id)
        found: defaultdict[int, list[OthersUse]] = defaultdict(list)
        for use in await self._database.read(query, row_to_use, self._seconds):
            found[use.reference_id].append(use)
        return dict(found)

    async def _by_reference(self, *conditions: sa.ColumnElement[bool]) -> dict[int, list[Share]]:
        query = cast_shares.select().where(*conditions, _share.removed_at.is_(None))
        found: defaultdict[int, list[Share]] = defaultdict(list)
        for row in await self._database.rows(query, self._database.limits.background):
            found[row.reference_id].append(row_to_share(row))
        return dict(found)
