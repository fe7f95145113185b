"""The text of attachments: what reading a file gave, once for each content."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, UniqueConstraint

from storage.database.metadata import metadata

attachment_text = Table(
    "attachment_text",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("kind", Text),
    Column("state", Text, nullable=False),
    Column("problem", Text),
    Column("pages", Integer),
)

attachment_page = Table(
    "attachment_page",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", Text, ForeignKey("attachment_text.sha256"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("page", Integer),
    Column("text", Text, nullable=False),
    UniqueConstraint("sha256", "part"),
)
