"""Reads what nobody has read yet: the bytes of a capture, in a child process, into the database."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Engine

from crawler.recover import stored_capture
from storage import child
from storage.archive import Archive
from storage.database.attachments import Document, Unread, save_document, unread_attachments
from storage.database.connect import writing
from storage.errors import (
    ArchiveBusy,
    ArchiveFault,
    DecodeError,
    NotFound,
    NotHere,
    RanAway,
    WarcError,
)

logger = logging.getLogger(__name__)

MAX_BYTES = 64 << 20
"""A larger file is not read: scans of whole books, which hold no text."""
_CHILD = "crawler.attachments.document"
_LIMITS = child.Limits(seconds=120, memory_bytes=1 << 30)
_CONTROLS = dict.fromkeys(n for n in range(32) if chr(n) not in "\t\n\f")

Say = Callable[[str], None]


def read_document(data: bytes, limits: child.Limits = _LIMITS) -> Document:
    """What a file holds. Raises: nothing, whatever the bytes are and do."""
    if len(data) > MAX_BYTES:
        return Document(None, "failed", f"larger than {MAX_BYTES >> 20} MB")
    pages: list[tuple[int | None, str]] = []
    try:
        for said in child.ask(_CHILD, data, limits):
            if isinstance(said, dict):
                return Document(**said, pages=tuple(pages))
            page, text = said
            pages.append((page, _clean(text)))
    except RanAway as error:
        return Document(None, "failed", f"reading it was ended: {error}")
    return Document(None, "failed", "reading it ended without a word")


def _clean(text: str) -> str:
    """What a database takes: no control characters, no lone surrogates."""
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode()


def read_attachments(
    archive: Archive,
    engine: Engine,
    sites: Iterable[str] | None = None,
    say: Say = lambda what: None,
) -> Counter[str]:
    """Read every content that nobody has read; returns how many ended how. Raises ArchiveFault.

    Each is saved by itself: who is stopped goes on at the next one. What lies on another machine
    that shares the database stays unread.
    """
    with engine.connect() as connection:
        unread = unread_attachments(connection, sites)
    done: Counter[str] = Counter()
    for number, one in enumerate(unread, 1):
        document = _read(archive, engine, one)
        if document is None:
            continue
        with writing(engine) as tx:
            save_document(tx, one.sha256, document)
        done[document.state] += 1
        say(f"{number} of {len(unread)} attachments read")
    return done


def _read(archive: Archive, engine: Engine, one: Unread) -> Document | None:
    try:
        with engine.connect() as connection:
            capture = stored_capture(archive, connection, one.record_id)
        return read_document(capture.body())
    except (WarcError, NotFound, DecodeError) as error:
        if isinstance(error, NotHere) and archive.is_shared:
            return None
        return Document(None, "failed", f"its record cannot be read: {error}")


def read_after_crawl(archive: Archive, sites: Sequence[str]) -> None:
    """What a crawl brought. Raises: nothing; the crawl is over, and this can be done later."""
    for site in sites:
        try:
            with archive.site_lock(site) as engine:
                done = read_attachments(archive, engine, [site])
        except ArchiveBusy:  # whoever holds the site reads them at its own end
            continue
        except (ArchiveFault, OSError) as error:
            logger.error("%s: attachments are not all read: %s; %s", site, error, _LATER)
            continue
        if done["failed"]:
            logger.warning(
                "%s: %d of %d attachments could not be read; `tinhuyen attachments` says why",
                site, done["failed"], done.total(),
            )  # fmt: skip


_LATER = "`tinhuyen attachments` goes on"
