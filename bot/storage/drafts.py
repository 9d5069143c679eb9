"""Drafts: what members have typed, kept for a day so that they can go on with it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.models.catalog import Kind
from bot.models.continuations import Continuation
from bot.models.drafts import Draft, Source
from bot.storage.columns import to_micros
from bot.storage.database import Database
from bot.storage.privacy.compaction import Compaction
from bot.storage.schema import drafts

LIFETIME = timedelta(days=1)  # Discord's links to files live no longer either


class DraftStore:
    """The drafts of the last day."""

    def __init__(self, database: Database, compaction: Compaction) -> None:
        self._database = database
        self._compaction = compaction

    async def save(self, draft: Draft, now: datetime) -> None:
        """Keep a draft in place of an older one of its id, and drop what is too old."""
        old = sa.or_(drafts.c.id == draft.id, drafts.c.saved_at < to_micros(now - LIFETIME))
        dropped = await self._database.write(
            self._database.limits.interactive,
            drafts.delete().where(old),
            drafts.insert().values(_draft_to_row(draft, now)),
        )
        if dropped:
            self._compaction.note()

    async def get(self, draft_id: int) -> Draft | None:
        """Return a draft that is still kept."""
        found = await self._database.read(drafts.select().where(drafts.c.id == draft_id), _row_to_draft)
        return found[0] if found else None


def _draft_to_row(draft: Draft, saved_at: datetime) -> dict[str, Any]:
    content = asdict(draft)
    return {
        "id": content.pop("id"),
        "user_id": content.pop("user_id"),
        "saved_at": to_micros(saved_at),
        "content": content,
    }


def _row_to_draft(row: sa.Row[Any]) -> Draft:
    content = dict(row.content)
    sources = tuple(
        Source(**{**source, "kind": Kind(source["kind"]) if source["kind"] else None})
        for source in content.pop("sources")
    )
    chosen, continues = content.pop("chosen"), content.pop("continues", None)
    return Draft(
        id=row.id,
        user_id=row.user_id,
        sources=sources,
        chosen=None if chosen is None else tuple(chosen),
        continues=Continuation(**continues) if continues else None,
        **content,
    )
