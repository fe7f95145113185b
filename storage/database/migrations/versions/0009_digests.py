"""How far digests were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "digest",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("told_until", sa.Text(), nullable=False),
        sa.Column("told_runs", sa.JSON(), nullable=False),
        sa.Column("claimed_for", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_digest")),
    )
