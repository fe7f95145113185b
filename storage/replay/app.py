"""The replay as a web application: stored pages, their calendars, TimeGates and TimeMaps."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from storage import times
from storage.archive import Archive
from storage.errors import ArchiveFault, DecodeError, NotFound, StoreFault, UsageError, WarcError
from storage.query.captures import Captures
from storage.query.open_captures import OpenCapture, nearest, page_of
from storage.replay import memento
from storage.replay.addresses import TIMEMAP, TOP, Asked, address, read_address, stamp_of
from storage.replay.answer import Stored, answer
from storage.replay.circle import goes_in_a_circle
from storage.replay.page import Place
from storage.replay.policy import OF_PAGES
from storage.replay.shown import Shown, days_of, show_banner, show_page
from storage.urls import origin_of
from storage.web.hosts import AWAY, room_of

logger = logging.getLogger(__name__)

_EMBEDDED = ("im_", "cs_", "js_", "oe_", "id_")
_LISTED_MAX = 2000
_OTHERS_MAX, _ABOVE_MAX = 5, 20


def make_replay(archive: Archive) -> Starlette:
    """The application over an archive; it only reads, and sets no cookies."""
    replay = _Replay(archive)
    return Starlette(
        routes=[
            Route("/", replay.home),
            Route(TIMEMAP + "{rest:path}", replay.timemap),
            Route(TOP + "{rest:path}", replay.stored),
        ],
        exception_handlers={HTTPException: _refused, ArchiveFault: _away},
    )


def _refused(request: Request, error: Exception) -> Response:
    """No such page of the replay itself, or something sent to a page that can only be read."""
    assert isinstance(error, HTTPException)
    told = {
        404: "This is no address of a stored page.",
        405: "A stored page takes no forms: what was sent to it was not kept and goes nowhere.",
    }
    what = told.get(error.status_code, error.detail)
    return show_page("failed.html", error.status_code, what=what, room=room_of(request.url))


def _away(request: Request, error: Exception) -> Response:
    """Its own words name machines that readers have no business with."""
    logger.error("%s", error)
    return Response(f"{AWAY}\n", 503, OF_PAGES, media_type="text/plain")


def _address_of(request: Request) -> str:
    """Path and query as sent: what is encoded in an archived address stays so."""
    query = request.scope["query_string"]
    path: bytes = request.scope["raw_path"].partition(b"?")[0]
    return (path + (b"?" + query if query else b"")).decode("latin-1")


class _Replay:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._captures = Captures(archive)

    def home(self, request: Request) -> Response:
        """Where a reader types an address."""
        if url := request.query_params.get("url", "").strip():
            return RedirectResponse(f"{TOP}*/{url}", 302, OF_PAGES)
        return show_page("home.html", room=room_of(request.url))

    def stored(self, request: Request) -> Response:
        """A stored page, the list of its captures, or the way to one of them."""
        try:
            asked = read_address(_address_of(request))
            if asked.listed is not None:
                return self._calendar(request, asked)
            if asked.at is None:
                return self._timegate(request, asked)
            return self._memento(request, asked, asked.at)
        except UsageError as error:
            return show_page("failed.html", 400, what=str(error), room=room_of(request.url))

    def timemap(self, request: Request) -> Response:
        """All mementos of a page, in link-format."""
        try:
            url = read_address(_address_of(request).replace(TIMEMAP, TOP, 1)).url
        except UsageError as error:
            return show_page("failed.html", 400, what=str(error), room=room_of(request.url))
        found = self._captures.every(url)
        if not found:
            return self._not_kept(request, Asked(url, None))
        lines = memento.timemap(_base(request), url, found)
        return StreamingResponse(lines, 200, OF_PAGES, media_type=memento.LINK_FORMAT)

    def _timegate(self, request: Request, asked: Asked) -> Response:
        """The capture nearest to Accept-Datetime, or the newest (RFC 7089 §4.2.1, pattern 2.1)."""
        wanted = request.headers.get("accept-datetime")
        at = memento.read_http_date(wanted) if wanted else times.now()
        found = self._captures.near(asked.url, at)
        kept = nearest(found, asked.url, at)
        if kept is None:
            return self._not_kept(request, asked)
        linked = memento.links(_base(request), asked.url, _mementos(found, asked.url), None)
        headers = OF_PAGES | {"Vary": "accept-datetime", "Link": linked}
        return RedirectResponse(address(kept.stamp, kept.url), 302, headers)

    def _calendar(self, request: Request, asked: Asked) -> Response:
        found = self._captures.every(asked.url, asked.listed or "")
        if not found:
            return self._not_kept(request, asked)
        return show_page(
            "calendar.html",
            url=asked.url,
            prefix=asked.listed,
            captures=found if len(found) <= _LISTED_MAX else [],
            count=len(found),
            years=days_of(found),
            articles=self._archive.articles_at(asked.url),
            room=room_of(request.url),
        )

    def _memento(self, request: Request, asked: Asked, at: datetime) -> Response:
        found = self._captures.near(asked.url, at)
        kept = nearest(found, asked.url, at)
        if kept is None:
            return self._not_kept(request, asked)
        mementos = _mementos(found, kept.url)
        shown = Shown(kept, asked.url, at, mementos, room_of(request.url))
        try:
            response = self._send(request, asked, shown)
        except StoreFault:  # no damage: see _away
            raise
        except (WarcError, NotFound, DecodeError, OSError) as error:
            return self._damaged(request, asked, shown, error)
        response.headers["Memento-Datetime"] = memento.http_date(kept)
        response.headers["Link"] = memento.links(_base(request), kept.url, mementos, kept)
        if stamp_of(at) != kept.stamp or asked.url != kept.url:
            response.headers["Content-Location"] = address(kept.stamp, kept.url, asked.modifier)
        return response

    def _send(self, request: Request, asked: Asked, shown: Shown) -> Response:
        """The capture itself, or where it redirects to. Raises what reading it raises."""
        kept = shown.kept
        capture = self._archive.capture(kept.record)
        shown.unchanged = capture.unchanged
        capture = capture.unchanged or capture
        if not capture.status:
            what = (
                "What the server sent was no HTTP. It is kept, and its record can be looked into."
            )
            return show_page("failed.html", 404, what=what, shown=shown, room=shown.room)
        if capture.location and asked.modifier != "id_":
            return self._redirect(asked, shown, capture.status, capture.location)
        place = Place(
            kept.url, kept.stamp,
            modifier="if_" if asked.modifier == "if_" else "", is_kept=self._captures.has,
        )  # fmt: skip
        banner: Callable[[Place], str] = lambda read: show_banner(  # noqa: E731
            shown, read.sends_to, self._archive.articles_at(kept.url)
        )
        return answer(Stored(capture, place, asked.modifier), banner, request.headers.get("range"))

    def _redirect(self, asked: Asked, shown: Shown, status: int, location: str) -> Response:
        kept = shown.kept
        if goes_in_a_circle(self._captures, kept):
            what = (
                f"This address only led to {location}, and from there back; that page was not kept."
            )
            return show_page("failed.html", 404, what=what, shown=shown, room=shown.room)
        return RedirectResponse(address(kept.stamp, location, asked.modifier), status, OF_PAGES)

    def _damaged(self, request: Request, asked: Asked, shown: Shown, error: Exception) -> Response:
        """It was kept, and cannot be read: which file, where, and what to do."""
        if asked.modifier in _EMBEDDED:
            return Response(f"{error}\n", 500, OF_PAGES, media_type="text/plain")
        return show_page("damaged.html", 500, shown=shown, error=str(error), room=shown.room)

    def _not_kept(self, request: Request, asked: Asked) -> Response:
        """The archive's own 404, or why it holds the page back: the live site is not asked."""
        if taken := self._archive.withdrawn_at(asked.url):
            return show_page("failed.html", 410, what=str(taken), room=room_of(request.url))
        if asked.modifier in _EMBEDDED:
            return Response("not kept\n", 404, OF_PAGES, media_type="text/plain")
        return show_page(
            "not_kept.html",
            404,
            url=asked.url,
            at=asked.at,
            others=_others(self._captures, asked.url),
            articles=self._archive.articles_at(asked.url),
            room=room_of(request.url),
        )


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _mementos(found: list[OpenCapture], url: str) -> list[OpenCapture]:
    return [one for one in found if page_of(one.url) == page_of(url)]


def _others(captures: Captures, url: str) -> list[OpenCapture]:
    """What was kept of the folders above an address, the nearest first: its list, its site."""
    now = times.now()
    origin, path = origin_of(url), url.partition("?")[0][len(origin_of(url)) :]
    above = [path] if "?" in url else []
    while path != "/" and len(above) < _ABOVE_MAX:
        path = path.rstrip("/").rpartition("/")[0] + "/"
        above.append(path)
    found = (nearest(captures.near(origin + one, now), origin + one, now) for one in above)
    return list(dict.fromkeys(one for one in found if one))[:_OTHERS_MAX]
