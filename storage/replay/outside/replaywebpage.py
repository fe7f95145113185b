"""ReplayWeb.page over a package: of the archive, made anew where that is decided, or one given.

Its two files run in the reader's browser, unmodified; we serve them and the package, which it reads
by ranges. On an origin of its own, since pages are replayed on the origin that serves them.
"""

from __future__ import annotations

import html
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from storage.archive import Archive
from storage.errors import NotFound, UsageError
from storage.lines import read_lines
from storage.output import console
from storage.replay.outside.install import replaywebpage_folder
from storage.warc.wacz.choose import Wanted
from storage.warc.wacz.make import make_wacz

HOST = "replaywebpage.tinhuyen.localhost"
"""A secure context in browsers, without which there is no service worker; needs no DNS."""

_KINDS = (".wacz", ".warc", ".warc.gz")
_SETTLE_SECONDS = 2.0
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# A real page stands at /replay/: without one its service worker fails at many first visits.
_INNER = '<!doctype html><script src="./ui.js"></script><replay-app-main></replay-app-main>'
_OUTER = Template("""<!doctype html>
<html lang="vi">
<meta charset="utf-8">
<title>$title</title>
<script src="/replay/ui.js"></script>
<style>html, body, replay-web-page { display: block; margin: 0; height: 100% }</style>
<replay-web-page source="$source" url="$url" ts="$ts" embed="default" replaybase="/replay/">
</replay-web-page>
</html>
""")


class GivenFile:
    """A package or WARC file that somebody has; whoever may read it may see all of it."""

    def __init__(self, path: Path, archive: Archive) -> None:
        """Raises UsageError for what is none, and for the archive's own WARC files."""
        if not path.is_file() or not path.name.endswith(_KINDS):
            raise UsageError(f"{path} is no file that ends in {', '.join(_KINDS)}")
        if path.resolve() in {own.resolve() for own in archive.folder.warc_files()}:
            raise UsageError(
                f"{path} is the archive's own, and may hold what is closed or taken down;"
                " leave it out, or make a package (`tinhuyen wacz`)"
            )
        self._path = path.absolute()

    def current(self) -> tuple[str, Path]:
        """Its name within this server, and where it lies."""
        return self._path.name, self._path


class ArchivePackage:
    """A package of all that may leave the archive, made anew after every decision.

    Decisions stand in the journal before they count, so its newest lines are looked at, at every
    request. They are in the database a moment later: so a package that was made within that
    moment is made once more.
    """

    def __init__(self, archive: Archive, folder: Path) -> None:
        """Raises NotFound (nothing is open), OutOfDisk, ArchiveFault."""
        self._archive, self._folder, self._lock = archive, folder, threading.Lock()
        self._journal_bytes, self._decisions = -1, 0
        self._settles_at: float | None = None
        self._path: Path | None = None
        self._number = 0
        self._look_at_journal()
        self.current()

    def current(self) -> tuple[str, Path]:
        """Its name, another each time it is made, and where it lies. Raises as `__init__`."""
        with self._lock:
            if self._look_at_journal() or self._has_settled():
                self._forget()
            if self._path is None:
                self._number += 1
                path = self._folder / f"archive-{self._number}.wacz"
                make_wacz(self._archive, Wanted(), path)
                self._path = path
            return self._path.name, self._path

    def _look_at_journal(self) -> bool:
        """Whether there are new decisions in it."""
        journal = self._archive.folder.journal
        size = journal.stat().st_size if journal.exists() else 0
        if size == self._journal_bytes:
            return False
        decisions = sum(line.get("kind") not in _NO_DECISIONS for line in read_lines(journal))
        is_new = decisions != self._decisions
        self._journal_bytes, self._decisions = size, decisions
        if is_new:
            self._settles_at = time.monotonic() + _SETTLE_SECONDS
        return is_new

    def _has_settled(self) -> bool:
        """Whether the last decisions have just become old enough; true once."""
        if self._settles_at is None or time.monotonic() < self._settles_at:
            return False
        self._settles_at = None
        return True

    def _forget(self) -> None:
        """What was packed before is gone, whether or not it can be packed anew."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


_NO_DECISIONS = (
    "site", "run_started", "run_resumed", "run_stopped", "run_finished", "failure",
    "note", "schedule", "schedule_removed",
)  # fmt: skip


def make_app(package: GivenFile | ArchivePackage, program: Path) -> Starlette:
    """The web application. `program`: the folder of `ui.js` and `sw.js`."""

    def outer(request: Request) -> Response:
        name, _ = package.current()
        asked = {key: html.escape(request.query_params.get(key, "")) for key in ("url", "ts")}
        source = f"/files/{quote(name)}"
        page = _OUTER.substitute(asked, source=source, title=html.escape(name))
        return Response(page, media_type="text/html", headers=_HEADERS)

    def inner(request: Request) -> Response:
        return Response(_INNER, media_type="text/html", headers=_HEADERS)

    def script(request: Request) -> Response:
        path = program / request.url.path.rpartition("/")[2]
        return FileResponse(path, media_type="text/javascript", headers=_HEADERS)

    def file(request: Request) -> Response:
        """Starlette answers ranges with 206."""
        name, path = package.current()
        if request.path_params["name"] != name:
            return PlainTextResponse("There is a newer package: load the page anew.", 410)
        return FileResponse(path, media_type="application/octet-stream", headers=_HEADERS)

    routes = [
        Route("/", outer),
        Route("/replay/", inner),
        Route("/replay/index.html", inner),
        Route("/replay/ui.js", script),
        Route("/replay/sw.js", script),
        Route("/files/{name}", file),
    ]
    return Starlette(
        routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST])]
    )


def serve(archive: Archive, file: Path | None, port: int = 0) -> None:
    """Serve until Ctrl-C. Raises UsageError, NotFound, OutOfDisk, ArchiveFault."""
    program = replaywebpage_folder()
    with _package(archive, file) as package, socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(f"port {port} cannot be had: {error.strerror}; try another") from error
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        console.print(f"ReplayWeb.page: {address}  (Ctrl-C ends it)")
        config = uvicorn.Config(make_app(package, program), log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _package(archive: Archive, file: Path | None) -> Iterator[GivenFile | ArchivePackage]:
    if file is not None:
        yield GivenFile(file, archive)
        return
    if not archive.exists:
        raise NotFound(f"{archive.folder.root} holds no archive; name another with --archive")
    with TemporaryDirectory(prefix="tinhuyen-") as folder:
        console.print("Making a package of what is open …")
        yield ArchivePackage(archive, Path(folder))
