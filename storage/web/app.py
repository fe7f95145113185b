"""A minimal reading room: lists, searches and shows articles. Works without JavaScript."""

from __future__ import annotations

import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.templating import Jinja2Templates

from storage.archive import Archive
from storage.errors import NotFound, UsageError
from storage.output import console

_SAFE_IMAGES = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"}
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PER_PAGE = 50


def make_app(archive: Archive) -> FastAPI:
    """The web application over an archive; it only reads."""
    app = FastAPI(title="Tin Huyện", docs_url=None, redoc_url=None)
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
        return JSONResponse({"error": str(error)}, status_code=404, headers=_HEADERS)

    return app


def serve(archive: Archive, host: str, port: int) -> None:
    """Serve until Ctrl-C. Raises UsageError if the port cannot be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}; try another --port"
        ) from error
    console.print(f"Reading room: http://{host}:{listener.getsockname()[1]}/  (Ctrl-C ends it)")
    config = uvicorn.Config(make_app(archive), log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])
