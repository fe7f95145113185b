"""Conditional requests: what changed since the last answer is sent, else a 304 (RFC 9110 §13)."""

from __future__ import annotations

from storage.errors import NotFound, WarcError
from storage.folder import ArchiveFolder
from storage.records import Capture, Record
from storage.warc.reader import read_capture

_FIELDS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


def last_answer(record: Record | None, folder: ArchiveFolder) -> Capture | None:
    """An address's last sound answer; None if there is none, or it cannot be read any more."""
    if record is None:
        return None
    try:
        return read_capture(record, folder.file, _no_other)
    except (WarcError, NotFound, OSError):  # then all of it is asked for; `warc verify` tells why
        return None


def _no_other(record_id: str) -> Record:
    raise NotFound(f"{record_id} is another record, and the last answer is whole in its own")


def conditions(last: Capture | None) -> dict[str, str]:
    """Request headers that make the server compare, by its own marks; empty if it gave none."""
    if last is None:
        return {}
    told = {ours: last.header(theirs) for theirs, ours in _FIELDS.items()}
    return {name: value for name, value in told.items() if value}
