"""The public archives that rescue can ask: where they answer, how often they may be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crawler import settings
from storage.errors import UsageError


@dataclass(frozen=True, slots=True)
class PublicArchive:
    """A public web archive."""

    name: str
    """As the provenance of a capture has it: `commoncrawl` or `wayback`."""
    index: str
    """Common Crawl's folder of indexes, ending in a slash, or Wayback's CDX server."""
    captures: str
    """Folder of its captures, ending in a slash: Common Crawl's WARC files, Wayback's pages."""
    delay_seconds: float
    """At least so long between two requests to one of its hosts."""
    donor: str
    terms: str
    has_files: bool
    """Whether it gives records of WARC files, of one crawl after another; else pages."""


def public_archive(name: str) -> PublicArchive:
    """The archive of this name, at the addresses of the settings. Raises UsageError."""
    if name not in _ARCHIVES:
        raise UsageError(f"--from is one of {', '.join(sorted(_ARCHIVES))}, not {name!r}")
    return _ARCHIVES[name]()


def _folder(address: str) -> str:
    return address if address.endswith("/") else f"{address}/"


def _commoncrawl() -> PublicArchive:
    return PublicArchive(
        "commoncrawl", _folder(settings.COMMONCRAWL_INDEX), _folder(settings.COMMONCRAWL_DATA),
        settings.COMMONCRAWL_DELAY_SECONDS,
        "Common Crawl", "https://commoncrawl.org/terms-of-use", True,
    )  # fmt: skip


def _wayback() -> PublicArchive:
    return PublicArchive(
        "wayback", settings.WAYBACK_INDEX, _folder(settings.WAYBACK_PAGES),
        settings.WAYBACK_DELAY_SECONDS,
        "Internet Archive, Wayback Machine", "https://archive.org/about/terms", False,
    )  # fmt: skip


_ARCHIVES: dict[str, Callable[[], PublicArchive]] = {
    "commoncrawl": _commoncrawl,
    "wayback": _wayback,
}
