"""What a page or a style sheet embeds: the addresses that a browser asks for to draw it.

Found by pattern, not by a parser: an address too many does no harm where it is only looked up,
one that a script will put in place (`data-src`) is found as well, and no page can make it slow.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from storage.urls import join_url

# Unquoted, an address holds no parenthesis (CSS Syntax §4.3.6); else `url(url(url(…` takes hours.
_CSS_URL = re.compile(
    r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^()"'\s]+))\s*\)|@import\s+["']([^"']+)["']"""
)
_VALUE = r"""\s*=\s*(?:"([^"]{0,4096})"|'([^']{0,4096})'|([^\s"'>]{1,4096}))"""
_SOURCE = re.compile(r"\b(?:src|background|poster|data)" + _VALUE, re.IGNORECASE)
_SET = re.compile(r"\b(?:image)?srcset" + _VALUE, re.IGNORECASE)
_LINK = re.compile(r"<(?:link|image|use)\b[^>]{0,4096}", re.IGNORECASE)
_HREF = re.compile(r"\bhref" + _VALUE, re.IGNORECASE)
_BASE = re.compile(r"<base\b[^>]{0,4096}", re.IGNORECASE)
_CANDIDATE = re.compile(r"([^\s,]\S*[^\s,])(?:\s+[\d.]+[wx])?")  # an address and its size


def css_names(css: str) -> Iterator[str]:
    """What a style sheet names: fonts, images, other style sheets; as written."""
    for match in _CSS_URL.finditer(css):
        yield next(name for name in (*match.groups(), "") if name is not None)


def embedded_in_css(url: str, css: str) -> set[str]:
    """Canonical addresses that a style sheet at `url` embeds."""
    return _joined(url, css_names(css))


def embedded_in_page(url: str, page: str) -> set[str]:
    """Canonical addresses that a page at `url` embeds: images, styles, scripts, frames."""
    base = next((value for tag in _BASE.findall(page) for value in _values(_HREF, tag)), "")
    return _joined(join_url(url, base) or url, _page_names(page))


def _page_names(page: str) -> Iterator[str]:
    yield from _values(_SOURCE, page)
    for tag in _LINK.findall(page):
        yield from _values(_HREF, tag)
    for listed in _values(_SET, page):
        yield from _CANDIDATE.findall(listed)
    yield from css_names(html.unescape(page))


def _values(attribute: re.Pattern[str], text: str) -> Iterator[str]:
    for groups in attribute.findall(text):
        yield html.unescape("".join(groups)).strip()


def _joined(base: str, names: Iterable[str]) -> set[str]:
    return {url for name in names if (url := join_url(base, name))}
