"""Findings of runs, and decisions on the state of sites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """A column, and a table."""
    op.add_column("run", sa.Column("findings", sa.JSON(), nullable=True))
    op.create_table(
        "site_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_state")),
        sa.UniqueConstraint("site", "decided_at", name=op.f("uq_site_state_site_decided_at")),
    )
    op.create_index("ix_site_state_run", "site_state", ["run"], unique=False)
