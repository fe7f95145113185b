"""Lists whose items have leads hold as much running text as an article, and are none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.demo import council
from crawler.demo.content import council_articles, party_articles
from crawler.demo.party import article as party_page
from crawler.read import read_page
from crawler.sites import Layout, Site
from storage.records import Capture, Found

LEAD = "Sáng nay, Ban Thường vụ Huyện uỷ tổ chức hội nghị sơ kết công tác xây dựng Đảng. " * 2
HEADLINE = "Huyện uỷ tổ chức hội nghị sơ kết lần thứ {n}"
ITEMS = {
    "headings": '<h3><a href="/tin/{n}.html">{title}</a></h3><p>{lead}</p>',
    "with dates": '<li><a href="/tin/{n}.html">{title}</a><br><i>0{n}/02/2023</i><div>{lead}</div></li>',
    "with images": '<div><a href="/tin/{n}.html"><img src="/{n}.jpg"></a><h4><a href="/tin/{n}.html">'
    "{title}</a></h4>{lead}</div>",
    "in tables": '<table><tr><td><img src="/{n}.jpg"></td><td><a href="/tin/{n}.html">{title}</a>'
    "<p>{lead}</p></td></tr></table>",
}


def read(html: str, family: str) -> Found:
    site = Site("x", "X", "other", (Layout(family),), hosts=("x.vn",))
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    moment = datetime(2024, 3, 1, 3, tzinfo=UTC)
    return read_page(Capture("http://x.vn/tin?trang=2", moment, 200, headers, html.encode()), site)


@pytest.mark.parametrize("family", ["plain", "party_sharepoint"])
@pytest.mark.parametrize("name", ITEMS)
def test_a_list_with_leads_is_a_list(name: str, family: str) -> None:
    items = "".join(
        ITEMS[name].format(n=n, title=HEADLINE.format(n=n), lead=LEAD) for n in range(1, 8)
    )
    html = f"<html><title>Tin tức</title><body><h1>Tin trong huyện</h1><div>{items}</div></body>"
    found = read(html, family)
    assert found.kind == "list"
    assert sum(link.role == "article" for link in found.links) >= 7


@pytest.mark.parametrize("family", ["plain", "party_sharepoint"])
def test_the_sample_portal_s_other_half_tells_them_apart(family: str) -> None:
    assert read(council.listing(None, 1) or "", family).kind == "list"
    for one in council_articles():
        page = council.article(council.article_path(one).split("/")[-2], one.id)
        assert read(page or "", family).kind == "article"
    for other in party_articles():
        assert read(party_page(other.id) or "", family).kind == "article"
