"""Images and attachments: bytes once for each sha256, bound to the versions that show them.

A version's image is the sound capture of its address that is nearest in time to the capture of
the article, whichever came first; of two equally near, the earlier. Saving an article and saving
an image both ask the same question, so that the order of the crawl decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from storage import times
from storage.database.captures import addresses_leading_to
from storage.database.prepared import Prepared, columns, listed
from storage.database.schema import (
    article,
    attachment,
    capture,
    image,
    reading,
    version,
    version_image,
)
from storage.records import Image

_INSERT_IMAGE = Prepared(
    lambda insert_: insert_(image).values(columns(image)).on_conflict_do_nothing()
)
_CAPTURES_OF = Prepared(
    select(
        capture.c.url, capture.c.location, capture.c.truncated,
        capture.c.id, capture.c.body_sha256, capture.c.mime, capture.c.fetched_at,
    ).where(capture.c.site == bindparam("site"), capture.c.url.in_(listed("urls")))
)  # fmt: skip


def save_images(tx: Connection, images: Iterable[Image]) -> None:
    """Keep image bytes, once."""
    rows = {
        one.sha256: {
            "sha256": one.sha256,
            "mime": one.mime,
            "width": one.width,
            "height": one.height,
            "bytes": len(one.data),
            "problem": one.problem,
            "data": one.data,
            "perceptual_hash": None,
        }
        for one in images
    }
    _INSERT_IMAGE.insert(tx, list(rows.values()))


@dataclass(frozen=True, slots=True)
class FileCapture:
    """A sound capture of a file."""

    capture: int
    sha256: str
    mime: str | None
    fetched_at: str


class FileCaptures:
    """The captures of some addresses, and of the addresses that they redirect to."""

    def __init__(self, tx: Connection, site: str, urls: Iterable[str]) -> None:
        self._files: defaultdict[str, list[FileCapture]] = defaultdict(list)
        self._targets: defaultdict[str, set[str]] = defaultdict(set)
        steps = reached = set(urls)
        while steps:
            found = _CAPTURES_OF.rows(tx, {"site": site, "urls": list(steps)})
            for url, location, truncated, id_, sha256, mime, fetched_at in found:
                if sha256 is not None and truncated is None:
                    self._files[url].append(FileCapture(id_, sha256, mime, fetched_at))
                if location is not None:
                    self._targets[url].add(location)
            steps = {target for url in steps for target in self._targets[url]} - reached
            reached = reached | steps

    def nearest(self, url: str, at: str) -> FileCapture | None:
        """The one nearest to `at` (UTC text); None if there is none."""
        found = [file for one in self._behind(url) for file in self._files[one]]
        if len(found) < 2:
            return found[0] if found else None
        moment = times.parse_utc(at)
        return min(
            found,
            key=lambda f: (abs(times.parse_utc(f.fetched_at) - moment), f.fetched_at, f.capture),
        )

    def _behind(self, url: str) -> set[str]:
        reached = {url}
        steps = reached
        while steps:
            steps = {target for step in steps for target in self._targets[step]} - reached
            reached = reached | steps
        return reached


@dataclass(frozen=True, slots=True)
class _Place:
    """A table of files that versions show: how to find its rows, fill them, add some."""

    shown: Prepared
    bind: Prepared
    insert: Prepared


def _place(table: Table, *bound: str) -> _Place:
    shown = (
        select(table.c.version, table.c.position, table.c.url, capture.c.fetched_at)
        .join(version, version.c.id == table.c.version)
        .join(reading, reading.c.id == version.c.reading)
        .join(capture, capture.c.id == reading.c.capture)
        .join(article, article.c.key == version.c.article)
        .where(table.c.url.in_(listed("urls")), article.c.site == bindparam("site"))
    )
    here = (table.c.version == bindparam("version_")) & (table.c.position == bindparam("position_"))
    bind = update(table).where(here).values({name: bindparam(name) for name in bound})
    return _Place(Prepared(shown), Prepared(bind), Prepared(insert(table).values(columns(table))))


_IMAGES = _place(version_image, "image")
_ATTACHMENTS = _place(attachment, "mime", "sha256", "capture")


def bind_files(tx: Connection, site: str, urls: Iterable[str]) -> None:
    """Files and redirects came: bind every version that shows them to the nearest capture."""
    addresses = addresses_leading_to(tx, site, urls)
    for place in (_IMAGES, _ATTACHMENTS):
        shown = place.shown.rows(tx, {"urls": list(addresses), "site": site})
        if shown:
            files = FileCaptures(tx, site, {url for _, _, url, _ in shown})
            rows = [
                _bound(files.nearest(url, at)) | {"version_": version_, "position_": position}
                for version_, position, url, at in shown
            ]
            place.bind.run_many(tx, rows)


def _bound(file: FileCapture | None) -> dict[str, object]:
    if file is None:
        return {"image": None, "mime": None, "sha256": None, "capture": None}
    return {
        "image": file.sha256,
        "mime": file.mime,
        "sha256": file.sha256,
        "capture": file.capture,
    }


@dataclass(frozen=True, slots=True)
class ShownFiles:
    """What a new version shows."""

    version: int
    at: str
    """Capture time of its article, UTC text."""
    images: list[dict[str, Any]]
    attachments: list[dict[str, Any]]


def insert_version_files(tx: Connection, site: str, shown: Sequence[ShownFiles]) -> None:
    """The images and attachments of new versions, bound to what is already kept."""
    urls = {file["url"] for one in shown for file in (*one.images, *one.attachments)}
    if not urls:
        return
    files = FileCaptures(tx, site, urls)
    for place, name in ((_IMAGES, "images"), (_ATTACHMENTS, "attachments")):
        rows = [
            {"version": one.version, "position": position}
            | file
            | _bound(files.nearest(file["url"], one.at))
            for one in shown
            for position, file in enumerate(getattr(one, name), 1)
        ]
        place.insert.insert(tx, rows)
