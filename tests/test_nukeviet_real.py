"""Pages of the real CMS NukeViet 4.5.05 against the truth of its database; its other theme."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.normalise import normalise
from crawler.read import read_page
from storage.records import Article, Capture
from tests.layouts import PARAGRAPHS, TITLE
from tests.pages import read, site_of

ORIGIN = "127.0.0.1:8099"


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFC", text)))


def read_saved(folder: Path, truth: dict[str, Any], family: str) -> Article:
    body = (folder / "articles" / f"{truth['id']}-0.html").read_bytes()
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    moment = datetime(2026, 10, 1, tzinfo=UTC)
    capture = Capture(f"http://{ORIGIN}{truth['urls'][0]}", moment, 200, headers, body)
    return normalise(read_page(capture, site_of(family, ORIGIN)))


@pytest.mark.shared
@pytest.mark.parametrize("family", ["nukeviet", "plain"])
def test_thirteen_articles_as_their_database_has_them(shared_data: Path, family: str) -> None:
    folder = shared_data / "nukeviet"
    truths = json.loads((folder / "ground-truth.json").read_text("utf-8"))
    truths = [one for one in truths if (folder / f"articles/{one['id']}-0.html").stat().st_size]
    assert len(truths) == 13
    for truth in truths:
        article = read_saved(folder, truth, family)
        assert article.title == truth["title"]
        assert (article.published_at or "")[:16] == truth["published"][:16]
        assert article.published_evidence == "printed"
        assert article.author == (truth["author"] or None)
        wanted = words(
            f"{truth['lead']} {html.unescape(re.sub('<[^>]+>', ' ', truth['body_html']))}"
        )
        got = words(f"{article.lead or ''} {article.text}")
        common = sum((wanted & got).values())
        assert common / sum(got.values()) >= 0.99, (truth["id"], list(got - wanted)[:9])
        assert common / sum(wanted.values()) >= 0.99, (truth["id"], list(wanted - got)[:9])


EGOV = f"""
<html><head><title>{TITLE}</title><meta property="article:published_time" content="2023-01-10+0716:33:00"></head><body>
<div class="news_column panel" itemtype="http://schema.org/NewsArticle" itemscope><div class="panel-body">
<h1 class="title" itemprop="headline">{TITLE}</h1>
<span class="hidden d-none" itemprop="datePublished">2023-05-02T08:00:00+07:00</span>
<div class="row"><span class="h5"><i class="fa fa-clock-o"></i> Thứ ba - 10/01/2023 16:33</span> <span>Đã xem: 99</span></div>
<div class="hometext" itemprop="description">{PARAGRAPHS[0]}</div>
<figure class="article center"><img src="/a.jpg"><figcaption>Toàn cảnh</figcaption></figure>
<div id="news-bodyhtml" class="bodytext">{"".join(f"<p>{text}</p>" for text in PARAGRAPHS[1:])}</div>
<p class="h5 text-right"><strong>Tác giả: </strong>Hà Trang</p><p class="h5 text-right"><strong>Nguồn tin: </strong>Huyện uỷ</p>
</div></div></body></html>
"""


def test_the_theme_of_government_portals() -> None:
    article = read(EGOV, "nukeviet")
    assert (article.title, article.published_at) == (TITLE, "2023-01-10T16:33:00+07:00")
    assert article.published_flags == ("machine_date_differs", "weekday_agrees")
    assert (article.author, article.credit) == ("Hà Trang", "Huyện uỷ")
    assert article.lead == PARAGRAPHS[0] and article.images[0].caption == "Toàn cảnh"


def test_what_it_calls_published_is_the_time_of_the_last_edit() -> None:
    unprinted = EGOV.replace("Thứ ba - 10/01/2023 16:33", "")
    article = read(unprinted, "nukeviet")
    assert (article.published_at, article.published_evidence) == (
        "2023-01-10T16:33:00+07:00",
        "meta",
    )
    without = read(unprinted.replace("2023-01-10+0716:33:00", ""), "nukeviet")
    assert without.published_at is None
