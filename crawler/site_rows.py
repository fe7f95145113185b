"""A site's declaration as the database and the journal keep it, and back."""

from __future__ import annotations

from typing import Any

from crawler.sites import Layout, Site
from storage.database.runs import SiteRow


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
