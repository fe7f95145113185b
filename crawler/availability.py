"""Whether a site may be crawled: its declaration, and what was decided since."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from crawler.result import Result
from crawler.sites import Site
from storage import times
from storage.archive import Archive
from storage.database.site_states import CHECKS, SiteState, decide
from storage.errors import SiteUnavailable
from storage.folder import ArchiveFolder

_SHUT = ("closed", "moved", "hijacked")


def check_available(site: Site, decided: SiteState | None = None) -> None:
    """Raise SiteUnavailable if there is nothing to crawl: the reason, and what to do instead.

    What was decided last goes before what is declared.
    """
    if not site.listings:
        raise SiteUnavailable(
            f"{site.id} ({site.name}) has no known address, so it cannot be crawled. What others "
            "captured of it can come in by import or rescue (docs/archivists.md, Import and "
            f"rescue). If you know its address, add it to {site.file}."
        )
    if decided is not None:
        _check_decided(decided)
    elif site.state in _SHUT:
        raise SiteUnavailable(
            f"{site.id} is {site.state} since {site.since} ({site.evidence}), so it is not "
            f"crawled. If that is wrong, correct its state in {site.file}."
        )


def _check_decided(decided: SiteState) -> None:
    site, day = decided.site, local_day(decided)
    if decided.state == "paused":
        raise SiteUnavailable(
            f"{site} is paused since {day}: {decided.because}. {how_to_lift(decided)}"
        )
    if decided.state in _SHUT:
        raise SiteUnavailable(
            f"{site} is {decided.state} since {day} ({decided.because}; {decided.decided_by}), so "
            f"it is not crawled. If that has changed: tinhuyen sites state {site} open --because …"
        )


def how_to_lift(decided: SiteState) -> str:
    """What an archivist may do about a pause."""
    run, lift = decided.run, f"tinhuyen sites state {decided.site}"
    look = f"Look at what its run kept (`tinhuyen runs show {run}`). " if run else ""
    accepts = "accepts that and " if run else ""
    return (
        f"{look}If it is still the site, `{lift} open --because …` {accepts}lets crawls go on; if "
        f"not, `{lift} hijacked --because …` (or closed, or moved) says so."
    )


def local_day(decided: SiteState) -> str:
    """The day of a decision, of Asia/Ho_Chi_Minh."""
    return f"{times.parse_utc(decided.decided_at).astimezone(times.LOCAL):%Y-%m-%d}"


def decided_about(archive: Archive, site: str) -> SiteState | None:
    """What was decided last; None if nothing was. Brings an older database up to date."""
    if not archive.exists:
        return None
    archive.open_for_writing().dispose()
    try:
        return next(reversed(archive.states(site)), None)
    finally:
        archive.close()  # whoever crawls now holds one connection less


def pause_site(
    folder: ArchiveFolder, tx: Connection, site: str, run: str, result: Result
) -> Result:
    """Pause a site by what was found of a run, and set aside what the run read.

    Returns the result with what people are told. Raises OSError.
    """
    moment = times.utc_text(times.now())
    evidence = tuple(found.as_json() for found in result.pausing)
    because = result.message or ""
    decided = SiteState(site, moment, CHECKS, "paused", because, run, evidence)
    decide(folder, tx, decided)
    return replace(result, message=f"{site} is paused: {because}. {how_to_lift(decided)}")
