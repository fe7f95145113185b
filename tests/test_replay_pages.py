"""Pages led to the archive: what is changed, and that nothing else is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from storage.replay.css import rewrite_css
from storage.replay.page import Place, rewrite_page

PAGE = "http://a.vn/tin/bai.html"
W = "/wayback/20240301030000"


def place(**more: object) -> Place:
    return Place(PAGE, "20240301030000", **more)  # type: ignore[arg-type]


def led(page: str, **more: object) -> str:
    return rewrite_page(page.encode(), place(**more)).decode()


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<a href="/x">', f'<a href="{W}/http://a.vn/x">'),
        ("<a href='../y#k'>", f'<a href="{W}/http://a.vn/y#k">'),
        ("<A HREF=z.html?a=1&amp;b=2 class=c>", f'<A href="{W}/http://a.vn/tin/z.html?a=1&amp;b=2" class=c>'),
        ('<a href="//b.vn">', f'<a href="{W}/http://b.vn/">'),
        ('<a href=" http:\\\\b.vn\\c ">', f'<a href="{W}/http://b.vn/c">'),
        ('<a href="ht\ntp://b.vn/">', f'<a href="{W}/http://b.vn/">'),
        ('<a href="#muc">', '<a href="#muc">'),
        ('<a href="mailto:a@b.vn">', '<a href="mailto:a@b.vn">'),
        ('<a href="ftp://b.vn/x">', f'<a href="{W}/ftp://b.vn/x">'),
        ('<a href="/tin-tức">', f'<a href="{W}/http://a.vn/tin-t%E1%BB%A9c">'),
        ('<img src="a.png" alt="Ảnh">', f'<img src="{W}im_/http://a.vn/tin/a.png" alt="Ảnh">'),
        ("<img src=data:image/gif;base64,AA>", "<img src=data:image/gif;base64,AA>"),
        ('<img data-src="b.png">', f'<img data-src="b.png" src="{W}im_/http://a.vn/tin/b.png">'),
        ('<link rel="stylesheet" href="/s.css">', f'<link rel="stylesheet" href="{W}cs_/http://a.vn/s.css">'),
        ('<link rel=dns-prefetch href="//live.vn">', f'<link rel=dns-prefetch href="{W}oe_/http://live.vn/">'),
        ('<script src="/a.js"></script>', f'<script src="{W}js_/http://a.vn/a.js"></script>'),
        ('<iframe src="/k"></iframe>', f'<iframe src="{W}if_/http://a.vn/k"></iframe>'),
        ('<p style="background:url(&quot;a.png&quot;)">', f'<p style="background:url(&quot;{W}im_/http://a.vn/tin/a.png&quot;)">'),
        ("<style>p{background:url(b.png)}</style>", f'<style>p{{background:url("{W}im_/http://a.vn/tin/b.png")}}</style>'),
        ('<form action="/tim" method=get>', f'<form action="{W}/http://a.vn/tim" method=get>'),
        ('<base href="/goc/"><a href=x>', f'<base href="{W}/http://a.vn/goc/"><a href="{W}/http://a.vn/goc/x">'),
        ('<meta charset="utf-8">', '<meta charset="utf-8">'),
        ("<a ping='http://live.vn/'>", '<a data-ping="">'),
        ("<!-- <a href=/x> -->", "<!-- <a href=/x> -->"),
        ('<a title="<img src=/x>">', '<a title="<img src=/x>">'),
        ("<textarea><img src=/x></textarea>", "<textarea><img src=/x></textarea>"),
        ("<script>'<img src=/x>'</script>", "<script>'<img src=/x>'</script>"),
        ('<svg><a xlink:href="/x">', f'<svg><a xlink:href="{W}/http://a.vn/x">'),
        ("<svg><animate attributeName=href to=//live.vn>", '<svg><animate data-attributename="" to=//live.vn>'),
        ('<iframe srcdoc="&lt;a href=/x>"></iframe>', f'<iframe srcdoc="&lt;a href=&quot;{W}if_/http://a.vn/x&quot;&gt;"></iframe>'),
        ("<a href=/x", "<a href=/x"),
        ("3 < 4 & <5", "3 < 4 & <5"),
    ],
)  # fmt: skip
def test_addresses_lead_to_the_archive_and_all_else_stays(page: str, expected: str) -> None:
    assert led(page) == expected


def test_only_alternatives_that_were_kept_are_offered() -> None:
    page = '<img src="a.png" srcset="b.png 1x, c.png 2x">'
    some = led(page, is_kept=lambda url: url.endswith("c.png"))
    assert f'srcset="{W}im_/http://a.vn/tin/c.png 2x"' in some and "b.png" not in some
    assert ' srcset="' not in led(page, is_kept=lambda url: False).replace("data-srcset", "")


def test_a_refresh_is_told_and_headers_in_disguise_are_taken_off() -> None:
    here = place()
    page = b'<meta http-equiv="refresh" content="0; URL=\'http://live.vn/\'">'
    assert b'data-http-equiv="refresh"' in rewrite_page(page, here)
    assert here.sends_to == f"{W}/http://live.vn/"
    assert 'data-http-equiv=""' in led('<meta http-equiv="Content-Security-Policy" content="x">')


def test_links_in_a_frame_stay_there_unless_they_leave_it() -> None:
    framed = led("<a href=/x><a href=/y target=_top>", modifier="if_")
    assert f'"{W}if_/http://a.vn/x"' in framed and f'"{W}/http://a.vn/y"' in framed


@pytest.mark.parametrize(
    "piece",
    ['<a "', "<a", "<!--", "<style>", "<a x ", "<a =", "<svg><title>", "<svg><![CDATA[",
     '<img srcset="' + "," * 200, '<img srcset="a' + " " * 200, "<style>url(" + " " * 200,
     '<meta http-equiv=refresh content="' + " " * 200, '<style>url("', "<style>'\n"],
)  # fmt: skip
def test_what_repeats_without_end_takes_no_endless_time(piece: str) -> None:
    """A pattern that looks at everything again for each of them would take minutes."""
    page = (
        piece * 30_000
        if len(piece) < 200
        else piece.replace(piece[-1] * 200, piece[-1] * 100_000) + '">'
    )
    assert led(page)


@pytest.mark.parametrize("encoding", ["cp1258", "latin-1", "utf-8"])
def test_bytes_stay_in_their_encoding(encoding: str) -> None:
    page = '<p title="Đ">é<a href="/é">'.replace("Đ", "Đ" if encoding != "latin-1" else "D")
    body = page.encode(encoding)
    found = rewrite_page(body, place(encoding=encoding))
    assert found == body[: body.index(b"<a")] + f'<a href="{W}/http://a.vn/%C3%A9">'.encode()


@pytest.mark.parametrize(
    ("page", "start"),
    [
        ("<!doctype html><html><head><title>a</title></head><body class=x><p>", "body class=x>#"),
        ("<!DOCTYPE html><title>a</title><p>", "html>#"),
        ("<!-- x --><!doctype html><p>", "html>#"),
        ("<html><head></head><p>", "</head>#"),
        ("<p>", "#"),
    ],
)
def test_the_banner_stands_at_the_top_of_the_content(page: str, start: str) -> None:
    found = rewrite_page(page.encode(), place(), lambda: "#").decode()
    assert start in found and found.replace("#", "") == page


def test_a_frame_set_has_no_banner() -> None:
    page = b"<html><frameset><frame></frameset></html>"
    assert rewrite_page(page, place(), lambda: "#") == page


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("a{b:url(x.png)}", 'a{b:url("<x.png>")}'),
        ("a{b:url( 'x.png' )}", 'a{b:url("<x.png>")}'),
        ('@import "s.css" print;', '@import "<s.css>" print;'),
        ("@IMPORT url(s.css);", '@IMPORT url("<s.css>");'),
        ("/* url(x) */ a{b:url(y)}", '/* url(x) */ a{b:url("<y>")}'),
        ("a:after{content:'url(x)'}", "a:after{content:'url(x)'}"),
        (r"a{b:url(x\29.png)}", 'a{b:url("<x).png>")}'),
        ("a{b:url()}", "a{b:url()}"),
        ("a{b:url(x.png", "a{b:url(x.png"),
    ],
)
def test_style_sheets(css: str, expected: str) -> None:
    assert rewrite_css(css, lambda written, modifier: f"<{written}>") == expected


_PIECES = [
    *"<>\"'=/! \n`-", "<a ", "<a href=", "<img src=", "http://live.vn/", "//live.vn", "/x", "href", "</a>",
    "<svg>", "</svg>", "<style>", "</style>", "<title>", "</title>", "<script>", "<script/>", "</script>",
    "<!--", "-->", "--!>", "<![CDATA[", "]]>", "<textarea>", "</textarea>", "<math>", "<mtext>",
    "<noscript>", "</noscript>", "<template>", "<table>", "<select>", "<p style=", "<iframe>", "</iframe>",
    "<foreignObject>", "<form action=", "<base href=", "&quot;", "&#47;", "<xmp>", "</xmp>", "<?", "ả",
]  # fmt: skip
_ADDRESSED = ("href", "xlink:href", "src", "action")


@settings(max_examples=300)
@given(st.lists(st.sampled_from(_PIECES), max_size=30).map("".join))
def test_no_address_of_the_live_web_is_left_for_a_browser(page: str) -> None:
    """Judged by a parser that builds a browser's tree, and shares no code with what rewrites."""
    for node in LexborHTMLParser(led(page)).root.traverse():  # type: ignore[union-attr]
        for name in _ADDRESSED:
            value = node.attributes.get(name) if node.tag != "-text" else None
            if value and "live.vn" in value:
                assert value.startswith(W), (value, led(page))


@settings(max_examples=200)
@given(st.text())
def test_what_names_no_address_is_left_byte_for_byte(text: str) -> None:
    page = re.sub(r"href|src|style|data|action|background|poster", "", text, flags=re.IGNORECASE)
    assert led(page) == page.encode("utf-8", "replace").decode()
