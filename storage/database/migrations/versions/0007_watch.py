"""Pages that were not there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "absence",
        sa.Column("capture", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["capture"], ["capture.id"], name=op.f("fk_absence_capture")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_absence_site")),
        sa.PrimaryKeyConstraint("capture", name=op.f("pk_absence")),
    )
    op.create_index("ix_absence_site_url", "absence", ["site", "url"], unique=False)
