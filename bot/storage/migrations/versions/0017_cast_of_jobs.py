"""Keep which saved references a job uses, and the prompt that was sent where they are named."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add two columns to jobs; none has used any so far."""
    op.add_column("jobs", sa.Column("cast_list", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("jobs", sa.Column("sent_prompt", sa.Text))
