"""Saved references: their names, their pictures, who may use them, and who did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models.cast import CastLimits, SavedPicture, SavedReference, Sharing, in_order, name_key
from bot.storage.cast_rows import (
    INFO,
    picture_row,
    reference_row,
    row_to_info,
    row_to_picture,
    row_to_reference,
    row_to_share,
)
from bot.storage.cast_tables import cast_pictures, cast_references, cast_shares, cast_uses
from bot.storage.database import Database
from bot.storage.errors import StorageConflict
from bot.storage.privacy.compaction import Compaction

USABLE_MAX = 500  # references that are found at once; a server could share any number

_ref, _share = cast_references.c, cast_shares.c
IN_FORCE = _share.removed_at.is_(None)


class NotKept(StrEnum):
    """Why a reference was not kept."""

    NAME_TAKEN = "name_taken"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"


class CastStore:
    """What members saved under names. Whoever lists references gets no bytes of pictures."""

    def __init__(self, database: Database, compaction: Compaction) -> None:
        self._database = database
        self._compaction = compaction
        self._seconds = database.limits.interactive

    async def add(
        self, reference: SavedReference, pictures: Sequence[SavedPicture], limits: CastLimits
    ) -> NotKept | None:
        """Keep a reference with all of its pictures, or return why not. Raises StorageUnavailable."""

        async def insert(connection: AsyncConnection) -> NotKept | None:
            count, size = (await connection.execute(_kept_by(reference.owner_id))).one()
            if count >= limits.references:
                return NotKept.TOO_MANY
            if size + sum(picture.info.size for picture in pictures) > limits.size:
                return NotKept.TOO_LARGE
            await connection.execute(cast_references.insert().values(reference_row(reference)))
            rows = [picture_row(reference.id, picture) for picture in pictures]
            await connection.execute(cast_pictures.insert().values(rows))
            return None

        if await self.find_own(reference.owner_id, reference.name) is not None:
            return NotKept.NAME_TAKEN
        try:
            return await self._database.run(self._database.limits.new_job, insert)
        except StorageConflict:
            return NotKept.NAME_TAKEN

    async def kept_by(self, owner_id: int) -> tuple[int, int]:
        """Return how many references a member keeps, and how many bytes their pictures have."""
        row = (await self._database.rows(_kept_by(owner_id), self._seconds))[0]
        return row.kept, row.size

    async def usable(
        self, user_id: int, guild_id: int | None, *, starting: str = "", limit: int = USABLE_MAX
    ) -> list[SavedReference]:
        """Return what a member may use in a server (None: elsewhere): their own first, then what is shared.

        With `starting`, only those whose name begins like that.
        """
        condition = sa.or_(_ref.owner_id == user_id, _shared_with(user_id, guild_id))
        if starting:
            prefix = _ref.name_key.startswith(name_key(starting), autoescape=True)
            condition = sa.and_(condition, prefix)
        own_first = sa.case((_ref.owner_id == user_id, 0), else_=1)
        return in_order(await self._read(condition, own_first, limit=limit), user_id, guild_id)

    async def find(self, user_id: int, guild_id: int | None, name: str) -> SavedReference | None:
        """Return the reference that a member means by a name in a server, None where there is none."""
        theirs = sa.or_(_ref.owner_id == user_id, _shared_with(user_id, guild_id))
        found = await self._read(sa.and_(theirs, _ref.name_key == name_key(name)))
        return next(iter(in_order(found, user_id, guild_id)), None)

    async def find_own(self, owner_id: int, name: str) -> SavedReference | None:
        """Return a member's own reference of this name."""
        named = sa.and_(_ref.owner_id == owner_id, _ref.name_key == name_key(name))
        return next(iter(await self._read(named)), None)

    async def of_owner(self, owner_id: int) -> list[SavedReference]:
        """Return what a member keeps, by name."""
        return in_order(await self._read(_ref.owner_id == owner_id), owner_id, None)

    async def get(self, reference_id: int) -> SavedReference | None:
        """Return a reference, whoever may use it."""
        return next(iter(await self._read(_ref.id == reference_id)), None)

    async def shared_in(self, guild_id: int) -> list[SavedReference]:
        """Return what was shared in a server, with all of it or with people: its moderators can end that."""
        here = sa.exists().where(_share.reference_id == _ref.id, _share.guild_id == guild_id, IN_FORCE)
        found = await self._read(here)
        return sorted(found, key=lambda reference: (name_key(reference.name), reference.id))

    async def pictures(self, reference_id: int) -> list[SavedPicture]:
        """Return the pictures of a reference with their bytes, in their order."""
        query = cast_pictures.select().where(cast_pictures.c.reference_id == reference_id)
        seconds = self._database.limits.background
        return await self._database.read(query.order_by(cast_pictures.c.position), row_to_picture, seconds)

    async def previews(self, reference_ids: Collection[int]) -> dict[int, bytes]:
        """Return a small picture of each of these references."""
        c = cast_pictures.c
        query = sa.select(c.reference_id, c.preview).where(c.reference_id.in_(reference_ids), c.position == 1)
        rows = await self._database.rows(query, self._seconds)
        return {row.reference_id: row.preview for row in rows}

    async def rename(self, reference_id: int, name: str) -> bool:
        """Give a reference another name; return whether it was free."""
        renamed = cast_references.update().where(_ref.id == reference_id)
        try:
            await self._database.write(self._seconds, renamed.values(name=name, name_key=name_key(name)))
        except StorageConflict:
            return False
        return True

    async def delete(self, reference_id: int) -> None:
        """Erase a reference with all that belongs to it."""
        parts = (cast_pictures, cast_shares, cast_uses)
        await self._database.write(
            self._seconds,
            cast_references.delete().where(_ref.id == reference_id),
            *(table.delete().where(table.c.reference_id == reference_id) for table in parts),
        )
        self._compaction.request()

    async def _read(
        self, condition: sa.ColumnElement[bool], *order: sa.ColumnElement[int], limit: int = USABLE_MAX
    ) -> list[SavedReference]:
        """Return references with what is known of their pictures and with the shares in force."""
        query = cast_references.select().where(condition).order_by(*order, _ref.id).limit(limit)
        found = await self._database.read(query, row_to_reference, self._seconds)
        ids = [reference.id for reference in found]
        if not ids:
            return []
        c = cast_pictures.c
        known = sa.select(c.reference_id, *INFO).where(c.reference_id.in_(ids)).order_by(c.position)
        shares = cast_shares.select().where(_share.reference_id.in_(ids), IN_FORCE)
        shares = shares.order_by(_share.agreed_at, _share.target_id)
        infos = await self._database.rows(known, self._seconds)
        shared = await self._database.rows(shares, self._seconds)
        kept = {row.reference_id for row in infos}
        return [
            replace(
                reference,
                pictures=tuple(row_to_info(row) for row in infos if row.reference_id == reference.id),
                shares=tuple(row_to_share(row) for row in shared if row.reference_id == reference.id),
            )
            for reference in found
            if reference.id in kept  # else it was deleted meanwhile
        ]


def _kept_by(owner_id: int) -> sa.Select[Any]:
    size = sa.select(sa.func.coalesce(sa.func.sum(cast_pictures.c.size), 0)).where(
        cast_pictures.c.reference_id.in_(sa.select(_ref.id).where(_ref.owner_id == owner_id))
    )
    number = sa.func.count().label("kept")
    return sa.select(number, size.scalar_subquery().label("size")).where(_ref.owner_id == owner_id)


def _shared_with(user_id: int, guild_id: int | None) -> sa.ColumnElement[bool]:
    """Return the condition under which somebody else may use a reference, as `usable_by` has it."""
    with_them = sa.and_(_share.level == Sharing.PEOPLE.value, _share.target_id == user_id)
    if guild_id is not None:
        here = sa.and_(_share.level == Sharing.SERVER.value, _share.target_id == guild_id)
        with_them = sa.or_(with_them, here)
    return _ref.id.in_(sa.select(_share.reference_id).where(with_them, IN_FORCE))
