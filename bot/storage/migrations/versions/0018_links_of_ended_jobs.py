"""Erase what earlier versions left: links to pictures of references, and to the video before a scene."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

ENDED = ("delivered", "failed", "cancelled", "refused")  # nothing is sent for such a job anymore
jobs: Any = sa.table(
    "jobs",
    sa.column("id", sa.BigInteger),
    sa.column("state", sa.String),
    sa.column("erased", sa.Boolean),
    sa.column("cast_list", sa.JSON),
    sa.column("continues", sa.BigInteger),
    sa.column("scene", sa.Integer),
    sa.column("scene_before", sa.Text),
)


def upgrade() -> None:
    """Change the rows in place: an erased one keeps no scene, an ended one no links of its references."""
    connection = op.get_bind()
    connection.execute(
        jobs.update().where(jobs.c.erased.is_(True)).values(continues=None, scene=None, scene_before=None)
    )
    with_cast = sa.cast(jobs.c.cast_list, sa.Text) != "[]"
    ended = sa.select(jobs.c.id, jobs.c.cast_list).where(jobs.c.state.in_(ENDED), with_cast)
    for number, uses in connection.execute(ended).all():
        without = [{**use, "links": []} for use in uses]
        connection.execute(jobs.update().where(jobs.c.id == number).values(cast_list=without))
