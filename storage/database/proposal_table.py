"""What today's rules make of a capture, where that is not what is kept; gone once it is accepted.

Its article stands in `reading`, as `proposed`.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, Table, Text

from storage.database.metadata import metadata

proposal = Table(
    "proposal",
    metadata,
    Column("capture", Integer, ForeignKey("capture.id"), primary_key=True),
    Column("run", Text, ForeignKey("run.id"), nullable=False, index=True),
    Column("reading", Text, nullable=False),
    Column("absent", Text),
    Column("failures", JSON, nullable=False),
)
