"""Runs as they are listed and shown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, text

from storage.bounds import pattern_of
from storage.database.runs import count_run
from storage.database.schema import failure, run
from storage.errors import NotFound, UsageError
from storage.query.access import access_of


def list_runs(connection: Connection, site: str | None, limit: int) -> list[dict[str, Any]]:
    """Runs, newest first; of one that is under way the counts so far."""
    statement = select(run).order_by(run.c.started_at.desc(), run.c.id).limit(limit)
    if site is not None:
        statement = statement.where(run.c.site == site)
    return [
        _as_shown(connection, dict(row._mapping)) for row in connection.execute(statement).all()
    ]


def load_run(connection: Connection, id_: str) -> dict[str, Any]:
    """One run, with every address it skipped or failed at, and why. Raises NotFound."""
    rows = connection.execute(
        select(run).where(run.c.id.startswith(id_, autoescape=True)).limit(2)
    ).all()
    if not rows or not id_:
        raise NotFound(f"no run {id_!r}; `tinhuyen runs list` lists them")
    if len(rows) > 1:
        raise UsageError(f"several runs begin with {id_}: give more of its name")
    shown = _as_shown(connection, dict(rows[0]._mapping))
    return shown | {"failures": _failures(connection, shown["id"])}


def by_pattern(failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Failures counted by kind and by the pattern of their addresses, the most frequent first.

    Many addresses of one pattern are mostly a trap (a calendar, sort orders). `example` is one.
    """
    groups: dict[tuple[bool, str, str], list[str]] = {}
    for one in failures:
        key = (one["skipped"], one["kind"], pattern_of(one["url"]))
        groups.setdefault(key, []).append(one["url"])
    return [
        {
            "skipped": skipped,
            "kind": kind,
            "pattern": pattern,
            "count": len(urls),
            "example": urls[0],
        }
        for (skipped, kind, pattern), urls in sorted(
            groups.items(), key=lambda group: (-len(group[1]), group[0])
        )
    ]


def unfinished_run(connection: Connection, site: str) -> str | None:
    """Id of the newest crawl of a site that has not finished; None if there is none."""
    statement = (
        select(run.c.id)
        .where(run.c.site == site, run.c.kind == "crawl", run.c.finished_at.is_(None))
        .order_by(run.c.started_at.desc())
    )
    return connection.execute(statement.limit(1)).scalar()


def _as_shown(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    counts = row["counts"] or count_run(connection, row["id"])
    return row | {"counts": counts, "findings": row["findings"] or []}


def _failures(connection: Connection, run_id: str) -> list[dict[str, Any]]:
    columns = (failure.c.at, failure.c.url, failure.c.stage, failure.c.kind, failure.c.message)
    statement = (
        select(*columns, failure.c.skipped)
        .where(failure.c.run == run_id, text(access_of(connection).address("failure.url")))
        .order_by(failure.c.id)
    )
    return [
        dict(row._mapping) | {"skipped": bool(row.skipped)} for row in connection.execute(statement)
    ]
