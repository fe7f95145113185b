"""ReplayWeb.page over a package: of the archive, made anew where that is decided, or one given.

Its two files run in the reader's browser, unmodified; we serve them and the package, which it reads
by ranges. On an origin of its own, since pages are replayed on the origin that serves them.
"""

from __future__ import annotations

import html
import socket
import threading
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
from storage.errors import UsageError
from storage.output import console
from storage.query.access import decided_so_far
from storage.replay.outside.install import replaywebpage_folder
from storage.warc.wacz.choose import Wanted
from storage.warc.wacz.make import make_wacz

HOST = "replaywebpage.tinhuyen.localhost"
"""A secure context in browsers, without which there is no service worker; needs no DNS."""

_KINDS = (".wacz", ".warc", ".warc.gz")
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
    """A package of all that may leave the archive, made anew after every decision."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        """Raises NotFound (nothing is open), OutOfDisk, ArchiveFault."""
        self._archive, self._folder, self._lock = archive, folder, threading.Lock()
        self._decided = ""
        self._path: Path | None = None
        self._number = 0
        self.current()

    def current(self) -> tuple[str, Path]:
        """Its name, another each time it is made, and where it lies. Raises as `__init__`."""
        with self._lock:
            with self._archive.reading() as connection:
                decided = decided_so_far(connection)
            if decided != self._decided:
                self._forget()
            if self._path is None:
                self._number += 1
                path = self._folder / f"archive-{self._number}.wacz"
                make_wacz(self._archive, Wanted(), path)
                self._path, self._decided = path, decided
            return self._path.name, self._path

    def _forget(self) -> None:
        """What was packed before is gone, whether or not it can be packed anew."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


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
    with archive.reading():  # that there is none, or an older one, is said at once
        pass
    with TemporaryDirectory(prefix="tinhuyen-") as folder:
        console.print("Making a package of what is open …")
        yield ArchivePackage(archive, Path(folder))
