"""Readings, and the articles and versions computed from them.

A reading is what one capture gave. A version is the article as it stood between two changes:
a stretch of accepted readings, in order of capture time, with one content digest. So versions
follow from readings and can be computed again at any time, in any order of arrival.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Text,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from storage.database.absences import update_states
from storage.database.images import ShownFiles, insert_version_files
from storage.database.prepared import Prepared, columns, listed
from storage.database.schema import (
    article,
    article_url,
    attachment,
    capture,
    reading,
    version,
    version_image,
)
from storage.database.search_index import index_readings, remove_articles
from storage.records import Article
from storage.urls import article_id


def content_digest(read: Article) -> str:
    """sha256 over what makes the article: title, lead, text, image and attachment addresses."""
    content = [
        read.title,
        read.lead,
        read.text,
        [image.url for image in read.images],
        [file.url for file in read.attachments],
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class ReadCapture:
    """What was read from a capture."""

    capture: int
    url: str
    """The capture's address."""
    at: str
    """The capture's time, UTC text."""
    article: Article


def save_readings(tx: Connection, site: str, read: Sequence[ReadCapture]) -> None:
    """Keep what was read and bring the versions of its articles up to date."""
    if not read:
        return
    keys = _meet_articles(tx, site, read, _MEET)
    key_of = {one: keys[article_id(site, one.article.url)] for one in read}
    urls = {(key_of[one], url) for one in read for url in (one.url, one.article.url)}
    _MEET_URL.insert(tx, [{"article": key, "url": url} for key, url in sorted(urls)])
    _INSERT_READING.insert(tx, [reading_row(one, key_of[one]) for one in read])
    update_versions(tx, site, sorted(set(key_of.values())))


def propose_readings(tx: Connection, site: str, read: Sequence[ReadCapture]) -> None:
    """Keep what was read as `proposed`: no version follows from it, and no sighting."""
    keys = _meet_articles(tx, site, read, _MEET_UNSEEN)
    rows = [reading_row(one, keys[article_id(site, one.article.url)]) for one in read]
    _INSERT_READING.insert(tx, [row | {"state": "proposed"} for row in rows])


def _meet_articles(
    tx: Connection, site: str, read: Sequence[ReadCapture], meet: Prepared
) -> dict[str, int]:
    """Keys of the articles by id; new ones are begun."""
    rows: dict[str, dict[str, Any]] = {}
    for one in sorted(read, key=lambda one: one.at):
        id_ = article_id(site, one.article.url)
        first = {"first_seen": one.at, "site": site, "url": one.article.url, "state": "live"}
        rows[id_] = {"id": id_} | first | rows.get(id_, {}) | {"last_seen": one.at}
    return dict(meet.insert(tx, list(rows.values())))


def _meet(insert_: Any) -> Any:
    statement = insert_(article).values(columns(article, "key"))
    new, old = statement.excluded, article.c
    earlier = case((new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen)
    later = case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen)
    return statement.on_conflict_do_update(
        index_elements=["id"], set_={"first_seen": earlier, "last_seen": later}
    ).returning(old.id, old.key)


def _meet_unseen(insert_: Any) -> Any:
    """It returns the key of what it leaves as it is too, hence DO UPDATE."""
    statement = insert_(article).values(columns(article, "key"))
    as_it_is = {"state": article.c.state}
    return statement.on_conflict_do_update(index_elements=["id"], set_=as_it_is).returning(
        article.c.id, article.c.key
    )


_MEET, _MEET_UNSEEN = Prepared(_meet), Prepared(_meet_unseen)
_MEET_URL = Prepared(
    lambda insert_: insert_(article_url).values(columns(article_url)).on_conflict_do_nothing()
)
_INSERT_READING = Prepared(insert(reading).values(columns(reading, "id")))


def reading_row(one: ReadCapture, key: int) -> dict[str, Any]:
    """What was read as a row of `reading`; JSON columns as text."""
    read = one.article
    return {column: getattr(read, column) for column in _PLAIN_COLUMNS} | {
        "capture": one.capture,
        "article": key,
        "state": "accepted",
        "published_flags": _json(list(read.published_flags)),
        "images": _json([asdict(image) for image in read.images]),
        "attachments": _json([asdict(file) for file in read.attachments]),
        "date_candidates": _json(list(read.date_candidates)),
        "content_digest": content_digest(read),
    }


def read_fields(one: ReadCapture) -> dict[str, Any]:
    """What was read, field by field, as the columns of `reading` in FIELDS give it back."""
    row = reading_row(one, 0)
    return {
        name: json.loads(row[name]) if isinstance(reading.c[name].type, JSON) else row[name]
        for name in FIELDS
    }


FIELDS = tuple(
    column.name
    for column in reading.columns
    if column.name not in ("id", "capture", "article", "state")
)
"""Columns of `reading` that hold what was read, and what read it."""
STANDING = ("accepted", "aside")
"""States of the one reading of a capture that counts, or would if its run were not set aside."""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


_PLAIN_COLUMNS = (
    "extractor", "title", "title_raw", "lead", "text", "section",
    "published_at", "published_utc", "published_precision", "published_raw", "published_evidence",
    "byline_raw", "author", "office", "credit",
    "district", "district_from", "district_evidence",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A version as the readings would have it."""

    from_at: str
    until_at: str
    reading: int
    reading_at: str


@dataclass(frozen=True, slots=True)
class _Stored:
    """A version as it is stored."""

    id: int
    reading: int
    from_at: str
    until_at: str


@dataclass(slots=True)
class _Changes:
    """What has to change in the versions of some articles."""

    spans: list[dict[str, Any]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    new: list[dict[str, Any]] = field(default_factory=list)
    newest: dict[int, int] = field(default_factory=dict)
    """Reading of the newest version, by the key of each article whose versions changed."""
    begun: set[int] = field(default_factory=set)
    """Keys of articles that had no version yet."""
    hidden: list[int] = field(default_factory=list)
    """Keys of articles that have none any more."""


def update_versions(tx: Connection, site: str, keys: Sequence[int]) -> None:
    """Compute the versions of these articles from their accepted readings; keep what stands."""
    stretches, stored = _stretches(tx, keys), _stored_versions(tx, keys)
    changes = _Changes()
    for key in keys:
        _compare(key, stretches.get(key, []), stored[key], changes)
    if changes.spans:
        _SET_SPAN.run_many(tx, changes.spans)
    _delete_versions(tx, changes.gone)
    remove_articles(tx, changes.hidden)
    if changes.newest:
        _insert_versions(tx, site, changes, {s.reading: s for of in stretches.values() for s in of})
    update_states(tx, keys)


def _compare(key: int, wanted: list[_Stretch], stored: list[_Stored], changes: _Changes) -> None:
    """Versions stay as long as their readings do; from the first change on they are made anew."""
    same = 0
    while same < min(len(stored), len(wanted)) and stored[same].reading == wanted[same].reading:
        have, want = stored[same], wanted[same]
        if (have.from_at, have.until_at) != (want.from_at, want.until_at):
            span = {"id_": have.id, "from_at": want.from_at, "until_at": want.until_at}
            changes.spans.append(span)
        same += 1
    changes.gone += [one.id for one in stored[same:]]
    for number, want in enumerate(wanted[same:], same + 1):
        row = {"from_at": want.from_at, "until_at": want.until_at, "reading": want.reading}
        changes.new.append({"article": key, "number": number} | row)
    if stored and not wanted:
        changes.hidden.append(key)
    elif same < len(wanted) or same < len(stored):
        changes.newest[key] = wanted[-1].reading
        if not stored:
            changes.begun.add(key)


_READINGS = Prepared(
    select(
        reading.c.article,
        reading.c.content_digest,
        capture.c.truncated,
        (capture.c.url == article.c.url),
        reading.c.id,
        capture.c.fetched_at,
    )
    .join(capture, capture.c.id == reading.c.capture)
    .join(article, article.c.key == reading.c.article)
    .where(reading.c.article.in_(listed("keys")), reading.c.state == "accepted")
    .order_by(reading.c.article, capture.c.fetched_at, capture.c.record_id)
)
_VERSIONS = Prepared(
    select(
        version.c.article, version.c.id, version.c.reading, version.c.from_at, version.c.until_at
    )
    .where(version.c.article.in_(listed("keys")))
    .order_by(version.c.article, version.c.number)
)
_SET_SPAN = Prepared(
    update(version)
    .where(version.c.id == bindparam("id_"))
    .values(from_at=bindparam("from_at"), until_at=bindparam("until_at"))
)
_INSERT_VERSION = Prepared(
    insert(version).values(columns(version, "id")).returning(version.c.reading, version.c.id)
)
_FILES = Prepared(
    select(reading.c.id, cast(reading.c.images, Text), cast(reading.c.attachments, Text)).where(
        reading.c.id.in_(listed("readings"))
    )
)


def _stretches(tx: Connection, keys: Sequence[int]) -> dict[int, list[_Stretch]]:
    """The versions that the readings would have. What was cut counts only if nothing is whole."""
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for key, *row in _READINGS.rows(tx, {"keys": keys}):
        found[key].append(row)
    wanted = {}
    for key, rows in found.items():
        sound = [row for row in rows if row[1] is None] or rows
        wanted[key] = [_stretch(list(same)) for _, same in groupby(sound, lambda row: row[0])]
    return wanted


def _stretch(rows: list[Any]) -> _Stretch:
    """The reading that stands for a version is the first under its canonical address."""
    chosen = next((row for row in rows if row[2]), rows[0])
    return _Stretch(rows[0][4], rows[-1][4], chosen[3], chosen[4])


def _stored_versions(tx: Connection, keys: Sequence[int]) -> defaultdict[int, list[_Stored]]:
    found: defaultdict[int, list[_Stored]] = defaultdict(list)
    for key, *row in _VERSIONS.rows(tx, {"keys": keys}):
        found[key].append(_Stored(*row))
    return found


def _delete_versions(tx: Connection, ids: Sequence[int]) -> None:
    if ids:
        for table, column in ((version_image, "version"), (attachment, "version"), (version, "id")):
            tx.execute(delete(table).where(table.c[column].in_(ids)))


def _insert_versions(
    tx: Connection, site: str, changes: _Changes, stretches: dict[int, _Stretch]
) -> None:
    ids = dict(_INSERT_VERSION.insert(tx, changes.new))
    content = {id_: rest for id_, *rest in _FILES.rows(tx, {"readings": sorted(ids)})}
    shown = [
        ShownFiles(id_, stretches[read].reading_at, *map(json.loads, content[read]))
        for read, id_ in ids.items()
    ]
    insert_version_files(tx, site, shown)
    index_readings(tx, changes.newest, changes.begun)


def count_articles(tx: Connection, site: str) -> int:
    """How many articles a site has that have a version."""
    count = select(func.count()).select_from(article).where(article.c.site == site, has_version())
    return int(tx.execute(count).scalar_one())


def has_version() -> ColumnElement[bool]:
    """Whether an article can be shown: one that only readings set aside tell of cannot."""
    return exists().where(version.c.article == article.c.key)


def renew_articles(tx: Connection, site: str, keys: Sequence[int]) -> None:
    """Compute everything of these articles anew from their readings, whatever they were before."""
    forget_sightings(tx, keys)
    where = reading.c.article.in_(keys) & reading.c.state.in_(STANDING)
    shown = (
        select(reading.c.article, capture.c.url, article.c.url)
        .join(capture, capture.c.id == reading.c.capture)
        .join(article, article.c.key == reading.c.article)
        .where(where)
    )
    urls = {(key, url) for key, *both in tx.execute(shown) for url in both}
    tx.execute(delete(article_url).where(article_url.c.article.in_(keys)))
    _MEET_URL.insert(tx, [{"article": key, "url": url} for key, url in sorted(urls)])
    update_versions(tx, site, keys)


def forget_sightings(tx: Connection, keys: Sequence[int]) -> None:
    """Articles were seen when accepted readings saw them; nothing changes where there is none."""
    seen = (
        select(capture.c.fetched_at)
        .join(reading, reading.c.capture == capture.c.id)
        .where(reading.c.article == article.c.key, reading.c.state == "accepted")
        .correlate(article)
    )
    first, last = seen.order_by(capture.c.fetched_at), seen.order_by(capture.c.fetched_at.desc())
    tx.execute(
        update(article)
        .where(article.c.key.in_(keys), seen.exists())
        .values(
            first_seen=first.limit(1).scalar_subquery(), last_seen=last.limit(1).scalar_subquery()
        )
    )
