"""Remember who canceled a job, and when its video was deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add two columns to jobs; of what was canceled or deleted so far nobody knows."""
    op.add_column("jobs", sa.Column("cancelled_by", sa.BigInteger))
    op.add_column("jobs", sa.Column("deleted_at", sa.BigInteger))
