"""Text of attachments, and an index of their pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"


def upgrade() -> None:
    """Two tables, and an index of each database's own kind."""
    op.create_index(op.f("ix_attachment_sha256"), "attachment", ["sha256"], unique=False)
    op.create_table(
        "attachment_text",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_attachment_text")),
    )
    op.create_table(
        "attachment_page",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"], ["attachment_text.sha256"], name=op.f("fk_attachment_page_sha256")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment_page")),
        sa.UniqueConstraint("sha256", "part", name=op.f("uq_attachment_page_sha256_part")),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search_page USING fts5("
            "tone, plain, tokenize='unicode61 remove_diacritics 0')"
        )
        return
    op.execute(
        "CREATE TABLE search_page (page integer PRIMARY KEY REFERENCES attachment_page(id),"
        " tone tsvector NOT NULL, plain tsvector NOT NULL)"
    )
    op.execute("CREATE INDEX ix_search_page_tone ON search_page USING gin (tone)")
    op.execute("CREATE INDEX ix_search_page_plain ON search_page USING gin (plain)")
