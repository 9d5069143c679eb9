"""Find jobs by their id at GMI and by their seed: that is how a lost POST is looked for."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add two indexes to jobs."""
    # Only a hash takes a text of any length in Postgres, and whatever GMI calls an id must be saved.
    op.create_index("jobs_by_request", "jobs", ["request_id"], postgresql_using="hash")
    op.create_index("jobs_by_seed", "jobs", ["seed"])
