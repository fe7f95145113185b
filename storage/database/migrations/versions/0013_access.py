"""Access rules and takedowns, and the indexes that their conditions ask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Three tables, three indexes."""
    _access_rule()
    _takedown()
    op.drop_index("ix_capture_payload", table_name="capture")
    op.create_index("ix_capture_payload", "capture", ["payload_digest", "site"])
    there = sa.text("body_sha256 IS NOT NULL")
    op.create_index(
        "ix_capture_body_sha256",
        "capture",
        ["body_sha256"],
        sqlite_where=there,
        postgresql_where=there,
    )
    op.create_index("ix_version_image_image", "version_image", ["image"])


def _access_rule() -> None:
    op.create_table(
        "access_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("article", sa.Text()),
        sa.Column("since", sa.Text()),
        sa.Column("until", sa.Text()),
        sa.Column("attachments", sa.Integer(), nullable=False),
        sa.Column("access", sa.Text(), nullable=False),
        sa.Column("opens", sa.Text()),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_rule")),
    )
    op.create_index("ix_access_rule_site", "access_rule", ["site"])
    op.create_index("ix_access_rule_article", "access_rule", ["article"])


def _takedown() -> None:
    op.create_table(
        "takedown",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("covers", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.Text()),
        sa.Column("undone_by", sa.Text()),
        sa.Column("undone_reason", sa.Text()),
        sa.Column("rewritten", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takedown")),
    )
    op.create_table(
        "withdrawn",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("takedown", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["takedown"], ["takedown.id"], name="fk_withdrawn_takedown"),
        sa.PrimaryKeyConstraint("kind", "value", "takedown", name=op.f("pk_withdrawn")),
    )
