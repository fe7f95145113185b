"""Sites and runs: what is crawled, and how each crawl went."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from storage import times
from storage.database.articles import STANDING
from storage.database.prepared import Prepared, columns
from storage.database.schema import (
    absence,
    article,
    article_url,
    capture,
    failure,
    reading,
    run,
    site,
    version,
)
from storage.database.search_index import index_again
from storage.records import Finding


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A declared site as the database knows it."""

    id: str
    name: str
    organ: str
    hosts: list[str]
    district: str | None
    district_from: str | None
    province: str | None
    family: str | None
    state: str
    since: str | None
    evidence: str | None
    origin: str


def _save(insert_: Any) -> Any:
    statement = insert_(site).values(columns(site))
    changed = {name: statement.excluded[name] for name in columns(site, "id")}
    return statement.on_conflict_do_update(index_elements=["id"], set_=changed)


_SAVE_SITE = Prepared(_save)


def save_site(tx: Connection, row: SiteRow) -> bool:
    """Take over a site's declaration; returns whether it was new or changed."""
    values = {name: getattr(row, name) for name in SiteRow.__slots__}
    stored = tx.execute(select(site).where(site.c.id == row.id)).first()
    if stored is not None and dict(stored._mapping) == values:
        return False
    _SAVE_SITE.insert(tx, [values | {"hosts": json.dumps(row.hosts)}])
    if stored is not None and any(stored._mapping[name] != values[name] for name in _INDEXED):
        index_again(tx, row.id)
    return True


_INDEXED = ("organ", "province", "district", "district_from")
"""What articles of a site are found and counted by."""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that is over."""

    id: str
    finished_at: str
    outcome: str
    reason: str | None
    counts: dict[str, Any]
    findings: list[dict[str, Any]]
    """Of records.Finding, as JSON."""


LAST_CHANCE = "last-chance"
"""The mode of a crawl of a site that is dying; the others are `full` and `update`."""


@dataclass(frozen=True, slots=True)
class StartedRun:
    """A run that is under way."""

    id: str
    started_at: str
    mode: str
    resumed: bool
    """It goes on where a killed or stopped process left it."""
    superseded: FinishedRun | None = None
    """One of another mode, whose queue it took over."""


def start_run(tx: Connection, site_id: str, kind: str, mode: str) -> StartedRun:
    """A new run of a site, or the one that was left unfinished in the same mode.

    One left in another mode is closed; what it had queued goes over to the new one.
    """
    open_run = tx.execute(
        select(run.c.id, run.c.started_at, run.c.mode)
        .where(run.c.site == site_id, run.c.kind == kind, run.c.finished_at.is_(None))
        .order_by(run.c.started_at.desc())
    ).first()
    if open_run is not None and open_run.mode == mode:
        if kind == "crawl":
            note_reason(tx, open_run.id, None)
        return StartedRun(open_run.id, open_run.started_at, mode, resumed=True)
    superseded = None
    if open_run is not None:
        took_over = "crawl took over its queue" if kind == "crawl" else "run took its place"
        reason = f"a {mode} {took_over}"
        superseded = finish_run(tx, open_run.id, "superseded", reason)
    started = times.utc_text(times.now())
    id_ = f"{site_id}-{started[:19].translate(_COMPACT)}-{secrets.token_hex(2)}"
    values = {"id": id_, "site": site_id, "kind": kind, "mode": mode, "started_at": started}
    tx.execute(insert(run), values)
    return StartedRun(id_, started, mode, resumed=False, superseded=superseded)


def meet_run(tx: Connection, site_id: str, run_id: str, started_at: str) -> None:
    """Make sure that a run which WARC records name is known (an older database was put back)."""
    values = {"id": run_id, "site": site_id, "kind": "crawl", "started_at": started_at}
    known = tx.execute(select(run.c.id).where(run.c.id == run_id)).first()
    if known is None:
        tx.execute(insert(run), values)


_COMPACT = str.maketrans("", "", "-:")


def finish_run(
    tx: Connection,
    run_id: str,
    outcome: str,
    reason: str | None,
    findings: Sequence[Finding] = (),
    counts: dict[str, Any] | None = None,
) -> FinishedRun:
    """Close a run; returns how it went. `counts`: what it came to; None: what it kept."""
    now, found = times.utc_text(times.now()), [one.as_json() for one in findings]
    came_to = count_run(tx, run_id) if counts is None else counts
    ended = FinishedRun(run_id, now, outcome, reason, came_to, found)
    values = {name: getattr(ended, name) for name in FinishedRun.__slots__ if name != "id"}
    tx.execute(update(run).where(run.c.id == run_id).values(**values))
    return ended


def begin_accepting(tx: Connection, run_id: str, reason: str, counts: dict[str, Any]) -> None:
    """A run is to take over what it proposes: what it came to is known, and who accepted it."""
    values = {"reason": reason, "counts": counts}
    tx.execute(update(run).where(run.c.id == run_id).values(**values))


def counted(tx: Connection, run_id: str) -> tuple[str | None, dict[str, Any] | None]:
    """Reason and counts of a run, of one that goes on too; None where nothing stands yet."""
    row = tx.execute(select(run.c.reason, run.c.counts).where(run.c.id == run_id)).one()
    return row.reason, row.counts


def note_reason(tx: Connection, run_id: str, reason: str | None) -> None:
    """Why a run stands still that is not over; None once it goes on."""
    tx.execute(update(run).where(run.c.id == run_id).values(reason=reason))


def count_run(tx: Connection, run_id: str) -> dict[str, Any]:
    """What a run kept: captures, pages, articles, images, bytes; what is gone, skipped, failed."""
    of_run = capture.c.run == run_id
    counts: dict[str, Any] = {
        "captures": _count(tx, select(func.count()).select_from(capture).where(of_run)),
        "pages": _count(
            tx,
            select(func.count())
            .select_from(capture)
            .where(of_run, capture.c.status == 200, capture.c.mime.like("%html%")),
        ),
        "articles": _count(
            tx,
            select(func.count(reading.c.article.distinct()))
            .join(capture, capture.c.id == reading.c.capture)
            .where(of_run, reading.c.state.in_(STANDING)),
        ),
        "new_versions": _count(tx, _versions(of_run)),
        "changed": _count(tx, _versions(of_run).where(version.c.number > 1)),
        "gone": _count(tx, _gone(of_run)),
        "images": _count(
            tx,
            select(func.count(capture.c.body_sha256.distinct())).where(
                of_run, capture.c.mime.like("image/%")
            ),
        ),
        "warc_bytes": _count(tx, select(func.sum(capture.c.warc_length)).where(of_run)),
    }
    return counts | {
        "by_status": _tally(
            tx, select(capture.c.status, func.count()).where(of_run).group_by(capture.c.status)
        ),
        "skipped": _failures(tx, run_id, skipped=1),
        "failed": _failures(tx, run_id, skipped=0),
    }


def _versions(of_run: Any) -> Any:
    """A count of the versions that a run was the first to show."""
    return (
        select(func.count())
        .select_from(version)
        .join(reading, reading.c.id == version.c.reading)
        .join(capture, capture.c.id == reading.c.capture)
        .where(of_run)
    )


def _gone(of_run: Any) -> Any:
    """A count of the articles that a run showed to be gone, and that are."""
    return (
        select(func.count(article.c.key.distinct()))
        .join(article_url, article_url.c.article == article.c.key)
        .join(absence, (absence.c.site == article.c.site) & (absence.c.url == article_url.c.url))
        .join(capture, capture.c.id == absence.c.capture)
        .where(of_run, article.c.state == "gone")
    )


def _count(tx: Connection, statement: Any) -> int:
    return int(tx.execute(statement).scalar() or 0)


def _tally(tx: Connection, statement: Any) -> dict[str, int]:
    return {str(key): int(count) for key, count in sorted(tx.execute(statement), key=str)}


def _failures(tx: Connection, run_id: str, *, skipped: int) -> dict[str, int]:
    kinds = (
        select(failure.c.kind, func.count())
        .where(failure.c.run == run_id, failure.c.skipped == skipped)
        .group_by(failure.c.kind)
    )
    return _tally(tx, kinds)
