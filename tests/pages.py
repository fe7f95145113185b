"""Saved pages read as `tinhuyen read` reads them, without the command around it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from crawler.normalise import normalise
from crawler.read import read_page
from crawler.sites import Layout, Site
from storage.records import Article, Capture, Found

HOST = "x.gov.vn"
CAPTURED = datetime(2024, 3, 1, 10, 0, tzinfo=timezone(timedelta(hours=7)))


def site_of(family: str, host: str = HOST) -> Site:
    return Site(f"host-{host}", host, "other", (Layout(family),), hosts=(host,))


def capture_of(
    body: bytes | str, url: str = f"http://{HOST}/tin/bai-1.aspx", *, charset: str = ""
) -> Capture:
    raw = body.encode() if isinstance(body, str) else body
    mime = f"text/html; charset={charset}" if charset else "text/html"
    return Capture(url, CAPTURED, 200, (("Content-Type", mime),), raw)


def find(body: bytes | str, family: str = "plain") -> Found:
    return read_page(capture_of(body), site_of(family))


def read(body: bytes | str, family: str = "plain") -> Article:
    return normalise(find(body, family))
