"""With whom saved references are shared, and who used those of others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models.cast import OthersUse, Share, Sharing
from bot.storage.cast_rows import row_to_share, row_to_use, share_values
from bot.storage.cast_tables import cast_pictures, cast_references, cast_shares, cast_uses
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

    async def erase_member(self, user_id: int) -> None:
        """Erase what a member saved, what others shared with them, and what they used."""
        theirs = sa.select(cast_references.c.id).where(cast_references.c.owner_id == user_id)
        parts = (cast_pictures, cast_shares, cast_uses)
        with_them = (_share.level == Sharing.PEOPLE.value, _share.target_id == user_id)
        await self._database.write(
            self._seconds,
            *(table.delete().where(table.c.reference_id.in_(theirs)) for table in parts),
            cast_references.delete().where(cast_references.c.owner_id == user_id),
            cast_shares.delete().where(*with_them),
            cast_uses.delete().where(_use.user_id == user_id),
        )

    async def erase_server(self, guild_id: int) -> list[int]:
        """Erase what is shared with a server, and where else it stands; return which references those are."""
        with_it = (_share.level == Sharing.SERVER.value, _share.target_id == guild_id)
        query = sa.select(_share.reference_id).where(*with_it, _share.removed_at.is_(None))
        found = await self._database.rows(query.order_by(_share.reference_id), self._seconds)
        await self._database.write(
            self._seconds,
            cast_shares.delete().where(*with_it),
            cast_shares.update().where(_share.guild_id == guild_id).values(guild_id=None),
        )
        return [row.reference_id for row in found]
