"""What a pending capture was fetched for, so that it is read as the crawl would have read it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """One column of `capture`."""
    op.add_column("capture", sa.Column("fetched_for", sa.JSON(), nullable=True))
