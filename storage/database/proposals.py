"""What today's rules make of captures that older ones read: proposed, and taken over if accepted.

Everything that follows from reading a capture is compared and taken over as one: its reading, what
its `reading` says, its failures, and whether it shows that a page was not there. Then it is as if
the capture had been read so in the first place, which is what a rebuild does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, update
from sqlalchemy.exc import DBAPIError

from storage import times
from storage.database.absences import Absence, replace_absences
from storage.database.articles import (
    FIELDS,
    STANDING,
    ReadCapture,
    propose_readings,
    read_fields,
    renew_articles,
)
from storage.database.pages import failure_rows, page_errors, reading_state, why_absent
from storage.database.proposal_table import proposal
from storage.database.schema import (
    absence,
    article,
    article_url,
    capture,
    failure,
    reading,
)
from storage.database.site_states import is_set_aside
from storage.records import Page
from storage.urls import article_id

Given = dict[str, Any]
"""What a capture gives: `reading`, `absent` and `failures`; of an article also its `id` and every
column of `reading` (storage.database.articles.FIELDS)."""

_SAID = ("url", "stage", "kind", "skipped", "message")


@dataclass(frozen=True, slots=True)
class Reread:
    """A capture, read with today's rules."""

    read: ReadCapture | None
    """None if it is no article."""
    reading: str
    absent: str | None
    failures: tuple[dict[str, Any], ...]
    """Rows of the table `failure`, but for their capture."""

    def given(self, site: str) -> Given:
        """As `given` tells it of what is stored."""
        said = sorted([row[name] for name in _SAID] for row in self.failures)
        found: Given = {"reading": self.reading, "absent": self.absent, "failures": said}
        if self.read is None:
            return found
        return found | {"id": article_id(site, self.read.article.url)} | read_fields(self.read)


def reread(page: Page, site: str, run: str, capture_id: int) -> Reread:
    """What a page read again gives. `run`: the one that captured it."""
    read = None
    if page.article is not None and page.capture is not None:
        at = times.utc_text(page.capture.fetched_at)
        read = ReadCapture(capture_id, page.capture.url, at, page.article)
    failures = tuple(failure_rows(site, run, page))
    return Reread(read, reading_state(page), why_absent(page), failures)


def given(tx: Connection, captures: Sequence[int]) -> dict[int, Given]:
    """What is stored of these captures; what is proposed does not count."""
    states = select(capture.c.id, capture.c.reading, absence.c.why).outerjoin(absence)
    found: dict[int, Given] = {
        id_: {"reading": state, "absent": why, "failures": []}
        for id_, state, why in tx.execute(states.where(capture.c.id.in_(captures)))
    }
    said = select(failure.c.capture, *(failure.c[name] for name in _SAID))
    for id_, *values in tx.execute(said.where(failure.c.capture.in_(captures))):
        found[id_]["failures"].append(values)
    for one in found.values():
        one["failures"].sort()
    columns = (reading.c.capture, article.c.id, *(reading.c[name] for name in FIELDS))
    read = select(*columns).join(article, article.c.key == reading.c.article)
    standing = reading.c.capture.in_(captures) & reading.c.state.in_(STANDING)
    for id_, *values in tx.execute(read.where(standing)):
        found[id_] |= dict(zip(("id", *FIELDS), values, strict=True))
    return found


def withdraw(tx: Connection, captures: Sequence[int]) -> None:
    """Forget what is proposed of these captures, and articles that nothing else tells of."""
    proposed = reading.c.capture.in_(captures) & (reading.c.state == "proposed")
    keys = list(tx.execute(select(reading.c.article).where(proposed)).scalars())
    tx.execute(delete(reading).where(proposed))
    tx.execute(delete(proposal).where(proposal.c.capture.in_(captures)))
    if keys:
        told_of = exists().where(reading.c.article == article.c.key)
        unread = article.c.key.in_(keys) & ~told_of
        ids = list(tx.execute(select(article.c.key).where(unread)).scalars())
        tx.execute(delete(article_url).where(article_url.c.article.in_(ids)))
        tx.execute(delete(article).where(article.c.key.in_(ids)))


def propose(tx: Connection, site: str, run: str, proposed: dict[int, Reread]) -> dict[int, str]:
    """Keep what is proposed of captures; `withdraw` has been there first.

    Returns, by capture, why one cannot be kept; what one spoils stays with it.
    """
    try:
        with tx.begin_nested():
            read = [one.read for one in proposed.values() if one.read is not None]
            if read:
                propose_readings(tx, site, read)
            tx.execute(insert(proposal), [_row(id_, run, one) for id_, one in proposed.items()])
    except DBAPIError as error:
        if not isinstance(error.orig, page_errors(tx)):
            raise
        reason = str(error.orig)
    except page_errors(tx) as error:
        reason = str(error)
    else:
        return {}
    if len(proposed) == 1:
        return dict.fromkeys(proposed, reason)
    spoiled: dict[int, str] = {}
    for id_, one in proposed.items():
        spoiled |= propose(tx, site, run, {id_: one})
    return spoiled


def save_unread(tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Failures of a run that read again. Of one told twice the last counts, as in the journal."""
    for row in rows:
        same = [failure.c[name] == row[name] for name in ("run", "url", "kind")]
        tx.execute(delete(failure).where(*same))
        tx.execute(insert(failure), row)


def _row(id_: int, run: str, one: Reread) -> dict[str, Any]:
    rest = {"absent": one.absent, "failures": list(one.failures)}
    return {"capture": id_, "run": run, "reading": one.reading} | rest


def accept_some(tx: Connection, site: str, run: str, at_once: int) -> int:
    """Take over some of what a run proposes; returns of how many captures, 0 if none is left."""
    mine = select(proposal).where(proposal.c.run == run).order_by(proposal.c.capture)
    rows = {row.capture: row for row in tx.execute(mine.limit(at_once))}
    if not rows:
        return 0
    keys = _turn_readings(tx, list(rows))
    for row in rows.values():
        tx.execute(update(capture).where(capture.c.id == row.capture).values(reading=row.reading))
    tx.execute(delete(failure).where(failure.c.capture.in_(rows)))
    failures = [one | {"capture": id_} for id_, row in rows.items() for one in row.failures]
    if failures:
        tx.execute(insert(failure), failures)
    tx.execute(delete(proposal).where(proposal.c.capture.in_(rows)))
    renew_articles(tx, site, keys)
    absent = {id_: row.absent for id_, row in rows.items() if row.absent is not None}
    replace_absences(tx, site, list(rows), _absences(tx, site, absent))
    return len(rows)


def _turn_readings(tx: Connection, captures: list[int]) -> list[int]:
    """What stood is old, what was proposed stands; returns the keys of their articles.

    A reading whose run is set aside is set aside like the one before it.
    """
    mine = reading.c.capture.in_(captures) & (reading.c.state != "old")
    keys = set(tx.execute(select(reading.c.article).where(mine)).scalars())
    tx.execute(update(reading).where(mine, reading.c.state.in_(STANDING)).values(state="old"))
    by_run: defaultdict[str, list[int]] = defaultdict(list)
    whose = select(capture.c.run, capture.c.id).where(capture.c.id.in_(captures))
    for run, id_ in tx.execute(whose):
        by_run[run].append(id_)
    for run, ids in by_run.items():
        proposed = reading.c.capture.in_(ids) & (reading.c.state == "proposed")
        state = "aside" if is_set_aside(tx, run) else "accepted"
        tx.execute(update(reading).where(proposed).values(state=state))
    return sorted(keys)


def _absences(tx: Connection, site: str, absent: dict[int, str]) -> list[Absence]:
    where = select(capture.c.id, capture.c.url, capture.c.fetched_at)
    rows = tx.execute(where.where(capture.c.id.in_(absent)))
    return [Absence(id_, site, url, at, absent[id_]) for id_, url, at in rows]
