"""Keep the language of a card, and the one that moderators chose for their server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the columns; so far everything was in English, and nobody could choose."""
    for table in ("jobs", "placeholders"):
        op.add_column(table, sa.Column("language", sa.String(16), nullable=False, server_default="en"))
    op.add_column("server_settings", sa.Column("language", sa.String(16)))
