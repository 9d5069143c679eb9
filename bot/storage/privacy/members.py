"""Everything about one member: counted, read, and erased when they ask for it, also after a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.models.cast import Sharing
from bot.models.jobs import Charge
from bot.models.privacy import StoredData
from bot.models.quotas import LONGEST, Scope
from bot.models.states import OPEN
from bot.storage.cast_rows import INFO
from bot.storage.cast_tables import cast_pictures, cast_references, cast_shares, cast_uses
from bot.storage.columns import to_micros, to_moment
from bot.storage.database import Database
from bot.storage.schema import drafts, erasures, jobs, member_blocks, quota_resets, quota_rules

NOBODY = 0  # whom a row belongs to that nothing needs to know any more; Discord's ids are never 0
SECRET = {"token", "token_expires"}  # whoever has a token can change the bot's answers
EXPORTED = [column for column in jobs.c if column.name not in SECRET]


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """That a member asked for everything up to a moment to be erased."""

    user_id: int
    at: datetime


class MemberStore:
    """What there is about one member, in all tables."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def count(self, user_id: int) -> StoredData:
        """Return how much is stored about a member."""
        c = jobs.c
        kept = c.deleted_at.is_(None)
        counts: list[Any] = [
            sa.func.count().filter(kept).label("videos"),
            sa.func.count().filter(kept, c.state.in_(sorted(OPEN))).label("running"),
            sa.func.min(c.created_at).filter(kept).label("oldest"),
            sa.func.count().filter(~kept).label("counted"),
            _number_of(drafts, drafts.c.user_id == user_id).label("drafts"),
            _number_of(quota_rules, *_own_rules(user_id)).label("rules"),
            _number_of(member_blocks, member_blocks.c.user_id == user_id).label("blocks"),
            _number_of(cast_references, cast_references.c.owner_id == user_id).label("references"),
            _number_of(erasures, erasures.c.user_id == user_id).label("erasing"),
        ]
        row = (await self._database.rows(sa.select(*counts).where(c.user_id == user_id)))[0]
        oldest = None if row.oldest is None else to_moment(row.oldest)
        return StoredData(
            row.videos,
            row.running,
            oldest,
            row.counted,
            row.drafts,
            row.rules,
            row.blocks,
            row.references,
            erasing=bool(row.erasing),
        )

    async def jobs_newest_first(
        self, user_id: int, before: tuple[int, int], limit: int
    ) -> list[dict[str, Any]]:
        """Return the next rows of a member's jobs as they are stored, without what is a secret of the bot."""
        c = jobs.c
        query = (
            sa.select(*EXPORTED)
            .where(c.user_id == user_id, sa.tuple_(c.created_at, c.id) < before)
            .order_by(c.created_at.desc(), c.id.desc())
            .limit(limit)
        )
        return [dict(row._mapping) for row in await self._database.rows(query, self._limits.background)]

    async def other_rows(self, user_id: int) -> dict[str, list[dict[str, Any]]]:
        """Return what other tables hold about a member, by what it is."""
        queries = {
            "drafts": drafts.select().where(drafts.c.user_id == user_id),
            "quota_rules": quota_rules.select().where(*_own_rules(user_id)),
            "quota_resets": quota_resets.select().where(quota_resets.c.user_id == user_id),
            "blocks": member_blocks.select().where(member_blocks.c.user_id == user_id),
            **_cast_queries(user_id),
            "erasures": erasures.select().where(erasures.c.user_id == user_id),
        }
        found = {}
        for name, query in queries.items():
            rows = await self._database.rows(query, self._limits.background)
            found[name] = [dict(row._mapping) for row in rows]
        return found

    async def request_erasure(self, user_id: int, at: datetime) -> None:
        """Keep that a member wants everything up to now erased, and erase their drafts at once."""
        await self._database.write(
            self._limits.interactive,
            erasures.delete().where(erasures.c.user_id == user_id),
            erasures.insert().values(user_id=user_id, at=to_micros(at)),
            drafts.delete().where(drafts.c.user_id == user_id),
        )

    async def erasure_requests(self) -> list[ErasureRequest]:
        """Return what members asked for and what is not done yet."""
        return await self._database.read(erasures.select(), _row_to_request, self._limits.background)

    async def forget(self, request: ErasureRequest, now: datetime) -> int:
        """Take the member's id off their jobs once no quota counts any of them; return how many that were.

        Then nothing says any more that they asked either.
        """
        if now < request.at + LONGEST:
            return 0
        c = jobs.c
        theirs = (c.user_id == request.user_id, c.created_at <= to_micros(request.at))
        done = (c.deleted_at.is_not(None), c.state.not_in(sorted(OPEN)), c.told.is_(True))
        anonymous = jobs.update().where(*theirs, *done, c.charge != Charge.HELD)
        left = sa.exists().where(*theirs)
        fulfilled = erasures.delete().where(
            erasures.c.user_id == request.user_id, erasures.c.at == to_micros(request.at), ~left
        )
        return await self._database.write(
            self._limits.background,
            anonymous.values(
                user_id=NOBODY, channel_id=NOBODY, guild_id=None, quota_guild_id=None, revision=c.revision + 1
            ),
            fulfilled,
        )


def _number_of(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(table).where(*conditions).scalar_subquery()


def _own_rules(user_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return quota_rules.c.scope == Scope.MEMBER.value, quota_rules.c.target_id == user_id


def _cast_queries(user_id: int) -> dict[str, sa.Select[Any]]:
    """Return what is to be read of a member's references; pictures without their bytes."""
    own = sa.select(cast_references.c.id).where(cast_references.c.owner_id == user_id)
    mine_or_for_me = sa.or_(
        cast_shares.c.reference_id.in_(own),
        sa.and_(cast_shares.c.level == Sharing.PEOPLE.value, cast_shares.c.target_id == user_id),
    )
    uses = sa.or_(cast_uses.c.reference_id.in_(own), cast_uses.c.user_id == user_id)
    c = cast_pictures.c
    return {
        "references": cast_references.select().where(cast_references.c.owner_id == user_id),
        "reference_pictures": sa.select(c.reference_id, *INFO)
        .where(c.reference_id.in_(own))
        .order_by(c.reference_id, c.position),
        "reference_shares": cast_shares.select().where(mine_or_for_me),
        "reference_uses": cast_uses.select().where(uses),
    }


def _row_to_request(row: sa.Row[Any]) -> ErasureRequest:
    return ErasureRequest(row.user_id, to_moment(row.at))
