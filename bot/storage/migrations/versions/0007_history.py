"""Index what is asked of a long history: quotas and budgets, lists of videos, and what is unfinished."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

COUNTED = ["quota_guild_id", "user_id", "duration", "charge", "state", "reason"]


def upgrade() -> None:
    """Put wider indexes in the place of three, and add three."""
    for name in ("jobs_by_state", "jobs_by_user", "jobs_by_time"):
        op.drop_index(name, "jobs")
    op.create_index("jobs_by_state", "jobs", ["state", "created_at"])
    op.create_index("jobs_by_user", "jobs", ["user_id", "created_at", "id", "deleted_at"])
    op.create_index("jobs_by_time", "jobs", ["created_at", "id", *COUNTED])
    op.create_index("jobs_by_server", "jobs", ["quota_guild_id", "created_at", "id", *COUNTED[1:]])
    # As the statements write it: only then is it used.
    untold, to_refetch = (sa.text("told = 0"), sa.text("NOT told")), sa.text("refetch_until IS NOT NULL")
    op.create_index("jobs_unacknowledged", "jobs", ["id"], sqlite_where=untold[0], postgresql_where=untold[1])
    op.create_index("jobs_to_refetch", "jobs", ["id"], sqlite_where=to_refetch, postgresql_where=to_refetch)
