"""Pages that were not there, and the state of articles that follows: live, changed or gone.

An article is gone if the last that was seen of the address of its newest version is its absence:
404, 410, a page that says so with status 200, or a redirect to the home page. It is back when it is
read again. Both follow from captures, in any order of their arrival.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    select,
    update,
)

from storage.database.prepared import Prepared, columns, listed
from storage.database.schema import absence, article, capture, reading, version


@dataclass(frozen=True, slots=True)
class Absence:
    """A capture that shows that a page was not there."""

    capture: int
    site: str
    url: str
    at: str
    """The capture's time, UTC text."""
    why: str
    """`404`, `410`, `soft_404` or `redirect_home`."""


_INSERT = Prepared(
    lambda insert_: insert_(absence).values(columns(absence)).on_conflict_do_nothing()
)


def save_absences(tx: Connection, site: str, absences: Sequence[Absence]) -> None:
    """Keep these, and note which articles are gone by them."""
    if not absences:
        return
    _INSERT.insert(tx, [asdict(one) for one in absences])
    urls = [one.url for one in absences]
    update_states(tx, [key for (key,) in _SHOWN_AT.rows(tx, {"site": site, "urls": urls})])


def replace_absences(
    tx: Connection, site: str, captures: Sequence[int], absences: Sequence[Absence]
) -> None:
    """From now on these captures show these absences and no others."""
    mine = absence.c.capture.in_(captures)
    had = list(tx.execute(select(absence.c.url).where(mine)).scalars())
    tx.execute(delete(absence).where(mine))
    save_absences(tx, site, absences)
    update_states(tx, [key for (key,) in _SHOWN_AT.rows(tx, {"site": site, "urls": had})])


def update_states(tx: Connection, keys: Sequence[int]) -> None:
    """Compute the state of these articles."""
    if keys:
        _SET_STATES.run(tx, {"keys": list(keys)})


def newest_number(key: Any) -> Any:
    """A subquery for the number of the newest version of the article with this key."""
    other = version.alias()
    return select(func.max(other.c.number)).where(other.c.article == key).scalar_subquery()


def absences_of(key: Any) -> Any:
    """A query for the absences that an article with this key was last seen as."""
    return (
        select(absence.c.at, absence.c.why, absence.c.capture)
        .join(capture, (capture.c.site == absence.c.site) & (capture.c.url == absence.c.url))
        .join(reading, reading.c.capture == capture.c.id)
        .join(version, version.c.reading == reading.c.id)
        .where(
            version.c.article == key,
            version.c.number == newest_number(version.c.article),
            absence.c.at > version.c.until_at,
        )
        .order_by(absence.c.at, absence.c.capture)
    )


_SHOWN_AT = Prepared(
    select(version.c.article)
    .join(reading, reading.c.id == version.c.reading)
    .join(capture, capture.c.id == reading.c.capture)
    .where(capture.c.site == bindparam("site"), capture.c.url.in_(listed("urls")))
)
_SET_STATES = Prepared(
    update(article)
    .where(article.c.key.in_(listed("keys")))
    .values(
        state=case(
            (
                exists(absences_of(article.c.key).order_by(None).correlate(article)),
                literal_column("'gone'"),
            ),
            (
                newest_number(article.c.key) > literal_column("1"),
                literal_column("'changed'"),
            ),
            else_=literal_column("'live'"),
        )
    )
)
