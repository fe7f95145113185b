"""Small portals for crawls that are made by schedules: each on a loopback address of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.conftest import TestArchive

_PARAGRAPH = "Sáng ngày 10/01/2023, Huyện uỷ tổ chức hội nghị tổng kết công tác năm. " * 8
_TITLE = "Hội nghị tổng kết công tác năm 2022, bài số"


class _Handler(BaseHTTPRequestHandler):
    articles: int
    wait: threading.Event
    """Articles are answered when it is set."""
    seconds: float
    """Before an article is answered."""

    def do_GET(self) -> None:
        if self.path == "/robots.txt":
            self._answer(404, "")
        elif self.path == "/":
            links = (f'<a href="/bai-{n}">{_TITLE} {n}</a>' for n in range(self.articles))
            self._answer(200, "".join(links))
        else:
            self.wait.wait(30)
            time.sleep(self.seconds)
            title = f"{_TITLE} {self.path[5:]}"
            body = f"<h1>{title}</h1><p>10/01/2023 16:33</p><p>{_PARAGRAPH}</p>"
            self._answer(200, body)

    def _answer(self, status: int, body: str) -> None:
        page = f"<html><head><title>{_TITLE}</title></head><body>{body}</body></html>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Killed clients hang up."""


@contextmanager
def portals(
    archive: TestArchive,
    count: int,
    *,
    articles: int = 3,
    seconds: float = 0,
    open_: bool = True,
) -> Iterator[threading.Event]:
    """Sites `p0`, `p1`, … of the archive, one a host; gives the gate that lets articles through."""
    gate = threading.Event()
    if open_:
        gate.set()
    handler = type("Handler", (_Handler,), {"articles": articles, "seconds": seconds, "wait": gate})
    servers = [_Server((f"127.0.0.{number + 2}", 0), handler) for number in range(count)]
    for number, server in enumerate(servers):
        host, port = server.server_address[:2]
        archive.declare(
            f'id = "p{number}"\nname = "Thử {number}"\norgan = "other"\n'
            f'listings = ["http://{host!s}:{port}/"]\nlayouts = [{{ family = "plain" }}]\n'
            'delay_seconds = 0\nallow_addresses = ["127.0.0.0/8"]'
        )
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield gate
    finally:
        gate.set()
        for server in servers:
            server.shutdown()
            server.server_close()
