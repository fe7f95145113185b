"""Tables that search stands on, derived from readings: where articles stand, what they are like."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, Table, Text

from storage.database.schema import metadata

# Where each article stands in order of publication, and what it is counted by; derived from its
# newest reading (storage.database.search_index). A place without an article was once used.
shelf = Table(
    "shelf",
    metadata,
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("article", Integer, ForeignKey("article.key"), unique=True),
    Column("site", Text, nullable=False),
    Column("organ", Text, nullable=False),
    Column("district", Text),
    Column("district_from", Text),
    Column("province", Text),
    Column("section", Text),
    Column("author", Text),
    Column("office", Text),
    Column("credit", Text),
    Column("published_at", Text),
    Column("published_precision", Text),
    Column("published_flags", Text, nullable=False),
    Column("images", Integer, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("alike", Integer, index=True),
)

# What a newest text is compared by (storage.database.likeness); NULL: too short to compare.
likeness = Table(
    "likeness",
    metadata,
    Column("article", Integer, ForeignKey("article.key"), primary_key=True),
    Column("reading", Integer, ForeignKey("reading.id"), nullable=False),
    Column("method", Text, nullable=False),
    Column("signature", LargeBinary),
)
