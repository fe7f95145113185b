"""The archive's index for pywb: a CDX server on loopback that asks the database each time.

So a capture that is closed or taken down is gone from the request after it, and a new one is there.
Source: https://github.com/webrecorder/pywb/wiki/CDX-Server-API, so far as pywb asks for it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import ColumnElement, Connection, or_

from storage.archive import Archive
from storage.database.schema import capture
from storage.errors import NotFound
from storage.folder import ArchiveFolder
from storage.query.open_captures import OpenCapture, captures_near, open_captures
from storage.urls import urlkey

_LINES_MAX = 10_000
_TIME_ORDER = (capture.c.urlkey, capture.c.fetched_at, capture.c.id)


class IndexServer:
    """Serves from a thread of this process while the context lasts."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def __enter__(self) -> IndexServer:
        archive = self._archive

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _answer(self, archive)

            def log_message(self, format: str, *args: object) -> None:
                """Silence: pywb's own log says what was asked for."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its address, to which a query is added."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/cdx"


def _answer(handler: BaseHTTPRequestHandler, archive: Archive) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
    try:
        with archive.reading() as connection:
            lines = list(index_lines(connection, archive.folder, asked))
    except ValueError as error:
        handler.send_error(400, str(error))
        return
    body = "".join(line + "\n" for line in lines).encode()
    handler.send_response(200)
    handler.send_header("Content-Type", "text/x-cdxj")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def index_lines(
    connection: Connection, folder: ArchiveFolder, asked: dict[str, str]
) -> Iterator[str]:
    """CDXJ lines for a query: `url`, `matchType`, `closest` (14 digits), `limit`.

    Raises ValueError for a query that is none.
    """
    limit = min(int(asked.get("limit", _LINES_MAX)), _LINES_MAX)
    kind, closest = asked.get("matchType", "exact"), asked.get("closest", "")
    if kind == "exact" and closest:
        at = _as_moment(closest)
        near = captures_near(connection, asked.get("url", ""), at)
        found = iter(sorted(near, key=lambda one: abs(one.moment - at))[:limit])
    else:
        matching = _matching(urlkey(asked.get("url", "")), kind)
        found = open_captures(connection, matching, order=_TIME_ORDER, limit=limit)
    for one in found:
        try:
            yield _line(one, folder)
        except NotFound:  # its file is not here: it cannot be replayed
            continue


def _matching(key: str, kind: str) -> ColumnElement[bool]:
    """Keys are hosts turned round: `vn,gov,abc)/path`."""
    column, host = capture.c.urlkey, key.partition(")")[0]
    if kind == "prefix":
        return column.startswith(key, autoescape=True)
    within = column.startswith(f"{host})", autoescape=True)
    if kind == "host":
        return within
    if kind == "domain":
        return or_(within, column.startswith(f"{host},", autoescape=True))
    return column == key


def _as_moment(stamp: str) -> datetime:
    """`20230110093300`, or its beginning, which is UTC. Raises ValueError."""
    full = stamp + "00000101000000"[len(stamp) :]
    return datetime.strptime(full, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _line(one: OpenCapture, folder: ArchiveFolder) -> str:
    """Raises NotFound."""
    path = folder.file_here(one.record.file)
    if path is None:
        raise NotFound(f"{one.record.file} is not on this machine, and pywb reads what is")
    fields = {
        "url": one.url,
        "mime": "warc/revisit" if one.record_type == "revisit" else one.mime,
        "status": str(one.status) if one.status else None,
        "digest": one.payload_digest,
        "length": str(one.record.length),
        "offset": str(one.record.offset),
        "filename": path.relative_to(folder.root).as_posix(),  # `.open` while it is written
    }
    there = {name: value for name, value in fields.items() if value is not None}
    return f"{one.urlkey} {one.stamp} {json.dumps(there)}"
