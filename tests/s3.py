"""A real S3 server (moto) in a process of its own, and a proxy before it that counts and misbehaves."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

BUCKET = "kho"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "anybody",
    "AWS_SECRET_ACCESS_KEY": "anything",
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


@contextmanager
def moto() -> Iterator[int]:
    """The server's port; the process ends with the context."""
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    rest = threading.Thread(target=lambda: deque(lines, maxlen=0))
    try:
        found = next(port for line in lines if (port := re.search(r"http://[\d.]+:(\d+)", line)))
        rest.start()
        yield int(found[1])
    finally:
        process.kill()
        process.wait()
        rest.join()
        process.stderr.close()


@dataclass
class Asked:
    """One request, and what came of it."""

    method: str
    path: str
    range: str | None
    status: int
    bytes: int
    """Of the answer's body."""


@dataclass
class S3:
    """The proxy: what it hands on, it counts; what it is told to spoil, it spoils."""

    port_behind: int
    asked: list[Asked] = field(default_factory=list)
    spoil: dict[str, str] = field(default_factory=dict)
    """By method: `503`, `cut` (half of the body goes on, then the connection ends), `wrong` (its
    first byte is another), `once 503` (only the next one)."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self, prefix: str) -> dict[str, str]:
        """What names a fresh part of the bucket."""
        return ENVIRONMENT | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "TINHUYEN_STORE": f"s3://{BUCKET}/{prefix}",
        }

    def of(self, method: str) -> list[Asked]:
        return [one for one in self.asked if one.method == method]

    def __enter__(self) -> Self:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                proxy._pass(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Counted instead."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self._send("PUT", f"/{BUCKET}", {}, b"")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        behind = http.client.HTTPConnection("127.0.0.1", self.port_behind, timeout=30)
        try:
            behind.request(method, path, body, headers)
            answer = behind.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            behind.close()

    def _pass(self, handler: BaseHTTPRequestHandler) -> None:
        method, how = handler.command, self.spoil.get(handler.command, "")
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if how.startswith("once"):
            del self.spoil[method]
        if how.endswith("503"):
            self._answer(handler, 503, [], b"")
            return
        if how == "wrong" and method == "PUT":
            body = bytes([body[0] ^ 255]) + body[1:]
        if how == "cut" and method == "PUT":
            handler.close_connection = True
            handler.connection.close()
            return
        status, headers, data = self._send(method, handler.path, dict(handler.headers), body)
        self._answer(handler, status, headers, data, cut=how == "cut")

    def _answer(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        headers: list[tuple[str, str]],
        data: bytes,
        *,
        cut: bool = False,
    ) -> None:
        said = handler.headers.get("Range")
        self.asked.append(Asked(handler.command, handler.path, said, status, len(data)))
        handler.send_response_only(status)
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                handler.send_header(name, value)
        length = lengths[0] if handler.command == "HEAD" and lengths else str(len(data))
        handler.send_header("Content-Length", length)
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2] if cut else data)
        handler.close_connection = cut
