"""A real Chromium without a window: opens a page, and tells what was drawn and what was asked for.

Debian's own Chromium is driven (`tests/needs.sh chromium`); no browser is downloaded. Whatever is
not on loopback goes to a proxy of ours that writes down the host and answers 502, so that what a
service worker, a prefetch or the browser itself asks for is seen as well.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, ProxySettings, sync_playwright

# What Chromium asks for of its own accord, so far as it can be told not to; and whom it still asks.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--component-updater=url-source=http://127.0.0.1:9",
    "--gaia-url=http://127.0.0.1:9",
)
_OWN = (
    "update.googleapis.com", "accounts.google.com", "clients2.google.com",
    "content-autofill.googleapis.com",  # at every form
)  # fmt: skip
_WIDTHS = "[...document.images].map(image => [image.currentSrc || image.src, image.naturalWidth])"
_STYLE = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
_DRAWN = """Promise.all([...document.images].map(image => {
    image.loading = 'eager'; return image.decode().catch(() => null); }))"""


class _Outside(ThreadingHTTPServer):
    """The proxy that leads nowhere."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Refusal)
        self.asked: list[str] = []


class _Refusal(BaseHTTPRequestHandler):
    def _refuse(self) -> None:
        assert isinstance(self.server, _Outside)
        if not any(host in self.path.split("?")[0] for host in _OWN):
            self.server.asked.append(self.path)
        self.send_error(502)

    do_GET = do_HEAD = do_POST = do_CONNECT = _refuse  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@dataclass
class Browser:
    """A browser with a fresh profile; close what you open by leaving its context."""

    context: BrowserContext
    outside: list[str]
    """What was asked for beyond loopback: addresses, or `host:443`."""
    console: list[str] = field(default_factory=list)
    """Errors that pages wrote to the console, and exceptions that nobody caught."""
    requests: list[str] = field(default_factory=list)
    """The address of every request that a page began, in order."""

    def open(self, url: str) -> Page:
        """A page in a new tab, loaded, every image decoded or given up."""
        page = self.context.new_page()
        self.visit(page, url)
        return page

    def visit(self, page: Page, url: str) -> Any:
        """Another address in the same tab; the answer."""
        answer = page.goto(url, wait_until="load")
        draw(page)
        return answer

    @property
    def hosts(self) -> set[str | None]:
        """Hosts that pages asked, ports left out; `data:` and the like have none."""
        return {urlsplit(url).hostname for url in self.requests} - {None}

    def _listen(self) -> None:
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("console", lambda told: self._note(told.type, told.text))
        self.context.on("weberror", lambda error: self._note("error", str(error.error)))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.console.append(text)


@contextmanager
def chromium(**options: Any) -> Iterator[Browser]:
    """A browser for a test. `options` are those of playwright's `new_context`.

    Raises RuntimeError if Chromium is not installed.
    """
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("Chromium is needed: sh tests/needs.sh chromium")
    outside = _Outside()
    threading.Thread(target=outside.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{outside.server_address[1]}"
    proxy: ProxySettings = {"server": address, "bypass": "localhost,*.localhost,127.0.0.0/8"}
    try:
        with sync_playwright() as playwright:
            process = playwright.chromium.launch(
                executable_path=path, proxy=proxy, args=["--no-sandbox", *_QUIET]
            )
            browser = Browser(process.new_context(**options), outside.asked)
            browser._listen()
            yield browser
            process.close()
    finally:
        outside.shutdown()
        outside.server_close()


def draw(page: Page) -> None:
    """Wait until every image of a page is decoded or given up."""
    page.evaluate(_DRAWN)


def widths(page: Page) -> dict[str, int]:
    """The natural width in pixels of every image of a page, by its address; 0: not drawn."""
    return {str(src): int(width) for src, width in page.evaluate(_WIDTHS)}


def style(page: Page, selector: str, name: str) -> str:
    """A computed style of the first element that fits, `color` or `fontSize`."""
    return str(page.evaluate(_STYLE, [selector, name]))
