"""A minimal reading room: lists, searches and shows articles. Works without JavaScript."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.templating import Jinja2Templates

from storage import logs
from storage.archive import Archive
from storage.errors import NotFound, NotOpen, UsageError, Withdrawn
from storage.output import console
from storage.query.access import Audience, audience_here
from storage.web.watching import watching

_SAFE_IMAGES = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"}
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PER_PAGE = 50
_STATUS = {Withdrawn: 410, NotOpen: 403}


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

    @app.get("/article/{id_}", response_class=HTMLResponse)
    def article(request: Request, id_: str) -> Response:
        shown = archive.article(id_)
        return templates.TemplateResponse(
            request,
            "article.html",
            {"article": shown, "notes": archive.notes("article", shown["id"])},
            headers=_HEADERS,
        )

    @app.get("/image/{sha256}")
    def image(sha256: str) -> Response:
        mime, data = archive.image(sha256)
        headers = dict(_HEADERS)
        if mime not in _SAFE_IMAGES:  # an SVG may carry scripts: to be saved, not shown
            headers["Content-Disposition"] = "attachment"
        return Response(data, media_type=mime, headers=headers)

    @app.exception_handler(NotFound)
    @app.exception_handler(UsageError)
    async def _not_found(request: Request, error: Exception) -> Response:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 404)
        return JSONResponse({"error": str(error)}, status_code=status, headers=_HEADERS)

    return app


def serve(archive: Archive, host: str, port: int) -> None:
    """Serve until Ctrl-C. Raises UsageError if the port cannot be had."""
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
    console.print(f"Reading room: http://{host}:{listener.getsockname()[1]}/  (Ctrl-C ends it)")
    logs.begin()
    level = (
        {"log_config": None, "log_level": "info"} if logs.are_json() else {"log_level": "warning"}
    )
    config = uvicorn.Config(make_app(archive), **level)
    uvicorn.Server(config).run(sockets=[listener])
