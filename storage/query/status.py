"""The state of an archive on one screen: what was kept of each site, what is due, what failed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from storage.database.runs import count_run
from storage.database.schema import run
from storage.database.site_states import newest_states
from storage.query.site_figures import OF_STORED, site_figures


def site_states(connection: Connection) -> list[dict[str, Any]]:
    """A row a site, met or only scheduled (then `state` is None); times are UTC text.

    `state` is what was decided last, and `because` why; else what is declared. `findings` are
    those of the newest run (storage.records.Finding).

    `new_versions` (articles new or changed), `changed` (these alone; None of a run that did not
    tell) and `failed` are of the newest run (reading again is none, nor is a rescue); `gone` and
    `articles` of all.
    `next_due` is None if nothing is scheduled, or all of it is paused.
    """
    decided = newest_states(connection)
    return [
        {
            "site": id_,
            "state": figures.state,
            "because": decided[id_].because if id_ in decided else None,
            "last_good_at": figures.last_good_at,
            "articles": sum(figures.articles.values()),
            "gone": figures.articles.get("gone", 0),
            "warc_bytes": figures.warc_bytes,
            "next_due": figures.next_due,
            **_newest_run(connection, id_),
        }
        for id_, figures in sorted(site_figures(connection).items())
    ]


def _newest_run(connection: Connection, id_: str) -> dict[str, Any]:
    columns = (run.c.id, run.c.outcome, run.c.counts, run.c.findings)
    newest = select(*columns).where(run.c.site == id_, run.c.kind.not_in(OF_STORED))
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
