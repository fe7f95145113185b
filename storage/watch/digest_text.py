"""A digest in words: what an archivist reads in the morning."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from storage import times
from storage.query.digest import Digest, SiteNews

_COUNTS = ("new", "changed", "gone", "failed")


def headline(digest: Digest) -> str:
    """`12 new, 3 changed, 1 gone, 2 failed`."""
    return ", ".join(f"{digest.total(name)} {name}" for name in _COUNTS)


def digest_text(digest: Digest, free_bytes: int) -> str:
    """The whole, a line or two a site, those in trouble first; quiet ones are only counted."""
    told = sorted((one for one in digest.sites if not one.is_quiet), key=_is_well)
    quiet = sum(one.runs > 0 for one in digest.sites if one.is_quiet)
    lines = [f"{headline(digest)}, from {_local(digest.since)} to {_local(digest.until)}"]
    lines += [line for one in told for line in _site_lines(one)]
    if quiet:
        lines.append(f"nothing new at {quiet} other site(s) that were crawled")
    rest = digest.all_sites - sum(one.runs > 0 for one in digest.sites)
    if rest > 0:
        lines.append(f"no crawl ended at {rest} of {digest.all_sites} site(s)")
    lines.append(f"{free_bytes / 1e9:,.1f} GB of disk left")
    return "\n".join(lines) + "\n"


def _is_well(one: SiteNews) -> bool:
    return one.outcome in (None, "finished") and one.broken is None and not one.findings


def _site_lines(one: SiteNews) -> Iterator[str]:
    """Counts first, then whatever a person may have to do something about."""
    counts = [f"{getattr(one, name)} {name}" for name in _COUNTS if getattr(one, name)]
    crawls = f" in {one.runs} crawl(s)" if one.runs else ""
    yield f"{one.site}: {', '.join(counts) or 'nothing new'}{crawls}"
    if one.outcome not in (None, "finished"):
        yield f"  {one.outcome}: {one.reason or 'no reason was stored'}"
    yield from (f"  {found}" for found in one.findings)
    if one.broken:
        yield f"  a crawl by schedule broke: {one.broken} (logs/{one.site}.log)"
    if one.paused:
        yield f"  paused: {', '.join(one.paused)}"


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(times.LOCAL):%Y-%m-%d %H:%M}"
