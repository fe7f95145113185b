"""The state of an archive on one screen: what was kept of each site, what is due, what failed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from storage.database.articles import has_version
from storage.database.runs import count_run
from storage.database.schema import article, capture, run, schedule, site
from storage.database.site_states import newest_states


def site_states(connection: Connection) -> list[dict[str, Any]]:
    """A row a site, met or only scheduled (then `state` is None); times are UTC text.

    `state` is what was decided last, and `because` why; else what is declared. `findings` are
    those of the newest run (storage.records.Finding).

    `new_versions` (articles new or changed), `changed` (these alone; None of a run that did not
    tell) and `failed` are of the newest run (reading again is none); `gone` and `articles` of all.
    `next_due` is None if nothing is scheduled, or all of it is paused.
    """
    states = {id_: state for id_, state in connection.execute(select(site.c.id, site.c.state))}
    decided = newest_states(connection)
    due = _next_due(connection)
    good, sizes = _captures(connection)
    counts = {(id_, state): number for id_, state, number in connection.execute(_ARTICLES)}
    return [
        {
            "site": id_,
            "state": decided[id_].state if id_ in decided else states.get(id_),
            "because": decided[id_].because if id_ in decided else None,
            "last_good_at": good.get(id_),
            "articles": sum(number for (of, _), number in counts.items() if of == id_),
            "gone": counts.get((id_, "gone"), 0),
            "warc_bytes": sizes.get(id_, 0),
            "next_due": due.get(id_),
            **_newest_run(connection, id_),
        }
        for id_ in sorted(states.keys() | due.keys())
    ]


_ARTICLES = (
    select(article.c.site, article.c.state, func.count())
    .where(has_version())
    .group_by(article.c.site, article.c.state)
)


def _next_due(connection: Connection) -> dict[str, str | None]:
    """Of every scheduled site; None if its schedules are paused."""
    rows = connection.execute(select(schedule.c.site, schedule.c.due_at, schedule.c.paused))
    due: dict[str, str | None] = {}
    for id_, at, paused in sorted(rows, key=lambda row: row.due_at, reverse=True):
        due[id_] = due.get(id_) if paused else at
    return due


def _captures(connection: Connection) -> tuple[dict[str, str], dict[str, int]]:
    """By site: when it last answered soundly, and bytes of response records."""
    sound = capture.c.status.in_((200, 304)) & capture.c.truncated.is_(None)
    good = select(capture.c.site, func.max(capture.c.fetched_at)).where(sound)
    sizes = select(capture.c.site, func.sum(capture.c.warc_length))
    return (
        {id_: at for id_, at in connection.execute(good.group_by(capture.c.site))},
        {id_: int(size) for id_, size in connection.execute(sizes.group_by(capture.c.site))},
    )


def _newest_run(connection: Connection, id_: str) -> dict[str, Any]:
    columns = (run.c.id, run.c.outcome, run.c.counts, run.c.findings)
    newest = select(*columns).where(run.c.site == id_, run.c.kind != "reextract")
    row = connection.execute(newest.order_by(run.c.started_at.desc()).limit(1)).first()
    if row is None:
        names = ("run", "outcome", "new_versions", "changed", "failed")
        return dict.fromkeys(names) | {"findings": []}
    counts = row.counts or count_run(connection, row.id)
    return {
        "run": row.id,
        "outcome": row.outcome,
        "new_versions": counts["new_versions"],
        "changed": counts.get("changed"),
        "failed": sum(counts["failed"].values()),
        "findings": row.findings or [],
    }
