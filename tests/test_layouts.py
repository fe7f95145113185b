"""The seed's article in many layouts: title, date, byline, caption and text, each right in all."""

from __future__ import annotations

import pytest

from tests.layouts import CAPTION, LAYOUTS, PARAGRAPHS, TITLE, Layout
from tests.pages import find, read

EVERY = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
FAMILIES = pytest.mark.parametrize("family", ["plain", "party_sharepoint"])


@EVERY
@FAMILIES
def test_an_article_in_any_layout(layout: Layout, family: str) -> None:
    assert find(layout.html, family).kind == "article"
    article = read(layout.html, family)
    assert article.title == TITLE
    assert article.published_at == layout.published
    assert (article.author, article.office) == ("Hà Trang", "Văn phòng Huyện uỷ Bình Giang")
    assert [image.caption for image in article.images] == [CAPTION]


@EVERY
def test_its_text_is_verbatim_and_nothing_else(layout: Layout) -> None:
    text = read(layout.html).text
    assert text is not None
    wanted = [" ".join(line.split(" ")).strip() for line in PARAGRAPHS]
    if "figcaption" in layout.html:  # the markup gives the caption to the image alone
        wanted.remove(CAPTION)
    assert [_one_space(line) for line in text.split("\n")] == [_one_space(line) for line in wanted]


def _one_space(line: str) -> str:
    return " ".join(line.replace("\u00a0", " ").split())
