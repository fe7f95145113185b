"""The gazetteer, and the district that an article's own words name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Tables and columns; the gazetteer's rows come with every upgrade (database/units.py)."""
    for name in ("district", "district_from", "district_evidence"):
        op.add_column("reading", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "unit",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", "as_of", name=op.f("pk_unit")),
    )
    op.create_table(
        "unit_successor",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=False),
        sa.Column("successor_as_of", sa.Text(), nullable=False),
        sa.Column("split", sa.Integer(), nullable=False),
        sa.Column("doubtful", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "as_of", "successor", name=op.f("pk_unit_successor")),
    )
    op.create_index(
        op.f("ix_unit_successor_successor"), "unit_successor", ["successor"], unique=False
    )
