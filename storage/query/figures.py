"""Measured figures of an archive: what a crawl of a site took, on the average."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from storage.database.schema import capture, run
from storage.folder import ArchiveFolder
from storage.times import parse_utc


@dataclass(frozen=True, slots=True)
class CrawlFigures:
    """The mean over each site's newest finished crawl in a mode."""

    sites: int
    """0: there was none, and the others mean nothing."""
    requests: float
    seconds: float


def crawl_figures(connection: Connection, mode: str) -> CrawlFigures:
    """What a crawl in this mode took. One that others went on with counts from its beginning."""
    statement = (
        select(run.c.site, run.c.counts, run.c.started_at, run.c.finished_at)
        .where(
            run.c.kind == "crawl", run.c.mode == mode, run.c.outcome.in_(("finished", "incomplete"))
        )
        .order_by(run.c.started_at)
    )
    newest: dict[str, Any] = {row.site: row for row in connection.execute(statement)}
    return CrawlFigures(
        len(newest),
        _mean(row.counts["captures"] for row in newest.values()),
        _mean(_seconds(row) for row in newest.values()),
    )


def bytes_per_request(connection: Connection, folder: ArchiveFolder) -> float | None:
    """Disk that an exchange takes: WARC files, and the embedded database; None of an empty archive.

    Of PostgreSQL what the server says its database takes.
    """
    captures = connection.execute(select(func.count()).select_from(capture)).scalar_one()
    if not captures:
        return None
    files = sum(path.stat().st_size for path in folder.root.glob("warc/*/*.warc.gz*"))
    return float((files + _database_bytes(connection)) / captures)


def _database_bytes(connection: Connection) -> int:
    if connection.dialect.name == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    size = select(func.pg_database_size(func.current_database()))
    return int(connection.execute(size).scalar_one())


def _seconds(row: Any) -> float:
    return (parse_utc(row.finished_at) - parse_utc(row.started_at)).total_seconds()


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
