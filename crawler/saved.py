"""One saved page read: what would be stored of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from crawler.normalise import normalise
from crawler.pages import FAMILIES
from crawler.read import read_page
from crawler.sites import Layout, Site, find_site, load_sites
from storage import times
from storage.archive import Archive
from storage.errors import NotFound, UsageError
from storage.places.shown import place
from storage.records import Article, Capture
from storage.urls import article_id, canonical_url, host_of


def read_saved(
    archive: Archive, file: Path, url: str, fetched_at: str, site_id: str | None, family: str | None
) -> dict[str, Any]:
    """The article (DESIGN §7) that a saved page holds; of its record and versions nothing is known.

    Raises UsageError, SiteError, NotFound, DecodeError.
    """
    site = _site(archive, url, site_id, family)
    capture = _capture(file, url, fetched_at)
    found = read_page(capture, site)
    if found.kind != "article":
        what = "a list" if found.kind == "list" else "neither an article nor a list"
        raise NotFound(
            f"{file} is read as {what} by the family {found.family}; no article to print"
        )
    return _as_shown(site, capture, normalise(found))


def _site(archive: Archive, url: str, site_id: str | None, family: str | None) -> Site:
    if (site_id is None) == (family is None):
        raise UsageError("give one of --site and --family")
    if site_id is not None:
        return find_site(load_sites(archive.folder.sites), site_id)
    if family not in FAMILIES:
        raise UsageError(f"no family {family!r}; there are {', '.join(sorted(FAMILIES))}")
    host = host_of(canonical_url(url) or url)
    name = f"host-{host.partition(':')[0]}"  # as import names a host that nobody declared
    return Site(name, host, "other", (Layout(family),), hosts=(host,))


def _capture(file: Path, url: str, fetched_at: str) -> Capture:
    address = canonical_url(url)
    if address is None:
        raise UsageError(f"{url!r} is no http or https address")
    try:
        moment = times.parse_utc(fetched_at)
    except ValueError as error:
        raise UsageError(f"--fetched-at: {error}") from error
    try:
        body = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    if not body.strip():
        raise UsageError(f"{file} is empty")
    return Capture(address, moment, 200, (("Content-Type", "text/html"),), body)


def _as_shown(site: Site, capture: Capture, read: Article) -> dict[str, Any]:
    values = asdict(read)
    nothing = {"sha256": None, "mime": None}
    size: dict[str, Any] = {"width": None, "height": None}
    return {
        "id": article_id(site.id, read.url),
        "site": site.id,
        "organ": site.organ,
        "url": read.url,
        "other_urls": [capture.url] if capture.url != read.url else [],
        **{name: values[name] for name in _FIELDS},
        "published_flags": list(read.published_flags),
        "captured_at": times.utc_text(capture.fetched_at),
        "version": None,
        "versions": None,
        "images": [nothing | size | {"url": i.url, "caption": i.caption} for i in read.images],
        "attachments": [nothing | {"url": f.url, "name": f.name} for f in read.attachments],
        "place": _place(site, read),
        "warc": None,
    }


def _place(site: Site, read: Article) -> dict[str, Any] | None:
    if site.district is not None:
        return place(site.district, site.district_from, "site")
    if read.district is None or read.district_from is None:
        return None
    return place(read.district, read.district_from, read.district_evidence)


_FIELDS = (
    "title", "title_raw", "lead", "text", "section", "published_at", "published_precision",
    "published_raw", "published_evidence", "published_flags", "byline_raw", "author", "office",
    "credit",
)  # fmt: skip
