"""Common Crawl and the Wayback Machine on loopback: both index protocols, ranges, `id_` pages.

As their documentation and their clients have them (docs/archivists.md says which); neither was
asked. What goes wrong there is put into `faults`: by a piece of the path, what happens to the next
requests for it.
"""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawler.acquire.rescue.archives import PublicArchive
from crawler.acquire.rescue.listing import Span
from crawler.acquire.rescue.run import Rescued, Watch, rescue
from crawler.sites import load_sites
from storage.urls import urlkey
from storage.warc.exchange_records import NOT_MODIFIED
from tests.conftest import TestArchive
from tests.damage.writer import id_of, member, record, response, sha1
from tests.loopback import LoopbackPortal, send

CRAWL = "CC-MAIN-2024-10"
FILE = f"crawl-data/{CRAWL}/segments/1/warc/{CRAWL}-00000.warc.gz"
PER_PAGE = 3
EVER = Span()


@dataclass(frozen=True)
class Caught:
    """A capture of theirs."""

    url: str
    moment: str
    """14 digits."""
    body: bytes
    status: int = 200
    headers: tuple[str, ...] = ()
    digest: str | None = None
    """As the index has it, if it is wrong."""
    mime: str = "text/html"

    @property
    def at(self) -> datetime:
        return datetime.strptime(self.moment, "%Y%m%d%H%M%S").replace(tzinfo=UTC)

    @property
    def told_digest(self) -> str:
        return self.digest or sha1(self.body).removeprefix("sha1:")

    @property
    def key(self) -> str:
        return urlkey(self.url)


@dataclass
class PublicArchives(LoopbackPortal):
    """Both, with the same captures."""

    caught: Sequence[Caught]
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Paths, in the order they were asked for."""

    listed: Sequence[Caught] = ()
    """What the index lists, if it is not what is caught."""
    crawls: str = "https://elsewhere.example/"
    """Where the list of crawls says that their indexes are."""
    named: str = FILE
    """The file that the index names."""
    misdated: str = ""
    """A moment whose page says that it is of another."""

    def __post_init__(self) -> None:
        self.file, self.places = b"", []
        for number, one in enumerate(self.caught):
            data = member(self._record(number, one))
            self.places.append((len(self.file), len(data)))
            self.file += data

    def archive(self, name: str) -> PublicArchive:
        """As rescue asks it, without a delay."""
        index, captures = {
            "commoncrawl": (f"{self.url}/", f"{self.url}/"),
            "wayback": (f"{self.url}/cdx/search/cdx", f"{self.url}/web/"),
        }[name]
        return PublicArchive(
            name, index, captures, 0.0, f"Archive {name}", "its terms", name == "commoncrawl"
        )

    @property
    def environment(self) -> dict[str, str]:
        """Settings by which a command asks here."""
        return {
            "TINHUYEN_COMMONCRAWL_INDEX": f"{self.url}/",
            "TINHUYEN_COMMONCRAWL_DATA": f"{self.url}/",
            "TINHUYEN_COMMONCRAWL_DELAY_SECONDS": "0",
            "TINHUYEN_WAYBACK_INDEX": f"{self.url}/cdx/search/cdx",
            "TINHUYEN_WAYBACK_PAGES": f"{self.url}/web/",
            "TINHUYEN_WAYBACK_DELAY_SECONDS": "0",
        }

    def _record(self, number: int, one: Caught) -> bytes:
        length = f"Content-Length: {len(one.body)}"
        block = response(one.body, length, *one.headers)
        block = block.replace(b" 200 OK", f" {one.status} As Was".encode(), 1)
        block = block.replace(b"text/html", one.mime.encode(), 1)
        told = record(
            "revisit" if one.status == 304 else "response", 7000 + number, block,
            ("WARC-Target-URI", one.url), ("WARC-IP-Address", "203.0.113.7"),
            ("WARC-Concurrent-To", id_of(8000 + number)),
            ("Content-Type", "application/http; msgtype=response"),
            ("WARC-Payload-Digest", sha1(one.body)),
        ).set("WARC-Date", f"{one.at:%Y-%m-%dT%H:%M:%SZ}")  # fmt: skip
        if one.status == 304:
            told = told.set("WARC-Profile", NOT_MODIFIED).set("WARC-Refers-To-Target-URI", one.url)
            original = min(other.at for other in self.caught if other.url == one.url)
            told = told.set("WARC-Refers-To-Date", f"{original:%Y-%m-%dT%H:%M:%SZ}")
        return told.data()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        fault = self._fault(handler.path)
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if fault and fault not in ("torn", "short", "long"):
            self._fail(handler, fault)
        elif parts.path == "/collinfo.json":
            send(handler, 200, "application/json", json.dumps(self._crawls()).encode())
        elif parts.path == f"/{CRAWL}-index":
            self._pywb(handler, query)
        elif parts.path.endswith("-index"):
            send(handler, 404, "application/json", b'{"message": "No Captures found for: x"}')
        elif parts.path == "/cdx/search/cdx":
            self._machine_index(handler, query)
        elif parts.path == f"/{FILE}":
            self._range(handler, fault)
        else:
            self._memento(handler, fault)

    def _fault(self, path: str) -> str:
        waiting = [faults for part, faults in self.faults.items() if part in path and faults]
        return waiting[0].pop(0) if waiting else ""

    def _fail(self, handler: BaseHTTPRequestHandler, fault: str) -> None:
        """`429 2`: with Retry-After; `302 <address>`; `reset`; else a status alone."""
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.close_connection = True
            handler.connection.close()
            return
        status, _, more = fault.partition(" ")
        handler.send_response(int(status))
        if more:
            handler.send_header("Location" if status[0] == "3" else "Retry-After", more)
        if status == "302":
            handler.send_header("X-Archive-Redirect-Reason", "found capture at 20200101000000")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _crawls(self) -> list[dict[str, str]]:
        older = "CC-MAIN-2013-20"
        return [
            {"id": CRAWL, "cdx-api": f"{self.crawls}{CRAWL}-index",
             "from": "2019-01-01T00:00:00", "to": "2024-12-31T00:00:00"},
            {"id": older, "cdx-api": f"{self.crawls}{older}-index",
             "from": "2013-05-18T00:00:00", "to": "2013-06-19T00:00:00"},
        ]  # fmt: skip

    def _found(self, query: dict[str, str]) -> list[tuple[int, Caught]]:
        prefix = urlkey("http://" + query["url"].removesuffix("*"))
        first, last = query.get("from", ""), query.get("to", "9")
        listed = [
            (number, one) for number, one in enumerate(self.listed or self.caught)
            if one.key.startswith(prefix) and first <= one.moment <= last
        ]  # fmt: skip
        return sorted(listed, key=lambda one: (one[1].key, one[1].moment))

    def _pywb(self, handler: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        found, page = self._found(query), int(query["page"])
        some = found[page * PER_PAGE : (page + 1) * PER_PAGE]
        if not found:
            send(handler, 404, "application/json", b'{"message": "No Captures found for: x"}')
        elif not some:
            send(handler, 400, "text/html", b"Page 9 invalid: First Page is 0, Last Page is 1")
        else:
            lines = [json.dumps(self._line(number, one)) for number, one in some]
            send(handler, 200, "text/x-ndjson", "\n".join(lines).encode() + b"\n")

    def _line(self, number: int, one: Caught) -> dict[str, Any]:
        offset, length = self.places[min(number, len(self.places) - 1)]
        return {
            "urlkey": one.key, "timestamp": one.moment, "url": one.url, "mime": one.mime,
            "status": str(one.status), "digest": one.told_digest, "length": str(length),
            "offset": str(offset), "filename": self.named,
        }  # fmt: skip

    def _machine_index(self, handler: BaseHTTPRequestHandler, query: dict[str, str]) -> None:
        if "showNumPages" in query:
            pages = -(-len(self.listed or self.caught) // PER_PAGE)
            send(handler, 200, "text/plain", f"{pages}\n".encode())
            return
        page, within = int(query["page"]), self._found(query)
        everything = self._found({"url": query["url"]})[page * PER_PAGE : (page + 1) * PER_PAGE]
        head = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]
        rows = [
            [one.key, one.moment, one.url, one.mime, str(one.status), one.told_digest, "900"]
            for number, one in everything
            if (number, one) in within
        ]
        send(handler, 200, "application/json", json.dumps([head, *rows] if rows else []).encode())

    def _range(self, handler: BaseHTTPRequestHandler, fault: str) -> None:
        first, last = map(int, re.findall(r"\d+", handler.headers["Range"]))
        data = self.file[first : last + 1]
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {first}-{last}/{len(self.file)}")
        self._send(handler, data, fault)

    def _memento(self, handler: BaseHTTPRequestHandler, fault: str) -> None:
        asked = re.fullmatch(r"/web/(\d{14})id_/(.*)", handler.path)
        mine = [one for one in self.caught if asked and (one.moment, one.url) == asked.groups()]
        if not mine:
            send(handler, 404, "text/html", b"The Wayback Machine has not archived that URL.")
            return
        [one] = mine
        handler.send_response(one.status)
        handler.send_header("Content-Type", one.mime)
        at = one.at + timedelta(days=one.moment == self.misdated)
        handler.send_header("Memento-Datetime", format_datetime(at, usegmt=True))
        handler.send_header("X-Archive-Orig-Content-Type", one.mime)
        handler.send_header("X-Archive-Orig-Date", format_datetime(one.at, usegmt=True))
        for header in one.headers:
            name, _, value = header.partition(": ")
            handler.send_header(f"X-Archive-Orig-{name}", value)
            if name == "Location":
                handler.send_header(name, f"{self.url}/web/{one.moment}id_/{value}")
        self._send(handler, one.body, fault)

    def _send(self, handler: BaseHTTPRequestHandler, data: bytes, fault: str) -> None:
        """`torn`: half of it; `long`, `short`: under a Content-Length that is not true."""
        stated = len(data) + {"long": 10, "short": -10}.get(fault, 0)
        handler.send_header("Content-Length", str(stated))
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2] if fault == "torn" else data)
        handler.close_connection = True


def rescued(
    archive: TestArchive,
    theirs: PublicArchives,
    name: str,
    span: Span = EVER,
    *,
    site: str = "tin",
    limit: int | None = None,
    watch: Watch | None = None,
) -> Rescued:
    """What `tinhuyen rescue` does, in this process."""
    opened = archive.open()
    try:
        declared = load_sites(opened.folder.sites)[site]
        return rescue(opened, declared, theirs.archive(name), span, limit=limit, watch=watch)
    finally:
        opened.close()
