"""PostgreSQL's integer ends at 2,147,483,647: files that others give are larger, and a frontier
counts every link it meets (ON CONFLICT uses up a number even where the row is there)."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0017"


def upgrade() -> None:
    """SQLite's integers have 64 bits already."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("ALTER TABLE frontier ALTER COLUMN id TYPE bigint")
    op.execute("ALTER SEQUENCE frontier_id_seq AS bigint")
    op.execute(
        "ALTER TABLE capture ALTER COLUMN warc_offset TYPE bigint,"
        " ALTER COLUMN warc_length TYPE bigint"
    )
