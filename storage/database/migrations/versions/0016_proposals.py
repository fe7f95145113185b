"""What a re-extraction proposes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"


def upgrade() -> None:
    """A table."""
    op.create_table(
        "proposal",
        sa.Column("capture", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=False),
        sa.Column("absent", sa.Text(), nullable=True),
        sa.Column("failures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["capture"], ["capture.id"], name=op.f("fk_proposal_capture")),
        sa.ForeignKeyConstraint(["run"], ["run.id"], name=op.f("fk_proposal_run")),
        sa.PrimaryKeyConstraint("capture", name=op.f("pk_proposal")),
    )
    op.create_index("ix_proposal_run", "proposal", ["run"], unique=False)
