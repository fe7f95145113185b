"""A stored response as it is sent to a reader's browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from storage.charset import Charset, find_charset
from storage.records import Capture
from storage.replay.page import Place, rewrite_page, rewrite_style
from storage.replay.policy import OF_PAGES, is_drawn, is_script, is_xml

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype|html|head|body|title|meta)", re.I | re.S)
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_UNTYPED = ("", "text/plain", "application/octet-stream", "application/x-pointplus")
_WITHOUT_BODY = (204, 205, 206, 304)  # would be answers to this browser, not the stored ones

Banner = Callable[[Place], str]
"""The banner's markup, ASCII, when the page has been read."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A capture to be sent: where it is, and what asked for it."""

    capture: Capture
    place: Place
    modifier: str


def answer(stored: Stored, banner: Banner, range_: str | None) -> Response:
    """The stored response, rewritten unless its bytes are asked for (`id_`).

    `range_` is the request's Range header; None if it has none. Raises DecodeError.
    """
    body = stored.capture.body()
    mime = _mime(stored, body)
    headers = dict(OF_PAGES)
    if not is_drawn(mime) or (stored.modifier == "id_" and _can_lead_away(mime)):
        headers["Content-Disposition"] = "attachment"
    if stored.modifier != "id_":
        body, mime = _rewrite(stored, body, mime, banner)
    headers["Content-Type"] = mime
    status = stored.capture.status
    status = status if 200 <= status < 600 and status not in _WITHOUT_BODY else 200
    return _part(body, status, headers, range_) if range_ else Response(body, status, headers)


def _can_lead_away(mime: str) -> bool:
    return mime == "text/html" or is_xml(mime)


def _mime(stored: Stored, body: bytes) -> str:
    """The media type as declared; where a server declared none, or a style sheet's wrongly, as the
    bytes have it: browsers may not guess here (nosniff), and did when the page was live."""
    declared = stored.capture.mime
    if stored.modifier == "cs_" and declared in _UNTYPED and not _HTML.match(body):
        return "text/css"
    if declared:
        return declared
    sniffed = next((mime for magic, mime in _MAGIC if body.startswith(magic)), None)
    return sniffed or ("text/html" if _HTML.match(body) else "text/plain")


def _rewrite(stored: Stored, body: bytes, mime: str, banner: Banner) -> tuple[bytes, str]:
    """Body and Content-Type."""
    is_page = mime in ("text/html", "application/xhtml+xml")
    if not (is_page or is_xml(mime) or mime.startswith("text/") or is_script(mime)):
        return body, mime
    charset = find_charset(body, stored.capture.header("content-type"))
    body, charset = _as_ascii_based(body, charset)
    place = stored.place
    place.encoding, place.is_xml = charset.encoding, is_xml(mime)
    if mime == "text/css":
        body = rewrite_style(body.decode("latin-1"), place).encode("latin-1")
    elif is_page or is_xml(mime):
        has_banner = mime == "text/html" and stored.modifier in ("", "mp_")
        body = rewrite_page(body, place, (lambda: banner(place)) if has_banner else None)
    return body, _typed(mime, charset)


def _as_ascii_based(body: bytes, charset: Charset) -> tuple[bytes, Charset]:
    """The text in an encoding that holds ASCII: UTF-16 becomes UTF-8, all else stays."""
    if not charset.encoding.startswith("utf-16"):
        return body, charset
    text = body.decode(charset.encoding, "replace").removeprefix("\ufeff")
    return text.encode(), Charset("utf-8", "utf-8")


def _typed(mime: str, charset: Charset) -> str:
    return f"{mime}; charset={charset.label}" if charset.label else mime


def _part(body: bytes, status: int, headers: dict[str, str], range_: str) -> Response:
    """One range of the bytes (RFC 9110 §14): films are watched so. Several at once: all of it."""
    headers["Accept-Ranges"] = "bytes"
    match = _RANGE.fullmatch(range_.replace(" ", ""))
    if status != 200 or match is None or not (match[1] or match[2]):
        return Response(body, status, headers)
    size = len(body)
    first = int(match[1]) if match[1] else max(0, size - int(match[2]))
    last = min(int(match[2]), size - 1) if match[1] and match[2] else size - 1
    if first >= size or first > last:
        return Response(b"", 416, headers | {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(body[first : last + 1], 206, headers)
