"""A site's declaration as the database and the journal keep it, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine

from crawler.sites import Layout, Site
from storage import journal
from storage.archive import Archive
from storage.database.connect import writing
from storage.database.runs import SiteRow, save_site


def row_of(site: Site) -> SiteRow:
    """The declaration as a row."""
    return SiteRow(
        id=site.id,
        name=site.name,
        organ=site.organ,
        hosts=list(site.hosts),
        district=site.district,
        district_from=site.district_from if site.district else None,
        province=site.province,
        family=site.layouts[-1].family,
        state=site.state,
        since=site.since,
        evidence=site.evidence,
        origin="declared",
    )


def site_of(row: dict[str, Any]) -> Site:
    """The site of a row whose table is gone: as much of it as reading its pages needs."""
    return Site(
        id=row["id"],
        name=row["name"],
        organ=row["organ"],
        layouts=(Layout(row["family"] or "generic"),),
        hosts=tuple(row["hosts"]),
    )


def meet_sites(archive: Archive, engine: Engine, rows: Iterable[SiteRow]) -> None:
    """The database and the journal know these sites as they are declared now, or none of them."""
    with writing(engine) as tx:
        changed = [row for row in rows if save_site(tx, row)]
        journal.note_sites(archive.folder, changed)
