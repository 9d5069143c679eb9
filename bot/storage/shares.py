"""Which rows belong to the shards of a process."""

from __future__ import annotations

import sqlalchemy as sa

from bot.models.shards import ALL, Share


def belongs_to(column: sa.Column[int], share: Share) -> sa.ColumnElement[bool]:
    """Return what selects the rows whose shard a process serves, as `Share.serves` says."""
    if share == ALL:
        return sa.true()
    served = column.between(share.served.start, share.served.stop - 1)
    if 0 not in share.served:
        return served
    return sa.or_(served, column < 0, column >= share.shard_count)
