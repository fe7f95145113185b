"""A minimal reading room: lists, searches and shows articles. Works without JavaScript."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.datastructures import URL

from storage import logs
from storage.archive import Archive
from storage.errors import ArchiveFault, NotFound, NotOpen, UsageError, WarcError, Withdrawn
from storage.output import console
from storage.query.access import Audience, audience_here
from storage.replay.addresses import address, stamp_of
from storage.replay.app import make_replay
from storage.times import parse_utc
from storage.web.hosts import AWAY, ByHost, replay_of
from storage.web.record import describe
from storage.web.watching import watching

logger = logging.getLogger(__name__)

_SAFE_IMAGES = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"}
)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PER_PAGE = 50
_STATUS = {Withdrawn: 410, NotOpen: 403}
_Offset = Annotated[int, Query(ge=0, lt=1 << 62)]


def make_app(archive: Archive) -> FastAPI:
    """The web application over an archive; it only reads."""
    app = FastAPI(title="Tin Huyện", docs_url=None, redoc_url=None)
    app.include_router(watching(archive))
    templates = Jinja2Templates(Path(__file__).parent / "templates")

    @app.get("/", response_class=HTMLResponse)
    def index(request: Request, q: str = "") -> Response:
        found = archive.search(q, limit=_PER_PAGE)
        return templates.TemplateResponse(
            request, "index.html", {"articles": found, "q": q}, headers=_HEADERS
        )

    @app.get("/article/{id_}/{stamp}", response_class=HTMLResponse)
    @app.get("/article/{id_}", response_class=HTMLResponse)
    def article(request: Request, id_: str, stamp: str = "") -> Response:
        shown = archive.article(f"{id_}/{stamp}")  # as citations name it
        return templates.TemplateResponse(
            request,
            "article.html",
            {
                "article": shown,
                "notes": archive.notes("article", shown["id"]),
                "replay": _replayed(request, shown["url"], shown["captured_at"]),
            },
            headers=_HEADERS,
        )

    @app.get("/image/{sha256}")
    def image(sha256: str) -> Response:
        mime, data = archive.image(sha256)
        headers = dict(_HEADERS)
        if mime not in _SAFE_IMAGES:  # an SVG may carry scripts: to be saved, not shown
            headers["Content-Disposition"] = "attachment"
        return Response(data, media_type=mime, headers=headers)

    for kind in (NotFound, UsageError, WarcError):
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(ArchiveFault, _away)
    _add_record(app, archive, templates)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """Errors of ours, as a sentence; every other one is a bug, and shows as such."""
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 404)
    return JSONResponse({"error": str(error)}, status_code=status, headers=_HEADERS)


async def _away(request: Request, error: Exception) -> Response:
    """Its own words name machines that readers have no business with."""
    logger.error("%s", error)
    return JSONResponse({"error": AWAY}, status_code=503, headers=_HEADERS)


def _add_record(app: FastAPI, archive: Archive, templates: Jinja2Templates) -> None:
    @app.get("/record", response_class=HTMLResponse)
    def record(request: Request, file: str, offset: _Offset) -> Response:
        told = describe(archive, file, offset)
        is_shown = told["is_capture"]
        replay = _replayed(request, told["url"], told["fetched_at"]) if is_shown else None
        return templates.TemplateResponse(
            request, "record.html", told | {"replay": replay}, headers=_HEADERS
        )


def _replayed(request: Request, url: str, captured_at: str) -> str | None:
    """Where the replay shows a capture; None if the room was reached by a mere number."""
    replay = replay_of(request.url)
    return replay and replay + address(stamp_of(parse_utc(captured_at)), url)


def serve(archive: Archive, host: str, port: int) -> None:
    """Serve room and replay until Ctrl-C. Raises UsageError if the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP: else asyncio leaves Nagle's algorithm on, and every answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}; try another --port"
        ) from error
    if audience_here() is Audience.ON_SITE:
        console.print("On site: shows also what is not open to the public (TINHUYEN_ON_SITE)")
    room = URL(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/")
    console.print(f"Reading room: {room}  (Ctrl-C ends it)")
    console.print(f"Stored pages: {replay_of(room) or 'http://replay.<name of this machine>'}/")
    logs.begin()
    level = (
        {"log_config": None, "log_level": "info"} if logs.are_json() else {"log_level": "warning"}
    )
    app = ByHost(make_app(archive), make_replay(archive))
    config = uvicorn.Config(app, **level)
    uvicorn.Server(config).run(sockets=[listener])
