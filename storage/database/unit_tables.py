"""The gazetteer: units of every day, and what became of them."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from storage.database.metadata import metadata

unit = Table(
    "unit",
    metadata,
    Column("code", Text, primary_key=True),
    Column("as_of", Text, primary_key=True),
    Column("level", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent", Text),
    Column("valid_from", Text),
    Column("valid_to", Text),
)

unit_successor = Table(
    "unit_successor",
    metadata,
    Column("code", Text, primary_key=True),
    Column("as_of", Text, primary_key=True),
    Column("successor", Text, primary_key=True),
    Column("successor_as_of", Text, nullable=False),
    Column("split", Integer, nullable=False),
    Column("doubtful", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Index("ix_unit_successor_successor", "successor"),
)
