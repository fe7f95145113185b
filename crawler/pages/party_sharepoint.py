"""SharePoint portals of Party committees, as that of Hải Dương.

What is known: lists at `/news/Pages/new.aspx?CateID=13&Page=63`, dates printed as `Thứ Năm
04/11/2021 09:58`, the day's date in the page's head, `Xem với cỡ chữ` above the text, `CÁC BÀI
VIẾT KHÁC` below. What is not: the markup of an article. No page of such a portal was at hand, only
the text of one. So the article is found as on any page, with the field names that SharePoint
itself uses as hints; docs/add-a-family.md says what to do when a real capture is imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from crawler.pages import links
from crawler.pages.document import Document
from crawler.pages.plain import Plain
from storage.records import Link

_ITEM_KEYS = frozenset({"itemid", "newsid", "id", "nid", "articleid", "cntid"})
_LIST_KEYS = frozenset({"cateid", "catid", "chuyenmucid", "categoryid"})
_PAGE_KEYS = frozenset({"page", "pageindex", "pagenumber"})
_PRINT = re.compile(r"/print\.aspx|pformprint", re.IGNORECASE)
_HEADLINE_CHARS = 25


class PartySharePoint(Plain):
    """Lists by `CateID` and `Page`; articles by an item's number, or a headline's link."""

    name = "party_sharepoint"
    body_hints = ".ms-rtestate-field, [id*=RichHtmlField]"
    section_hints = (
        ".breadcrumb li:last-child, .breadcrumbs li:last-child, .ms-sitemapdirectional:last-child"
    )

    def links(self, document: Document) -> Iterator[Link]:
        """Told apart by their queries, which this CMS lives on."""
        for anchor in links.anchors(document):
            url = anchor.url
            if not document.site.covers(url) or _PRINT.search(url) or links.is_file(url):
                continue
            keys = {key.lower() for key, _ in parse_qsl(urlsplit(url).query)}
            if keys & _ITEM_KEYS:
                yield Link(url, "article")
            elif keys & _LIST_KEYS or url in document.site.listings:
                yield Link(url, "list", paging=bool(keys & _PAGE_KEYS))
            elif len(anchor.text or anchor.title) >= _HEADLINE_CHARS:
                yield Link(url, "article")
        for node in document.tree.css('link[rel="alternate"][type*="rss"]'):
            feed = document.link(node.attributes.get("href"))
            if feed and document.site.covers(feed):
                yield Link(feed, "feed")
