"""A record looked into in the browser: as `warc show` tells it, within what readers may see."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from storage.archive import Archive
from storage.errors import NotFound
from storage.query.captures import Captures
from storage.query.open_captures import OpenCapture
from storage.warc.inspect import describe_record

_TOPS = ("warc", "donated")


def describe(archive: Archive, file: str, offset: int) -> dict[str, Any]:
    """`describe_record` of a record of the archive, and the capture that it belongs to.

    `file` is a name as the archive gives it, never a path of this machine. A request or metadata
    record is shown if the capture that it names is; a warcinfo always. Raises NotFound, WarcError.
    """
    parts = PurePosixPath(file).parts
    if parts[:1] not in {(top,) for top in _TOPS} or ".." in parts or "\0" in file:
        raise NotFound(f"{file[:200]} is no WARC file of this archive")
    captures = Captures(archive)
    kept = captures.at(file, offset)
    told = describe_record(archive, archive.folder.file(file), offset)
    is_capture = kept is not None
    if kept is None and told["type"] != "warcinfo":
        kept = _belongs_to(captures, told)
        if kept is None:
            raise NotFound("this record belongs to no capture that can be shown")
    return told | {
        "is_capture": is_capture,
        "url": kept.url if kept else None,
        "fetched_at": kept.fetched_at if kept else None,
        "capture": kept,
    }


def _belongs_to(captures: Captures, told: dict[str, Any]) -> OpenCapture | None:
    """The capture that a request or metadata record goes with (WARC-Concurrent-To, -Refers-To)."""
    named = ("warc-concurrent-to", "warc-refers-to")
    ids = [value for name, value in told["fields"] if name.lower() in named]
    return next((kept for id_ in ids if (kept := captures.by_record(id_))), None)
