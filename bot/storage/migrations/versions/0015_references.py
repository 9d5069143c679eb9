"""Keep by which links a request was sent, whether it was sent twice, and which video it goes on from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add six columns to the jobs; all that there are were sent once, by Discord's links."""
    op.add_column("jobs", sa.Column("links", sa.String(16), nullable=False, server_default="given"))
    op.add_column("jobs", sa.Column("resent_at", sa.BigInteger))
    op.add_column("jobs", sa.Column("earlier_request_id", sa.Text))
    op.add_column("jobs", sa.Column("continues", sa.BigInteger))
    op.add_column("jobs", sa.Column("scene", sa.Integer))
    op.add_column("jobs", sa.Column("scene_before", sa.Text))
    there = sa.text("earlier_request_id IS NOT NULL")
    op.create_index(
        "jobs_by_earlier_request",
        "jobs",
        ["earlier_request_id"],
        sqlite_where=there,
        postgresql_where=there,
        postgresql_using="hash",
    )
