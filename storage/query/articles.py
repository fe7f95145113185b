"""Articles as they are shown, cited and exported: the stable keys of DESIGN §7."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from storage import times
from storage.database.absences import absences_of, newest_number
from storage.database.captures import addresses_leading_to
from storage.database.schema import (
    article,
    article_url,
    attachment,
    capture,
    image,
    reading,
    site,
    version,
    version_image,
)
from storage.errors import NotFound, UsageError
from storage.places.shown import place
from storage.query.access import access_of
from storage.query.private_numbers import private_numbers
from storage.query.withheld import article_withheld, file_withdrawn, id_withdrawn, may_see_article

_SELECT = (
    select(
        article.c.key,
        article.c.id,
        article.c.site,
        site.c.organ,
        site.c.district.label("site_district"),
        site.c.district_from.label("site_district_from"),
        article.c.url,
        article.c.state.label("article_state"),
        article.c.last_seen,
        version.c.id.label("version_id"),
        version.c.number,
        reading,
        capture.c.fetched_at,
        capture.c.warc_file,
        capture.c.warc_offset,
        capture.c.warc_length,
        capture.c.record_id,
        capture.c.payload_digest,
        capture.c.provenance,
    )
    .join(site, site.c.id == article.c.site)
    .join(version, version.c.article == article.c.key)
    .join(reading, reading.c.id == version.c.reading)
    .join(capture, capture.c.id == reading.c.capture)
)
_TEXTS = ("title", "title_raw", "lead", "text", "section")
_PUBLISHED = (
    "published_at",
    "published_precision",
    "published_raw",
    "published_evidence",
    "published_flags",
)
_PEOPLE = ("byline_raw", "author", "office", "credit")


def find_key(connection: Connection, id_: str) -> int:
    """An article's key by its id, or by a start of it that no other shares.

    Raises NotFound, UsageError (several articles share the start); Withdrawn, NotOpen for one that
    who asks may not see.
    """
    rows = connection.execute(
        select(article.c.key, article.c.id)
        .where(article.c.id.startswith(id_, autoescape=True))
        .limit(2)
    ).all()
    if not rows or not id_:
        gone = id_withdrawn(connection, id_)
        raise gone or NotFound(f"no article {id_!r}; `tinhuyen search` lists ids")
    if len(rows) > 1:
        raise UsageError(f"several articles begin with {id_}: give more of its digits")
    key = int(rows[0].key)
    if not may_see_article(connection, key):
        raise article_withheld(connection, key, rows[0].id)
    return key


def keys_of_url(connection: Connection, url: str) -> list[int]:
    """Keys of the articles (of several sites, if so) that an address (canonical) showed."""
    shown = select(article_url.c.article).where(article_url.c.url == url)
    return [int(key) for key in connection.execute(shown.order_by(article_url.c.article)).scalars()]


def number_at(connection: Connection, key: int, stamp: str) -> int:
    """The number of the version that an article had at a time: 14 digits, UTC, as citations say.

    Raises NotFound (it has no capture so old), UsageError.
    """
    try:
        if len(stamp) != 14:
            raise ValueError("strptime takes 1 for 01")
        second = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"{stamp!r} is no time; write 14 digits, 20240301030000") from error
    end = times.utc_text(second.replace(microsecond=999_999))
    in_time = version.c.from_at <= end
    stood = select(func.max(version.c.number)).where(version.c.article == key, in_time)
    number = connection.execute(stood).scalar()
    if number is None:
        raise NotFound(f"this article has no capture of {stamp} or before")
    return int(number)


def load(
    connection: Connection, keys: list[int], number: int | None = None
) -> list[dict[str, Any]]:
    """The articles of these keys, in this order, in their newest version (or the given one).

    Raises NotFound if an article has no version of that number, or may not be seen by who asks.
    """
    counts = _version_counts(connection, keys)
    seen = text(access_of(connection).one_article("article"))
    rows = {row.key: row for row in connection.execute(_of_version(keys, number).where(seen))}
    if missing := [key for key in keys if key not in rows]:
        if not counts.get(missing[0]):
            raise NotFound(
                "nothing of this article is shown: what was read of it is set aside (`tinhuyen "
                "sites state SITE` tells why), or proposed (`tinhuyen reextract`)"
            )
        raise NotFound(f"no version {number} of this article; it has {counts.get(missing[0], 0)}")
    versions = [row.version_id for row in rows.values()]
    images, files = _images(connection, versions), _attachments(connection, versions)
    return [
        _as_shown(
            rows[key],
            _other_urls(connection, rows[key]),
            counts[key],
            images,
            files,
            _absent(connection, rows[key]),
        )
        for key in keys
    ]


def _of_version(keys: list[int], number: int | None) -> Any:
    wanted = newest_number(article.c.key) if number is None else number
    return _SELECT.where(article.c.key.in_(keys), version.c.number == wanted)


def _version_counts(connection: Connection, keys: list[int]) -> dict[int, int]:
    counts = (
        select(version.c.article, func.count())
        .where(version.c.article.in_(keys))
        .group_by(version.c.article)
    )
    return {key: count for key, count in connection.execute(counts)}


def _other_urls(connection: Connection, row: Row[Any]) -> list[str]:
    own = select(article_url.c.url).where(article_url.c.article == row.key)
    urls = addresses_leading_to(connection, row.site, connection.execute(own).scalars())
    return sorted(urls - {row.url})


def _absent(connection: Connection, row: Row[Any]) -> dict[str, Any] | None:
    """When a gone article was last there, when it was first not, and the record that shows it."""
    if row.article_state != "gone":
        return None
    at, why, shown_by = connection.execute(absences_of(row.key).limit(1)).one()
    where = (capture.c.record_id, capture.c.warc_file, capture.c.warc_offset)
    record_id, file, offset = connection.execute(
        select(*where).where(capture.c.id == shown_by)
    ).one()
    record = {"record_id": record_id, "file": file, "offset": offset}
    return {"present_on": row.last_seen, "absent_on": at, "why": why, "warc": record}


def _images(connection: Connection, versions: list[int]) -> dict[int, list[dict[str, Any]]]:
    rows = connection.execute(
        select(version_image, image.c.mime, image.c.width, image.c.height)
        .outerjoin(image, image.c.sha256 == version_image.c.image)
        .where(version_image.c.version.in_(versions))
        .where(text(access_of(connection).file("version_image", "image")))
        .order_by(version_image.c.position)
    )
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row.version].append(
            {
                "sha256": row.image,
                "url": row.url,
                "mime": row.mime,
                "width": row.width,
                "height": row.height,
                "caption": row.caption,
            }
        )
    return found


def _attachments(connection: Connection, versions: list[int]) -> dict[int, list[dict[str, Any]]]:
    rows = connection.execute(
        select(attachment)
        .where(attachment.c.version.in_(versions))
        .where(text(access_of(connection).file("attachment", "sha256")))
        .order_by(attachment.c.position)
    )
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row.version].append(
            {"url": row.url, "name": row.name, "mime": row.mime, "sha256": row.sha256}
        )
    return found


def _as_shown(
    row: Row[Any],
    other_urls: list[str],
    versions: int,
    images: dict[int, list[dict[str, Any]]],
    files: dict[int, list[dict[str, Any]]],
    absent: dict[str, Any] | None,
) -> dict[str, Any]:
    values = row._mapping
    return {
        "id": row.id,
        "site": row.site,
        "organ": row.organ,
        "url": row.url,
        "other_urls": other_urls,
        **{name: values[name] for name in (*_TEXTS, *_PUBLISHED, *_PEOPLE)},
        "captured_at": row.fetched_at,
        **({"absent": absent} if absent else {}),  # only of what is gone
        "version": row.number,
        "versions": versions,
        "images": images.get(row.version_id, []),
        "attachments": files.get(row.version_id, []),
        "place": _place(row),
        "warc": {
            "file": row.warc_file,
            "offset": row.warc_offset,
            "length": row.warc_length,
            "record_id": row.record_id,
            "payload_digest": row.payload_digest,
            "provenance": row.provenance,
        },
    }


def _place(row: Row[Any]) -> dict[str, Any] | None:
    """The site's own district, else the one that the article names; None if neither is known."""
    if row.site_district is not None:
        return place(row.site_district, row.site_district_from, "site")
    if row.district is None:
        return None
    return place(row.district, row.district_from, row.district_evidence)


def load_image(connection: Connection, sha256: str) -> tuple[str, bytes]:
    """Media type and bytes of an image that an article shows. Raises NotFound, Withdrawn."""
    seen = text(access_of(connection).image("image"))
    row = connection.execute(
        select(image.c.mime, image.c.data).where(image.c.sha256 == sha256).where(seen)
    ).first()
    if row is None:
        gone = file_withdrawn(connection, sha256)
        raise gone or NotFound(f"no image {sha256}")
    return row.mime, row.data


def private_numbers_in(connection: Connection, site_id: str | None) -> Iterator[dict[str, Any]]:
    """Kind and place of every private number in the newest versions, by article id."""
    found = (
        select(article.c.id, article.c.site, reading.c.title, reading.c.lead, reading.c.text)
        .join(version, version.c.article == article.c.key)
        .join(reading, reading.c.id == version.c.reading)
        .where(version.c.number == newest_number(article.c.key))
        .where(text(access_of(connection).article("article")))
        .order_by(article.c.id)
    )
    if site_id is not None:
        found = found.where(article.c.site == site_id)
    for row in connection.execute(found):
        for field in ("title", "lead", "text"):
            for number in private_numbers(row._mapping[field] or ""):
                yield {"article": row.id, "site": row.site, "field": field, **asdict(number)}
