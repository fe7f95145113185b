"""Retries, redirects, cut responses, robots.txt by a redirect: taken in as they were live."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.crawling import SITE, connect, crawl
from tests.test_recover import forget, recover
from tests.torture.checks import Findings, check_rebuild, rows

ARTICLE = "<h1>Tin {0}</h1><p>Ngày 10/01/2023, huyện {0} họp. " + "Nội dung. " * 40 + "</p>"
LIST = "".join(f'<a href="/{name}">{name}</a> ' for name in ("busy", "cut", "off", "gone", "file"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        answer = getattr(self, "_" + self.path[1:].replace(".txt", ""), None) or self._list
        answer()

    def _send(self, status: int, body: bytes = b"", length: int | None = None, **head: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "text/html; charset=utf-8"} | head).items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _list(self) -> None:
        self._send(200, f"<html><body>{LIST}</body></html>".encode())

    def _robots(self) -> None:
        self._send(302, Location="/rules.txt")

    def _rules(self) -> None:
        self._send(200, b"User-agent: *\nDisallow: /barred", Content_Type="text/plain")

    def _busy(self) -> None:
        self._send(503)

    def _cut(self) -> None:
        self._send(200, ARTICLE.format("Bình Giang").encode(), length=10**6)
        self.close_connection = True

    def _off(self) -> None:
        self._send(301, Location="http://elsewhere.example/")

    def _gone(self) -> None:
        self._send(410)

    def _file(self) -> None:
        self._send(200, b"%PDF-1.4 ...", Content_Type="application/pdf")

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@contextmanager
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{made.server_address[1]}"
        made.shutdown()


def test_tries_and_their_ends_are_taken_in_as_they_were(archive: TestArchive) -> None:
    archive.declare(SITE.format(id="odd", delay=0.0).replace("party_sharepoint", "plain"))
    with server() as address:
        settings = connect(address, "odd.localhost"), "MAX_TRIES=3", "RETRY_SECONDS=0.1"
        crawled = crawl(archive, *settings, site="odd")
    assert crawled.returncode == 4, crawled.stderr
    live = content_of(archive.open().database_url)
    kinds = [row["kind"] for row in live["failures"]]
    assert {"http_503", "truncated_disconnect", "redirect_off_site"} <= set(kinds)
    assert len([row for row in live["captures"] if row["status"] == 503]) == 3
    findings = Findings()
    check_rebuild(archive.folder, findings)
    assert not findings
    done = rows(archive.folder / "archive.db", FRONTIER)

    forget(archive)
    recover(archive)

    taken = content_of(archive.open().database_url)
    for name in ("runs", "failures"):
        assert len(live[name]) == len(taken[name])
    live["runs"] = taken["runs"] = []
    assert not differences(live, taken)
    assert rows(archive.folder / "archive.db", FRONTIER) == done


FRONTIER = "SELECT url, role, state, depth, hops, via, tries FROM frontier ORDER BY url, role"
