"""`/health` and `/metrics`: for machines that watch this one."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from storage.archive import Archive
from storage.watch import health
from storage.watch.metrics import registry_of


def watching(archive: Archive) -> APIRouter:
    """The two routes over an archive."""
    router = APIRouter()
    registry = registry_of(archive)

    @router.get("/health")
    def show_health() -> Response:
        """200 if all is well, else 503; either way what was looked at."""
        found = health.as_json(health.check_health(archive))
        return JSONResponse(found, 200 if found["ok"] else 503, {"Cache-Control": "no-store"})

    @router.get("/metrics")
    def show_metrics() -> Response:
        """In the text form of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
