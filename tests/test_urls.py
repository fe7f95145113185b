"""Addresses have one written form, and sort keys are those that CDX tools use."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import pytest
import surt
from hypothesis import example, given
from hypothesis import strategies as st
from w3lib.url import safe_url_string

from storage.urls import (
    _WRITTEN_SO,
    article_id,
    canonical_url,
    fingerprint,
    host_of,
    join_url,
    urlkey,
)

SEGMENT = st.text("abcXYZ019-._~", min_size=1, max_size=8)
URLS = st.builds(
    lambda scheme, host, port, path, query: f"{scheme}://{host}{port}/{path}{query}",
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a.vn", "www.a.gov.vn", "127.0.0.1", "www2.b.vn", "a-b.c.vn", "1.2.vn"]),
    st.sampled_from(["", ":8080", ":80", ":443"]),
    st.lists(SEGMENT, max_size=4).map("/".join),
    st.sampled_from(["", "/", "?b=2&a=1", "?ItemID=101", ";jsessionid=1A2B"]),
)


@given(st.text())
@example("http://a.vn:99999/")
@example("http://[::1/")
@example("//")
def test_any_text_has_a_canonical_form_or_none(text: str) -> None:
    url = canonical_url(text)
    assert url is None or canonical_url(url) == url


@given(URLS)
def test_a_canonical_address_is_its_own_canonical_form(text: str) -> None:
    url = canonical_url(text)
    assert url is not None and canonical_url(url) == url


@given(st.from_regex(_WRITTEN_SO, fullmatch=True))
@example("http://a-.vn/..//.")
def test_what_is_known_to_be_written_so_is_so_by_the_long_road(url: str) -> None:
    assert canonical_url(url) == urlunsplit(urlsplit(safe_url_string(url))) == url


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("HTTP://Tin.VN:80", "http://tin.vn/"),
        ("https://a.vn:443/x#top", "https://a.vn/x"),
        ("http://user:secret@a.vn/", "http://a.vn/"),
        ("http://a.vn/Tin tức/Đảng", "http://a.vn/Tin%20t%E1%BB%A9c/%C4%90%E1%BA%A3ng"),
        ("http://a.vn/%c6%b0", "http://a.vn/%c6%b0"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("ftp://a.vn/", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
    ],
)
def test_the_written_form(written: str, canonical: str | None) -> None:
    assert canonical_url(written) == canonical


@given(URLS)
@example("http://a.vn/" + "a" * 60 + ",")
@example("http://a.vn/" + "a." * 40 + "?t=1")
@example("http://a.vn/" + "a/" * 40 + "%20")
def test_sort_keys_are_surt_s_own(text: str) -> None:
    url = canonical_url(text)
    assert url is not None and urlkey(url) == surt.surt(url)


def test_links_are_joined_as_browsers_do() -> None:
    base = "http://a.vn/tin/trang.html?x=1"
    assert join_url(base, " /muc/ ") == "http://a.vn/muc/"
    assert join_url(base, "bai.html") == "http://a.vn/tin/bai.html"
    assert join_url(base, "../a/./b.html") == "http://a.vn/a/b.html"
    assert join_url(base, "//b.vn/c") == "http://b.vn/c"
    assert join_url(base, "/a/../b") == "http://a.vn/b"
    assert join_url(base, "?x=2") == "http://a.vn/tin/trang.html?x=2"
    for nothing in ("", "#", "#cuoi", "mailto:a@b.vn", "javascript:void(0)", "data:,x"):
        assert join_url(base, nothing) is None


def test_identities_do_not_change() -> None:
    """Other people's citations and databases hold them."""
    assert article_id("demo", "http://demo.localhost/") == "33628cba18840008"
    assert fingerprint("http://a.vn/") != fingerprint("http://a.vn/", "robots of http://b.vn")
    assert host_of("https://www.a.vn:8443/x") == "a.vn:8443"
