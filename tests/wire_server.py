"""A server on a raw socket: sends just the bytes it is told to, and notes all that passes."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Script:
    """What the server sends for one path."""

    pieces: tuple[bytes, ...]
    """Sent one by one; an interim (1xx) response first, where there is one."""
    close: bool = False
    """Hang up afterwards."""
    interim: int = 0
    """How many of the pieces are interim responses."""
    reset: bool = False
    """Hang up by reset (RST)."""

    @property
    def response(self) -> bytes:
        return b"".join(self.pieces[self.interim :])


@dataclass
class WireServer:
    """Runs while the context lasts, on a port that the kernel chooses."""

    scripts: dict[str, Script]
    tls: ssl.SSLContext | None = None
    received: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    """Requests by path, byte for byte."""
    url: str = ""

    def __enter__(self) -> WireServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while self._answer(connection):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def _answer(self, connection: socket.socket) -> bool:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            piece = connection.recv(65536)
            if not piece:
                return False
            request += piece
        path = request.split(b" ")[1].decode()
        self.received[path].append(request)
        script = self.scripts.get(path, NOT_FOUND)
        for piece in script.pieces:
            connection.sendall(piece)
        if script.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif script.close and self.tls:
            connection.unwrap()  # type: ignore[attr-defined]
        return not script.close and not script.reset


NOT_FOUND = Script((b"HTTP/1.1 404 Khong Thay\r\nContent-Length: 3\r\n\r\nnot",))


def page(*paths: str) -> Script:
    """A page that links to these paths."""
    body = "".join(f'<a href="{path}">{path}</a>' for path in paths).encode()
    return Script(
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body),
        )
    )
