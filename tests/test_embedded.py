"""What pages and style sheets embed, so that packages hold what they are drawn with."""

from __future__ import annotations

import pytest

from storage.embedded import embedded_in_css, embedded_in_page

PAGE = "http://a.vn/tin/bai.html"


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ('<img src="anh/1.jpg">', {"http://a.vn/tin/anh/1.jpg"}),
        ("<IMG SRC = '/1.jpg'>", {"http://a.vn/1.jpg"}),
        ("<img src=/1.jpg alt=x>", {"http://a.vn/1.jpg"}),
        ('<img src="a&amp;b.jpg">', {"http://a.vn/tin/a&b.jpg"}),
        ('<img data-src="//cdn.vn/1.jpg" src="data:image/gif;base64,AA">', {"http://cdn.vn/1.jpg"}),
        (
            '<img srcset="1.jpg 1x, /2,5.jpg 2x"><source srcset="3.webp 640w">',
            {"http://a.vn/tin/1.jpg", "http://a.vn/2,5.jpg", "http://a.vn/tin/3.webp"},
        ),
        ('<link rel="stylesheet" href="/s.css"><a href="/x">', {"http://a.vn/s.css"}),
        ('<base href="http://b.vn/"><script src=s.js></script>', {"http://b.vn/s.js"}),
        ('<td background="nen.gif">', {"http://a.vn/tin/nen.gif"}),
        ('<div style="background: url(&quot;/n.png&quot;)">', {"http://a.vn/n.png"}),
        ("<style>@import 'i.css'; p { background: url(p.png) }</style>",
         {"http://a.vn/tin/i.css", "http://a.vn/tin/p.png"}),
        ('<iframe src="/khung.html"></iframe><video poster="v.jpg">',
         {"http://a.vn/khung.html", "http://a.vn/tin/v.jpg"}),
        ('<object data="/o.svg"></object>', {"http://a.vn/o.svg"}),
        ('<img src="javascript:alert(1)"><img src=""><img>', set()),
    ],
)  # fmt: skip
def test_pages(markup: str, found: set[str]) -> None:
    assert embedded_in_page(PAGE, markup) == found


def test_style_sheets() -> None:
    css = "@import url('b.css'); body { background: url( \"../n.png\" ) } i { src: url(f.woff) }"
    there = {f"http://a.vn/{name}" for name in ("css/b.css", "n.png", "css/f.woff")}
    assert embedded_in_css("http://a.vn/css/a.css", css) == there


@pytest.mark.parametrize(
    "piece", ["<div>", "<link ", "src='", 'src="', "<base ", "srcset=' ,", "url("]
)
def test_hostile_pages_end(piece: str) -> None:
    """A page of nothing but beginnings is looked through as well; a slow pattern would hang."""
    embedded_in_page(PAGE, piece * 20_000)
