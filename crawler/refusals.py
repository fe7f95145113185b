"""What looks like a way on or like a page, and is neither: told apart by rule. Pure functions.

Redirects into a circle, to a login, home or to no web address; links that no crawler may follow;
pages that say "not found" with status 200 (soft 404).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

from crawler.sites import Site
from storage.records import Capture, Failure, Found, FrontierRow, Link, Paragraph
from storage.urls import host_of

PAGES = frozenset({"list", "feed", "article", "page"})
"""Roles whose rows bring pages, as against files."""

_LOGIN = re.compile(
    r"/(?:_layouts/(?:15/)?authenticate|(?:_layouts/|_login/)|.*(?:login|log-?on|dang-?nhap|signin|captcha))",
    re.IGNORECASE,
)
_OTHER_SCHEME = re.compile(
    rb"""(?:href|src)\s*=\s*["']?\s*((?:file|ftp):[^"'>\s]{1,500})""", re.IGNORECASE
)
_OTHER_SCHEMES_SAID = 10
_WEB = ("http", "https", "")

# What portals say instead of a status. Of things not found and persons who do not exist the news
# tells too, so the sentence must be about a page.
_PAGE = r"(?:trang|bài viết|bài|nội dung|đường dẫn|liên kết|tin|dữ liệu|địa chỉ|url|page)"
_NOT_FOUND = re.compile(
    rf"không tìm thấy {_PAGE}|không tìm thấy\W*$"
    rf"|{_PAGE}\b[^.]{{0,40}}(?:không tồn tại|không có thật|(?:đã )?bị (?:xo[áa]|xóa|gỡ))"
    r"|page (?:was |could )?not (?:be )?found|(?:lỗi|error|http)\W{0,3}404|404\W{0,3}not found",
    re.IGNORECASE,
)
_SHORT_CHARS = 300
_HEADING = re.compile(rb"<(title|h[1-4])\b[^>]*>(.{0,200}?)</\1", re.IGNORECASE | re.DOTALL)


def judge_redirect(
    row: FrontierRow, capture: Capture, site: Site, max_redirects: int
) -> Link | Failure:
    """The next address, or why the way ends here. Off the site only files are followed."""
    target = capture.location
    if target is None:
        return _to_nowhere(capture)
    if target == capture.url or (target == row.via and row.hops.endswith("R")):
        return Failure("fetch", "redirect_loop", f"redirects in a circle, to {target}")
    if _length(row) >= max_redirects:
        return Failure("fetch", "too_many_redirects", f"more than {max_redirects} redirects")
    refused = _leads_astray(row, capture, site, target) if row.role in PAGES else None
    return refused or Link(target, row.role, "R")


def _leads_astray(row: FrontierRow, capture: Capture, site: Site, target: str) -> Failure | None:
    """Why a page's redirect leads to no page of the site; None if it may."""
    path = urlsplit(target).path
    if not site.covers(target):
        message = f"redirects to {host_of(target)}"
        return Failure("fetch", "redirect_off_site", message, skipped=True)
    if _LOGIN.match(path):
        declared = capture.url in site.listings
        return Failure("fetch", "redirect_login", f"asks to log in: {target}", skipped=not declared)
    home = path == "/" or target in site.listings
    if row.role == "article" and home and not target.startswith(capture.url):
        message = f"the article is not there; its readers are sent to {target}"
        return Failure("fetch", "redirect_home", message, skipped=True)
    return None


def _length(row: FrontierRow) -> int:
    return len(row.hops) - len(row.hops.rstrip("R"))


def _to_nowhere(capture: Capture) -> Failure:
    target = (capture.header("location") or "").strip()
    scheme = target.partition(":")[0].lower() if ":" in target else ""
    if scheme not in _WEB:
        return Failure("fetch", "forbidden_scheme", f"redirects to {target[:200]}")
    return Failure("fetch", f"http_{capture.status}", "a redirect to nowhere")


def other_schemes(capture: Capture) -> Iterator[Failure]:
    """Links of a page that lead out of the web (file:, ftp:): never followed, but said.

    Raises DecodeError.
    """
    body = capture.body()
    if not any(scheme in body for scheme in (b"file:", b"ftp:", b"FILE:", b"FTP:")):
        return  # the pattern alone would take a twentieth of the crawl
    found = dict.fromkeys(match[1] for match in _OTHER_SCHEME.finditer(body))
    for address in list(found)[:_OTHER_SCHEMES_SAID]:
        url = address.decode("utf-8", "replace")
        message = f"{capture.url} names it; only http and https are fetched"
        yield Failure("fetch", "forbidden_scheme", message, url=url, skipped=True)


def is_soft_404(capture: Capture, found: Found) -> bool:
    """Whether the page says that it is not there, in its title or as all that it says.

    A page with a date of its own is none, and an article has more to say than that.
    Raises DecodeError.
    """
    dated = any(date.place in ("article", "near_title") for date in found.dates)
    text = _nfc(" ".join(part.text for part in found.flow if isinstance(part, Paragraph)))
    if found.kind == "list" or dated or len(text) > _SHORT_CHARS:
        return False
    if any(map(_NOT_FOUND.search, (_nfc(found.title_raw or ""), text))):
        return True
    headings = (
        _nfc(match[2].decode("utf-8", "replace")) for match in _HEADING.finditer(capture.body())
    )
    return any(map(_NOT_FOUND.search, headings))


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
