"""Pages that nobody wrote by hand: any bytes, any tags, any depth."""

from __future__ import annotations

from encodings import aliases

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.normalise import normalise
from crawler.pages import FAMILIES
from crawler.pages.shallow import DEEPEST, is_too_deep, make_shallow
from storage.charset import find_charset, to_utf8
from tests.layouts import LAYOUTS, PARAGRAPHS, TITLE
from tests.pages import capture_of, find, read

families = st.sampled_from(sorted(FAMILIES))
names = "div p table tr td h1 a br img figure figcaption form b span ul li title meta script style nav x-y".split()
tags = st.builds(
    lambda slash, name, attributes: f"<{slash}{name}{attributes}>",
    st.sampled_from(["", "", "/"]),
    st.sampled_from(names),
    st.sampled_from(
        [
            "",
            " class=title",
            " src=/a.jpg",
            " href='x y'",
            ' href="http://["',
            " style='display:none'",
            " hidden",
            ' itemprop="datePublished"',
            ' class="bodytext"',
        ]
    ),
)
texts = st.one_of(
    st.sampled_from(
        [
            TITLE,
            *PARAGRAPHS[:3],
            "Thứ Ba 10/01/2023 16:33",
            "Tin liên quan",
            "&amp;lt;",
            "<![x[",
            "<!--",
            "]]>",
        ]
    ),
    st.text(max_size=30),
)


@given(st.binary(max_size=400), families)
def test_any_bytes_can_be_read(body: bytes, family: str) -> None:
    assert normalise(find(body, family)).url


@given(st.lists(st.one_of(tags, texts), max_size=40).map("".join), families)
def test_any_tags_can_be_read(body: str, family: str) -> None:
    article = normalise(find(body, family))
    assert article.title is None or article.title == article.title.strip()


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "utf-8", "windows-1258", "utf-16", "nonsense", "latin-1"])
    | st.sampled_from(sorted({*aliases.aliases, *aliases.aliases.values(), "undefined"})),
)
def test_any_bytes_become_utf_8(body: bytes, charset: str) -> None:
    to_utf8(body, f"text/html; charset={charset}").decode("utf-8")


@settings(max_examples=50)
@given(st.lists(st.one_of(tags, texts), max_size=30).map("".join))
def test_any_page_can_be_made_shallow(body: str) -> None:
    make_shallow(body.encode("utf-8", "surrogatepass")).decode()


@pytest.mark.parametrize("closed", [True, False])
def test_a_page_of_fifty_thousand_levels_keeps_its_text(closed: bool) -> None:
    deep = "<div>" * 50_000 + f"<h1>{TITLE}</h1>" + "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
    page = f"<title>{TITLE}</title><body>{deep}" + "</div>" * 50_000 * closed
    found = find(page)
    article = normalise(found)
    assert found.too_deep and found.kind == "article"
    assert article.title == TITLE
    assert article.text is not None and PARAGRAPHS[-1] in article.text


def test_depth_is_counted_by_what_can_nest() -> None:
    assert not is_too_deep(b"<p>a<br><li>b" * 3000)
    assert not is_too_deep(b"<div><b>x</b></div>" * 3000)
    assert is_too_deep(b"<div>" * (DEEPEST + 2))
    assert is_too_deep(b"<b>" * (DEEPEST + 2) + b"</i>" * 5)
    assert not any(is_too_deep(layout.html.encode()) for layout in LAYOUTS)


def test_a_shallow_page_is_the_same_page() -> None:
    page = LAYOUTS[0].html
    assert read(make_shallow(page.encode())) == read(page)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", ""),
        ("utf-8", "windows-1258"),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-16", "utf-8"),
    ],
)
def test_the_bytes_own_evidence_goes_before_a_declaration(encoding: str, declared: str) -> None:
    body = f"<title>{TITLE}</title>".encode(encoding)
    assert TITLE in to_utf8(capture_of(body).body(), f"text/html; charset={declared}").decode()


def test_codecs_that_are_no_charsets_are_not_taken_for_one() -> None:
    for label in ("hex", "base64", "rot13", "idna", "punycode", "undefined", "unicode_escape"):
        assert find_charset(b"caf\xe9", f"text/html; charset={label}").label is None
        assert to_utf8(b"caf\xe9", f"text/html; charset={label}").decode() == "café"


def test_a_page_cut_off_within_a_letter_is_still_utf_8() -> None:
    assert to_utf8("Huyện uỷ".encode()[:-1], None).decode() == "Huyện u\ufffd"
    assert to_utf8("caf\xe9".encode("latin-1"), None).decode() == "café"


def test_bytes_that_windows_1252_leaves_open_are_kept() -> None:
    assert to_utf8(b"\x81\x93a\xe9", None).decode() == "\x81“aé"
