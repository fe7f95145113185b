"""One class a CMS family: where title, date, body, images and links stand."""

from __future__ import annotations

from crawler.pages.family import Family
from crawler.pages.nukeviet import NukeViet
from crawler.pages.party_sharepoint import PartySharePoint
from crawler.pages.plain import Plain

FAMILIES: dict[str, Family] = {
    family.name: family for family in (NukeViet(), PartySharePoint(), Plain())
}
"""Every family by the name that a site's layout gives it."""
