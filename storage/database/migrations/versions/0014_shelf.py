"""Articles in order of publication, and a search index that is walked in that order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.database.search_index import index_again

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Two tables, a column, and the index made anew."""
    _shelf()
    _likeness()
    op.add_column("image", sa.Column("perceptual_hash", sa.Text(), nullable=True))
    op.create_index("ix_image_perceptual_hash", "image", ["perceptual_hash", "sha256"])
    op.execute("DROP TABLE search")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search USING fts5("
            "words, content='', columnsize=0, tokenize=\"ascii tokenchars '_=+-.|'\")"
        )
    else:
        op.execute(
            "CREATE TABLE search (place bigint PRIMARY KEY REFERENCES shelf(place),"
            " words tsvector NOT NULL)"
        )
        # So many words' frequencies are known: how a query is walked depends on them.
        op.execute("ALTER TABLE search ALTER COLUMN words SET STATISTICS 1000")
        op.execute("CREATE INDEX ix_search_words ON search USING gin (words)")
    index_again(op.get_bind())


def _shelf() -> None:
    names = ("district", "district_from", "province", "section", "author", "office", "credit")
    dates = ("published_at", "published_precision")
    op.create_table(
        "shelf",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article", sa.Integer(), nullable=True),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("organ", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in (*names, *dates)),
        sa.Column("published_flags", sa.Text(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("alike", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["article"], ["article.key"], name=op.f("fk_shelf_article")),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_shelf")),
        sa.UniqueConstraint("article", name=op.f("uq_shelf_article")),
    )
    op.create_index(op.f("ix_shelf_alike"), "shelf", ["alike"], unique=False)


def _likeness() -> None:
    op.create_table(
        "likeness",
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["article"], ["article.key"], name=op.f("fk_likeness_article")),
        sa.ForeignKeyConstraint(["reading"], ["reading.id"], name=op.f("fk_likeness_reading")),
        sa.PrimaryKeyConstraint("article", name=op.f("pk_likeness")),
    )
