"""Addresses: one written form for each, so that the same page is known again."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from urllib.parse import urljoin, urlsplit, urlunsplit

import surt
from w3lib.url import safe_url_string

_DEFAULT_PORTS = {"http": 80, "https": 443}
_BREAKS = re.compile(r"[\t\n\r]")
_WRITTEN_SO = re.compile(
    r"https?://(?:[a-z0-9][a-z0-9-]{0,62}\.)+[a-z]{2,62}/[A-Za-z0-9/_.-]*", re.ASCII
)
"""Most links of most pages: known in a twentieth of the time (a test holds both roads together)."""


@lru_cache(maxsize=8192)
def canonical_url(url: str) -> str | None:
    """The written form of an http(s) address; None if it is not one.

    Scheme and host in lower case, no default port, no user or password, no fragment,
    non-ASCII letters percent-encoded as UTF-8 (host: IDNA). Path and query keep their
    order and case: portals tell pages apart by both. Idempotent. Raises: nothing.
    """
    if _WRITTEN_SO.fullmatch(url):
        return url
    try:
        parts = urlsplit(safe_url_string(_BREAKS.sub("", url).strip()))
        host = parts.hostname
        if parts.scheme not in _DEFAULT_PORTS or not host:
            return None
        netloc = f"[{host}]" if ":" in host else host
        if parts.port not in (None, _DEFAULT_PORTS[parts.scheme]):
            netloc += f":{parts.port}"
    except ValueError:  # a port out of range, a host that IDNA refuses
        return None
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))


def join_url(base: str, href: str) -> str | None:
    """The canonical address that `href` names on the page at `base`; None if there is none."""
    href = href.strip()
    if href.startswith(("http://", "https://")):
        return canonical_url(href)
    if href.startswith("/") and not href.startswith("//") and "/." not in href:
        return canonical_url(origin_of(base) + href)  # a menu's links, the same on every page
    if not href or href.startswith(("#", "javascript:", "mailto:", "tel:", "data:")):
        return None
    try:
        return canonical_url(urljoin(base, href))
    except ValueError:
        return None


@lru_cache(maxsize=8192)
def origin_of(url: str) -> str:
    """Scheme, host and port of a canonical address: `http://a.vn`, `https://a.vn:8443`."""
    return "/".join(url.split("/", 3)[:3])


def host_of(url: str) -> str:
    """Host, and port where it is not the default one, without `www.`: whose page it is."""
    host = origin_of(url).partition("://")[2]
    return host.removeprefix("www.")


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_STEP = r"[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*"
_PLAIN_URL = re.compile(
    r"https?://(?:www\d*\.)?"
    rf"(?P<host>(?:[a-z0-9-]+\.)*[a-z-][a-z0-9-]*|{_OCTET}(?:\.{_OCTET}){{3}})(?::(?P<port>\d+))?"
    rf"(?P<path>/(?:{_STEP}(?:/{_STEP})*/?)?)"
)


def urlkey(url: str) -> str:
    """The sort key that CDX indexes use (SURT): host turned round, path in lower case.

    The addresses without a query that make up most of a crawl are done here, 20 times as fast;
    everything else by the library that defines the form (tests hold the two together).
    """
    plain = _PLAIN_URL.fullmatch(url)
    if plain is None or "jsessionid" in url.lower():
        return str(surt.surt(url))
    host = ",".join(reversed(plain["host"].split(".")))
    port = f":{plain['port']}" if plain["port"] else ""
    path = plain["path"].lower()
    return f"{host}{port}){path.rstrip('/') or '/'}"


def fingerprint(url: str, subject: str = "") -> bytes:
    """16 bytes that stand for an address in the frontier.

    `subject` parts rows that fetch one address for different reasons: the robots.txt of
    one host may be a redirect to another's.
    """
    return hashlib.blake2b(f"{subject}\n{url}".encode(), digest_size=16).digest()


def article_id(site_id: str, url: str) -> str:
    """An article's lasting identity: 16 hex digits of sha256(site id, newline, canonical URL)."""
    return hashlib.sha256(f"{site_id}\n{url}".encode()).hexdigest()[:16]
