"""Files that others gave, and on what terms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "donation",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("made_of", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("donor", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("given_at", sa.Text(), nullable=False),
        sa.Column("taken_in", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_donation")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_donation_run")),
    )
    op.create_index("ix_donation_sha256", "donation", ["sha256"], unique=False)
