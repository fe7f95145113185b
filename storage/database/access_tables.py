"""The tables that say who may see what; `storage.query.access` evaluates them.

They follow from the journal and speak of natural keys only, so that they hold for what is
captured, read again or imported later.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, Table, Text

from storage.database.metadata import metadata

access_rule = Table(
    "access_rule",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False, index=True),
    Column("article", Text, index=True),
    Column("since", Text),
    Column("until", Text),
    Column("attachments", Integer, nullable=False),
    Column("access", Text, nullable=False),
    Column("opens", Text),
    Column("decided_at", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("basis", Text, nullable=False),
)

takedown = Table(
    "takedown",
    metadata,
    Column("id", Text, primary_key=True),
    Column("how", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("covers", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("undone_at", Text),
    Column("undone_by", Text),
    Column("undone_reason", Text),
    Column("rewritten", JSON),
)

# What the takedowns in force cover, in every spelling that a condition compares with.
withdrawn = Table(
    "withdrawn",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("takedown", Text, ForeignKey("takedown.id"), primary_key=True),
)
