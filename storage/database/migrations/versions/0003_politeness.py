"""Turns at hosts between processes, and when a robots.txt was last seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """A table, and a column."""
    op.create_table(
        "turn",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_turn")),
    )
    op.add_column("robots", sa.Column("fetched_at", sa.Text(), nullable=True))
