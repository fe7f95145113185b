"""The present by the clock that all who share a database have in common."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from storage import times


def present(tx: Connection) -> datetime:
    """Aware, UTC: PostgreSQL's clock, so that machines need not agree; on SQLite this machine's."""
    if tx.dialect.name == "sqlite":
        return times.now()
    moment: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)
