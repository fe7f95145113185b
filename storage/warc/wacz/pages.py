"""The page lists of a package: articles with title and text, and the other pages by address.

Source: WACZ 1.1.1 §5.2.2 (pages.jsonl); `extraPages.jsonl` is where Browsertrix lists the pages
that nobody asked for by name, and ReplayWeb.page looks for them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from storage.database.schema import capture, reading, version
from storage.query import articles
from storage.query.open_captures import OpenCapture, open_captures
from storage.warc.wacz.shelf import Shelf

_AT_ONCE = 200


def article_pages(connection: Connection, shelf: Shelf) -> Iterator[str]:
    """A line for every version of an article whose record is on the shelf."""
    yield _line({"format": "json-pages-1.0", "id": "pages", "title": "Articles", "hasText": True})
    for ids in shelf.ids(_AT_ONCE):
        for shown in _versions(connection, ids):
            text = "\n".join(part for part in (shown["lead"], shown["text"]) if part)
            yield _line(
                {
                    "id": f"{shown['id']}-{shown['version']}",
                    "url": shown["captured_url"],
                    "ts": _seconds(shown["captured_at"]),
                    "title": shown["title"] or "",
                    "text": text,
                }
            )


def other_pages(connection: Connection, shelf: Shelf) -> Iterator[str]:
    """A line for every other sound page on the shelf."""
    yield _line({"format": "json-pages-1.0", "id": "extra", "title": "Other pages"})
    for ids in shelf.ids(_AT_ONCE):
        read = set(connection.execute(_READ.where(capture.c.id.in_(ids))).scalars())
        for one in open_captures(connection, capture.c.id.in_(ids)):
            if one.id not in read and _is_page(one):
                yield _line({"id": f"c{one.id}", "url": one.url, "ts": _seconds(one.fetched_at)})


_READ = (
    select(capture.c.id)
    .join(reading, reading.c.capture == capture.c.id)
    .join(version, version.c.reading == reading.c.id)
)
_VERSIONS = (
    select(version.c.article, version.c.number, capture.c.url)
    .join(reading, reading.c.id == version.c.reading)
    .join(capture, capture.c.id == reading.c.capture)
    .order_by(version.c.number, capture.c.id)
)


def _versions(connection: Connection, ids: list[int]) -> Iterator[dict[str, Any]]:
    """The versions that were read from these captures, as everybody is shown them."""
    keys: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for key, number, url in connection.execute(_VERSIONS.where(capture.c.id.in_(ids))):
        keys[number][key] = url
    for number, urls in keys.items():
        loaded = articles.load(connection, list(urls), number)
        for shown, url in zip(loaded, urls.values(), strict=True):
            yield shown | {"captured_url": url}


def _is_page(one: OpenCapture) -> bool:
    return one.is_sound and one.location is None and (one.mime or "").startswith("text/html")


def _seconds(at: str) -> str:
    """`2023-01-10T09:33:00Z`: the form of the specification's examples."""
    return at[:19] + "Z"


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)
