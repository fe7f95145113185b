"""Which family a host's pages are of, by what they say themselves."""

from __future__ import annotations

import re

from sqlalchemy import Engine, select

from crawler.pages import FAMILIES
from crawler.sites import Site
from storage.archive import Archive
from storage.database.schema import capture
from storage.errors import DecodeError, NotFound, UsageError, WarcError
from storage.records import Record

_LOOKED_AT = 5
_START_BYTES = 1 << 16
_GENERATOR = re.compile(
    rb"""<meta[^>]*name=["']generator["'][^>]*content=["']([^"']{1,80})""", re.IGNORECASE
)
_SIGNS = (
    ("nukeviet", re.compile(rb"nukeviet|nv_base_siteurl", re.IGNORECASE)),
    ("party_sharepoint", re.compile(rb"Microsoft SharePoint|_layouts/15/|_spPageContextInfo")),
)


def check_family(read_as: str | None) -> None:
    """Raise UsageError for a family that there is not; None asks for none."""
    if read_as not in (None, "auto", *FAMILIES):
        raise UsageError(f"no family {read_as!r}; there are auto, {', '.join(sorted(FAMILIES))}")


def choose_family(
    archive: Archive, engine: Engine, site: Site, read_as: str
) -> tuple[str | None, str]:
    """The family that a host is to be read by, and why; None if it has no page."""
    pages = _pages(engine, site)
    if not pages:
        return None, "it has no page"
    if read_as != "auto":
        return read_as, "as asked"
    for record in pages:
        try:
            start = archive.capture(record).body()[:_START_BYTES]
        except (DecodeError, WarcError, NotFound):
            continue
        if (found := recognise(start)) is not None:
            return found
    return "plain", "no known CMS names itself in its pages"


def recognise(page: bytes) -> tuple[str, str] | None:
    """Family and sign of a decoded page's start; None if nothing gives it away. Raises: nothing."""
    named = _GENERATOR.search(page)
    for family, sign in _SIGNS:
        if found := sign.search(page):
            what = (named[1] if named and sign.search(named[1]) else found[0]).decode("latin-1")
            return family, f"its pages say {what!r}"
    return None


def _pages(engine: Engine, site: Site) -> list[Record]:
    where = (
        capture.c.warc_file, capture.c.warc_offset, capture.c.warc_length, capture.c.record_id,
    )  # fmt: skip
    query = (
        select(*where)
        .where(
            capture.c.site == site.id,
            capture.c.mime.like("%html%"),
            (capture.c.status == 200),
            capture.c.record_type != "revisit",
        )
        .order_by(capture.c.fetched_at, capture.c.record_id)
        .limit(_LOOKED_AT)
    )
    with engine.connect() as connection:
        return [Record(*row) for row in connection.execute(query)]
