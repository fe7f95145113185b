"""Nobody leads a crawl inside: not by the form of an address, a name, a redirect, or a feed."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.capture.guard import ForbiddenAddress, Guard
from storage.urls import canonical_url
from tests.conftest import TestArchive
from tests.misbehaving import MisbehavingServer, page
from tests.test_faults import Faulty, declare, options

FORMS = (
    "http://127.0.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://127.1:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::1]:{port}/",
    "http://localhost:{port}/",
    "http://0.0.0.0:{port}/",
)
INSIDE = (
    "127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "::1", "::", "::ffff:127.0.0.1",
    "::127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "localhost", "10.0.0.1", "172.16.0.1", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "fe80::1", "fec0::1", "fc00::1", "ff02::1",
)  # fmt: skip


@pytest.mark.parametrize("host", INSIDE)
def test_no_form_of_an_inner_address_passes(host: str) -> None:
    with pytest.raises(ForbiddenAddress, match="not on the public internet"):
        asyncio.run(Guard((), 5).addresses(host))


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888"])
def test_a_public_address_passes(host: str) -> None:
    assert asyncio.run(Guard((), 5).addresses(host)) == [host]


@given(st.ip_addresses(network="127.0.0.0/8"))
def test_a_table_may_allow_a_network_and_no_more(address: object) -> None:
    host = str(address)
    assert asyncio.run(Guard(["127.0.0.0/8"], 5).addresses(host)) == [host]
    with pytest.raises(ForbiddenAddress):
        asyncio.run(Guard(["10.0.0.0/8", "::/0"], 5).addresses(host))


def test_a_crawl_is_led_nowhere_inside(archive: TestArchive) -> None:
    """By links, an image, a redirect and a feed; the inner server is not even connected to."""
    with MisbehavingServer("127.0.0.5") as portal, MisbehavingServer("127.0.0.1") as inner:
        forms = [form.format(port=inner.port) for form in FORMS]
        links = [f"{form}link" for form in forms]
        images = tuple(f"{form}image.png" for form in forms)
        portal.pages["/"] = page("Trang chủ", *links, "/to-inside", "/feed", images=images)
        feed = "".join(f"<url><loc>{form}feed</loc></url>" for form in forms)
        portal.answers["/feed"] = (f"<urlset>{feed}</urlset>".encode(), "text/xml")
        portal.redirects["/to-inside"] = f"{forms[2]}redirect"
        hosts = [form.split("/")[2] for form in forms]
        declare(archive, f"{portal.url}/", allow=["127.0.0.5/32"], hosts=hosts)
        crawled = archive.scrapy("crawl", "bad", *options(RETRY_SECONDS=0.01))
        assert crawled.returncode == 4, crawled.stderr
        assert inner.connections == 0
    faulty = Faulty(archive, portal, crawled.returncode, crawled.stderr)
    for form in map(canonical_url, forms):
        assert form is not None
        whats = ["robots.txt", "link", "image.png"] + ["feed"] * ("[" not in form)
        for what in whats:  # a feed's pattern reads no IPv6 address in brackets
            assert faulty.failures[form + what] == {"forbidden_address"}, form + what
    assert faulty.failures[f"{forms[2]}redirect"] == {"forbidden_address"}


def test_where_connect_to_leads_is_what_counts(archive: TestArchive) -> None:
    with MisbehavingServer("127.0.0.1") as inner:
        declare(archive, "http://portal.example/", allow=[], delay=1)
        elsewhere = f'CONNECT_TO={{"portal.example:80": "127.0.0.1:{inner.port}"}}'
        crawled = archive.scrapy("crawl", "bad", "-s", elsewhere)
        assert crawled.returncode == 5, crawled.stderr
        assert "not on the public internet" in crawled.stderr
        assert inner.connections == 0
