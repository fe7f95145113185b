"""Decisions about access: into the journal first, then into the rows that conditions ask.

From the request after the commit on they hold at every door.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select

from storage import times
from storage.archive import Archive
from storage.database.access_rows import (
    AccessRule,
    Takedown,
    save_rule,
    save_takedown,
    undo_takedown,
)
from storage.database.access_tables import access_rule, takedown
from storage.database.connect import writing
from storage.database.schema import article, site
from storage.errors import NotFound, UsageError
from storage.lines import append_lines
from storage.query.access import Audience
from storage.query.articles import find_key
from storage.takedown.covers import Covered, find_covered
from storage.urls import canonical_url

_ID_CHARS = 16  # an article's id


def take_down(
    archive: Archive, asked: str, how: str, reason: str, basis: str, by: str
) -> tuple[Takedown, Covered]:
    """Take down an article, an address or a digest, and say what that covers.

    A rewrite is hidden at once; storage.takedown.rewrite takes it out of the files.
    Raises NotFound, UsageError, ArchiveFault, OSError.
    """
    with archive.reading(Audience.STAFF) as tx:
        covered = find_covered(tx, asked, with_files=how == "rewrite")
    at = times.utc_text(times.now())
    id_ = hashlib.sha256(f"{covered.asked}\n{at}".encode()).hexdigest()[:12]
    taken = Takedown(id_, how, covered.asked, covered.covers, reason, basis, at, by)
    _keep(archive, "takedown", asdict(taken), lambda tx: save_takedown(tx, taken))
    return taken, covered


def unfinished_rewrite(connection: Connection, asked: str) -> dict[str, Any] | None:
    """A rewrite of this that a crash or an error broke off; None if there is none."""
    wanted = canonical_url(asked.strip()) or asked.strip()
    query = select(takedown).where(takedown.c.how == "rewrite", takedown.c.rewritten.is_(None))
    for row in connection.execute(query):
        by_start = wanted and len(row.asked) == _ID_CHARS and row.asked.startswith(wanted)
        if by_start or row.asked in (wanted, wanted.lower()):
            return dict(row._mapping)
    return None


def undo(archive: Archive, id_: str, reason: str, by: str) -> dict[str, Any]:
    """Undo a hide by its id or a unique start of it. Raises NotFound, UsageError for others."""
    with archive.reading(Audience.STAFF) as tx:
        row = find_takedown(tx, id_)
    if row["undone_at"] is not None:
        raise UsageError(f"{row['id']} was undone on {row['undone_at'][:10]}")
    if row["how"] != "hide":
        raise UsageError(f"{row['id']} is a {row['how']}, which is for good; only a hide is undone")
    at = times.utc_text(times.now())
    line = {"takedown": row["id"], "by": by, "reason": reason}
    _keep(
        archive,
        "takedown_undone",
        line,
        lambda tx: undo_takedown(tx, row["id"], at, by, reason),
        at,
    )
    return row


def find_takedown(connection: Connection, id_: str) -> dict[str, Any]:
    """A takedown by its id or a unique start of it. Raises NotFound, UsageError."""
    start = takedown.c.id.startswith(id_, autoescape=True)
    rows = connection.execute(select(takedown).where(start).limit(2)).all()
    if not rows or not id_:
        raise NotFound(f"no takedown {id_!r}; `tinhuyen takedown report` lists them")
    if len(rows) > 1:
        raise UsageError(f"several takedowns begin with {id_}: give more of its digits")
    return dict(rows[0]._mapping)


def report(connection: Connection) -> list[dict[str, Any]]:
    """Every takedown, also those undone, oldest first."""
    query = select(takedown).order_by(takedown.c.decided_at, takedown.c.id)
    return [dict(row._mapping) for row in connection.execute(query)]


def set_access(
    archive: Archive, subject: str, rule: dict[str, Any], declared: Container[str] = ()
) -> AccessRule:
    """Keep a rule for a site or an article; `rule`: the other fields of AccessRule.

    `declared`: sites that need not have been crawled yet. Raises NotFound, UsageError,
    ArchiveFault, OSError.
    """
    site_id, article_id = subject, None
    if subject not in declared:
        with archive.reading(Audience.STAFF) as tx:
            site_id, article_id = _subject(tx, subject)
    if article_id is not None and (rule["since"] or rule["until"]):
        raise UsageError("dates choose among a site's articles; an article needs none")
    at = times.utc_text(times.now())
    made = AccessRule(site=site_id, article=article_id, decided_at=at, **rule)
    _keep(archive, "access", asdict(made), lambda tx: save_rule(tx, made))
    return made


def rules(connection: Connection) -> list[dict[str, Any]]:
    """Every rule that holds, by site; within it from the widest to the narrowest."""
    columns = [column for column in access_rule.c if column.name != "id"]
    query = select(*columns).order_by(
        access_rule.c.site,
        access_rule.c.attachments,
        access_rule.c.article.is_not(None),
        access_rule.c.decided_at,
    )
    found = (dict(row._mapping) for row in connection.execute(query))
    return [row | {"attachments": bool(row["attachments"])} for row in found]


def _subject(connection: Connection, subject: str) -> tuple[str, str | None]:
    """Site, and the article if it is one."""
    if connection.execute(select(site.c.id).where(site.c.id == subject)).first() is not None:
        return subject, None
    key = find_key(connection, subject)
    row = connection.execute(select(article.c.site, article.c.id).where(article.c.key == key)).one()
    return row.site, row.id


def _keep(archive: Archive, kind: str, values: dict[str, Any], save: Any, at: str = "") -> None:
    line = {"kind": kind, "at": at or times.utc_text(times.now())} | values
    engine = archive.open_for_writing()
    try:
        append_lines(archive.folder.journal, [line])
        with writing(engine) as tx:
            save(tx)
    finally:
        engine.dispose()
