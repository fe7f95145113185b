"""A misbehaving server: one path, one fault. On loopback, in a thread, on a port of the kernel's.

What a path does stands in the function that it is registered with; the same server is good for a
look by hand: `python -m tests.misbehaving`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

MOST_SECONDS = 20.0
"""What never ends by itself ends after this, or with the server."""


@dataclass
class Asked:
    """A request that came, and the way back."""

    path: str
    host: str
    head: bytes
    at: float
    writer: asyncio.StreamWriter
    server: MisbehavingServer

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(
        self,
        body: bytes,
        status: str = "200 OK",
        mime: str = "text/html; charset=utf-8",
        **more: str,
    ) -> None:
        """A response in good order. `more`: header fields, with _ for -."""
        fields = {"Content-Type": mime, "Content-Length": str(len(body))}
        fields |= {name.replace("_", "-"): value for name, value in more.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await self.send(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode(), body)

    async def redirect(self, target: str) -> None:
        await self.answer(b"", "302 Found", Location=target)

    def reset(self) -> None:
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.writer.transport.abort()


Fault = Callable[[Asked], Awaitable[None]]
FAULTS: dict[str, Fault] = {}
ROBOTS: dict[str, Fault] = {}
"""What a host answers for robots.txt; hosts that are not here have none."""


def fault(path: str) -> Callable[[Fault], Fault]:
    def register(function: Fault) -> Fault:
        FAULTS[path] = function
        return function

    return register


def robots(host: str) -> Callable[[Fault], Fault]:
    def register(function: Fault) -> Fault:
        ROBOTS[host] = function
        return function

    return register


def page(title: str, *paths: str, images: tuple[str, ...] = ()) -> bytes:
    """A page that links to these paths."""
    links = "".join(f'<li><a href="{path}">{path}</a></li>' for path in paths)
    shown = "".join(f'<img src="{path}">' for path in images)
    return f"<html><head><title>{title}</title></head><body><ul>{links}</ul>{shown}</body></html>".encode()


def article(name: str) -> bytes:
    """An article that any family reads."""
    words = f"Huyện uỷ Bình Giang tổ chức hội nghị {name}. " * 12
    return (
        f"<html><head><title>Tin {name}</title></head><body><h1>Hội nghị tổng kết công tác {name}</h1>"
        f"<p>10/01/2023 16:33</p><div><p>{words}</p><p>Hết: {words}</p></div></body></html>"
    ).encode()


# --- slow, endless, cut -----------------------------------------------------------------------


@fault("/drip")
async def drip(asked: Asked) -> None:
    """One byte a second."""
    await asked.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n")
    until = time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        await asked.send(b"x")
        await asyncio.sleep(1.0)


@fault("/no-answer")
async def no_answer(asked: Asked) -> None:
    await asyncio.sleep(MOST_SECONDS)


@fault("/endless-body")
async def endless_body(asked: Asked) -> None:
    await asked.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Khong dut</h1>")
    for _ in range(10_000):
        await asked.send(b"<p>them nua</p>" * 5000)


@fault("/length-too-long")
async def length_too_long(asked: Asked) -> None:
    """Says more than it sends, and hangs up."""
    body = article("length-too-long")
    await asked.answer(body, Content_Length=str(len(body) + 5000), Connection="close")
    asked.writer.close()


@fault("/length-too-short")
async def length_too_short(asked: Asked) -> None:
    """Sends more than it says."""
    body = article("length-too-short")
    await asked.answer(body, Content_Length=str(len(body) - 20))


@fault("/bad-chunk")
async def bad_chunk(asked: Asked) -> None:
    await asked.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"10\r\n<h1>mot manh</h1>\r\nzz\r\nkhong phai so\r\n",
    )


@fault("/cut-body")
async def cut_body(asked: Asked) -> None:
    await asked.answer(article("cut-body")[:300], Content_Length="4000")
    asked.writer.close()


@fault("/cut-once")
async def cut_once(asked: Asked) -> None:
    """The first try is cut, the second whole."""
    body = article("cut-once")
    if asked.server.count(asked.path) == 1:
        await asked.answer(body[:400], Content_Length=str(len(body)))
        asked.writer.close()
    else:
        await asked.answer(body)


@fault("/header-without-end")
async def header_without_end(asked: Asked) -> None:
    await asked.send(b"HTTP/1.1 200 OK\r\nX-Khong-Dut: ")
    for _ in range(200):
        await asked.send(b"a" * 10_000)


@fault("/garbage")
async def garbage(asked: Asked) -> None:
    await asked.send(b"SSH-2.0-OpenSSH_5.3\r\n" + bytes(range(256)))
    asked.writer.close()


@fault("/reset")
async def reset(asked: Asked) -> None:
    asked.reset()


# --- redirects --------------------------------------------------------------------------------


@fault("/redirect/")
async def endless_redirect(asked: Asked) -> None:
    number = int(asked.path.rsplit("/", 1)[1] or 0)
    await asked.redirect(f"/redirect/{number + 1}")


@fault("/redirect-self")
async def redirect_self(asked: Asked) -> None:
    await asked.redirect("/redirect-self")


@fault("/redirect-a")
async def redirect_a(asked: Asked) -> None:
    await asked.redirect("/redirect-b")


@fault("/redirect-b")
async def redirect_b(asked: Asked) -> None:
    await asked.redirect("/redirect-a")


@fault("/tin/bai-viet-da-mat-ve-trang-chu.html")
async def redirect_home(asked: Asked) -> None:
    await asked.redirect("/")


@fault("/redirect-login")
async def redirect_login(asked: Asked) -> None:
    await asked.redirect("/_layouts/15/Authenticate.aspx?Source=%2F")


@fault("/redirect-other-host")
async def redirect_other_host(asked: Asked) -> None:
    await asked.redirect("http://parked.example/")


@fault("/redirect-file")
async def redirect_file(asked: Asked) -> None:
    await asked.redirect("file:///etc/hostname")


@fault("/image-inside.png")
async def image_inside(asked: Asked) -> None:
    """A file may lie on another host, but not inside."""
    await asked.redirect(f"http://127.0.0.1:{asked.server.port}/secret.png")


# --- bombs ------------------------------------------------------------------------------------

_ZEROS = 300 << 20


@fault("/gzip-bomb")
async def gzip_bomb(asked: Asked) -> None:
    await asked.answer(asked.server.bomb(), Content_Encoding="gzip")


@fault("/bomb.png")
async def png_bomb(asked: Asked) -> None:
    await asked.answer(png(12_000, 9_000), mime="image/png")


@fault("/nested")
async def nested(asked: Asked) -> None:
    """50,000 levels, and text behind them."""
    deep = b"<div>" * 50_000 + b"</div>" * 50_000
    await asked.answer(article("nested").replace(b"</body>", deep + b"<p>chu o cuoi</p></body>"))


def png(width: int, height: int) -> bytes:
    """A black picture of one bit a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# --- traps ------------------------------------------------------------------------------------


@fault("/calendar")
async def calendar(asked: Asked) -> None:
    """Every day has a page, and every page names the next thirty."""
    day = int(asked.path.partition("day=")[2] or 0)
    days = [f"/calendar?month={d // 30}&day={d}" for d in range(day + 1, day + 31)]
    await asked.answer(page(f"Lịch {day}", *days))


@fault("/session")
async def session(asked: Asked) -> None:
    """The same page under ever new session ids."""
    number = asked.server.count("/session")
    other = f"/session;jsessionid={number:032X}", f"/session?PHPSESSID={number:026x}"
    await asked.answer(page(f"Phiên {number}", *other))


@fault("/tag/")
async def path_loop(asked: Asked) -> None:
    """Relative links that grow by themselves."""
    await asked.answer(page("Thẻ", "tag/"))


@fault("/deep/")
async def deep(asked: Asked) -> None:
    level = int(asked.path.rsplit("/", 1)[1] or 0)
    await asked.answer(page(f"Tầng {level}", f"/deep/{level + 1}"))


@fault("/many-images")
async def many_images(asked: Asked) -> None:
    await asked.answer(page("Ảnh", images=tuple(f"/small-{n}.png" for n in range(60))))


# --- pages that are none ----------------------------------------------------------------------


@fault("/soft-404")
async def soft_404(asked: Asked) -> None:
    await asked.answer("<html><h1>Không tìm thấy trang</h1><p>Xin lỗi.</p></html>".encode())


@fault("/empty")
async def empty(asked: Asked) -> None:
    await asked.answer(b"")


@fault("/not-html")
async def not_html(asked: Asked) -> None:
    await asked.answer(b"\x00\x01\x02" * 1000, mime="application/octet-stream")


@fault("/image-that-is-html.jpg")
async def html_image(asked: Asked) -> None:
    await asked.answer(page("Ảnh không có"), mime="image/jpeg")


@fault("/wrong-charset")
async def wrong_charset(asked: Asked) -> None:
    await asked.answer(article("sai bảng mã"), mime="text/html; charset=iso-8859-1")


@fault("/broken-gzip")
async def broken_gzip(asked: Asked) -> None:
    packed = bytearray(gzip.compress(article("broken-gzip")))
    packed[40:60] = bytes(20)
    await asked.answer(bytes(packed), Content_Encoding="gzip")


# --- servers that turn us away ----------------------------------------------------------------


@fault("/busy-seconds")
async def busy_seconds(asked: Asked) -> None:
    await _busy_once(asked, "429 Too Many Requests", "1")


@fault("/busy-date")
async def busy_date(asked: Asked) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    await _busy_once(asked, "503 Service Unavailable", format_datetime(soon, usegmt=True))


@fault("/busy-absurd")
async def busy_absurd(asked: Asked) -> None:
    await _busy_once(asked, "503 Service Unavailable", "9" * 400)


@fault("/busy-for-ever")
async def busy_for_ever(asked: Asked) -> None:
    await asked.answer(article("busy-for-ever"), "503 Service Unavailable", Retry_After="Fri, 99")


@fault("/busy/")
async def busy(asked: Asked) -> None:
    await asked.answer(b"", "429 Too Many Requests")


@fault("/feed-bomb")
async def feed_bomb(asked: Asked) -> None:
    """A feed whose entities would grow to gigabytes and read a file; and an address in it."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    await asked.answer(
        f'<!DOCTYPE rss [<!ENTITY e0 "ha"><!ENTITY file SYSTEM "file:///etc/hostname">{entities}]>'
        f"<rss><title>&e11;&file;</title><item><link>{asked.server.url}/page/of-feed</link></item></rss>".encode(),
        mime="text/xml",
    )


async def _busy_once(asked: Asked, status: str, retry_after: str) -> None:
    if asked.server.count(asked.path) == 1:
        await asked.answer(article("bận"), status, Retry_After=retry_after)
    else:
        await asked.answer(article(asked.path))


# --- robots.txt -------------------------------------------------------------------------------

_SOME = b"User-agent: *\nDisallow: /private\n"


@robots("robots-ok.test")
async def robots_ok(asked: Asked) -> None:
    await asked.answer(_SOME, mime="text/plain")


@robots("robots-503.test")
async def robots_503(asked: Asked) -> None:
    await asked.answer(b"", "503 Service Unavailable")


@robots("robots-timeout.test")
async def robots_timeout(asked: Asked) -> None:
    await asyncio.sleep(MOST_SECONDS)


@robots("robots-cut.test")
async def robots_cut(asked: Asked) -> None:
    await asked.answer(_SOME, mime="text/plain", Content_Length="4000")
    asked.writer.close()


@robots("robots-403.test")
async def robots_403(asked: Asked) -> None:
    await asked.answer(b"no", "403 Forbidden")


@robots("robots-redirect.test")
async def robots_redirect(asked: Asked) -> None:
    await asked.redirect("http://robots-ok.test/robots.txt")


@robots("robots-circle.test")
async def robots_circle(asked: Asked) -> None:
    number = int(asked.path.partition("n=")[2] or 0)
    await asked.redirect(f"/robots.txt?n={number + 1}")


@robots("robots-huge.test")
async def robots_huge(asked: Asked) -> None:
    """A rule in the first 500 KiB, and one far behind."""
    filler = b"# " + b"x" * 98 + b"\n"
    await asked.answer(_SOME + filler * 10_000 + b"Disallow: /page\n", mime="text/plain")


@robots("robots-html.test")
async def robots_html(asked: Asked) -> None:
    await asked.answer(page("Trang chủ"), mime="text/html")


@robots("robots-delay.test")
async def robots_delay(asked: Asked) -> None:
    await asked.answer(b"User-agent: *\nCrawl-delay: 0.3\n", mime="text/plain")


# --- the server -------------------------------------------------------------------------------


@dataclass
class MisbehavingServer:
    """Runs while the context lasts."""

    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    pages: dict[str, bytes] = field(default_factory=dict)
    """Ordinary pages by path, before the faults."""
    answers: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """Body and media type by path."""
    redirects: dict[str, str] = field(default_factory=dict)
    cut: dict[str, bytes] = field(default_factory=dict)
    """What of a body comes before the server hangs up, by path."""
    broken: set[str] = field(default_factory=set)
    """Hosts that answer 503 to everything."""
    requests: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __enter__(self) -> MisbehavingServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, self.host, 0, ssl=self.tls))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def count(self, path: str) -> int:
        """How often a path was asked for, whatever its query."""
        return sum(_plain(asked.path) == _plain(path) for asked in self.requests)

    def asked(self, host: str) -> list[str]:
        """Paths that a host was asked for."""
        return [asked.path for asked in self.requests if asked.host == host]

    def bomb(self) -> bytes:
        """300 MB of gzip in 300 KB."""
        if not hasattr(self, "_bomb"):
            packer, parts = zlib.compressobj(9, wbits=31), []
            for _ in range(_ZEROS >> 20):
                parts.append(packer.compress(bytes(1 << 20)))
            self._bomb = b"".join([*parts, packer.flush()])
        return self._bomb

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError)
        self.connections += 1
        with contextlib.suppress(*ended):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                await self._answer(head, writer)
        writer.close()

    async def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        path = head.split(b" ")[1].decode()
        host = head.partition(b"\r\nHost: ")[2].partition(b"\r\n")[0].decode()
        asked = Asked(path, host, head, time.monotonic(), writer, self)
        self.requests.append(asked)
        if host in self.broken:
            await asked.answer(b"", "503 Service Unavailable")
        elif path in self.pages:
            await asked.answer(self.pages[path])
        elif path in self.answers:
            body, mime = self.answers[path]
            await asked.answer(body, mime=mime)
        elif path in self.cut:
            await asked.answer(self.cut[path], Content_Length="100000")
            writer.close()
        elif path in self.redirects:
            await asked.redirect(self.redirects[path])
        else:
            await self._fault_of(asked)(asked)

    def _fault_of(self, asked: Asked) -> Fault:
        if asked.path.startswith("/robots.txt"):
            return ROBOTS.get(asked.host, _not_found)
        plain = _plain(asked.path)
        folder = plain[: plain.find("/", 1) + 1] or plain
        return FAULTS.get(plain) or FAULTS.get(folder) or _ordinary


async def _ordinary(asked: Asked) -> None:
    if asked.path.endswith(".png"):
        await asked.answer(png(8, 8), mime="image/png")
    elif asked.path.startswith("/page"):
        await asked.answer(article(f"{asked.host} {asked.path}"))
    else:
        await _not_found(asked)


async def _not_found(asked: Asked) -> None:
    await asked.answer(page("Không tìm thấy"), "404 Not Found")


def _plain(path: str) -> str:
    return path.partition("?")[0].partition(";")[0]


def main() -> None:
    """Serve until Ctrl-C."""
    with MisbehavingServer(pages={"/": page("Máy chủ hư", *FAULTS)}) as server:
        print(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
