"""What a browser may do with a stored page: draw it, and nothing else.

Nothing here rests on the rewriting. A script that was missed does not run, an address that was
missed is not fetched, whatever a page has thought of.
"""

from __future__ import annotations

_SANDBOX = (
    # Without allow-scripts nothing runs, no page refreshes itself, and `noscript` is shown. The
    # origin stays (allow-same-origin), because fonts are only drawn from one's own. A new window
    # has the policy of its own page, and no other (a sandboxed one refuses Cross-Origin-Opener).
    "sandbox allow-same-origin allow-forms allow-downloads allow-popups"
    " allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
_SOURCES = (
    "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline' data:;"
    " font-src 'self' data:; media-src 'self' data:; frame-src 'self'; script-src 'none';"
    " form-action 'self'; base-uri 'self'; frame-ancestors 'self'"
)
OF_PAGES = {
    "Content-Security-Policy": f"{_SANDBOX}; {_SOURCES}",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    # Asked for again each time, so that what is closed is closed with the next request.
    "Cache-Control": "no-cache, private",
}
"""Headers of every answer of the replay. There is never a cookie."""

_DRAWN = ("text/html", "application/xhtml+xml", "text/css", "text/plain", "application/json")
_DRAWN_KINDS = ("image/", "audio/", "video/", "font/")


def is_drawn(mime: str) -> bool:
    """Whether a browser draws this type itself, within the policy.

    All else is saved as a file: a PDF's links, say, would lead to the live web.
    """
    return mime in _DRAWN or mime.startswith(_DRAWN_KINDS) or is_script(mime) or is_xml(mime)


def is_script(mime: str) -> bool:
    """Whether it is JavaScript, under one of its names."""
    return mime.endswith(("javascript", "ecmascript"))


def is_xml(mime: str) -> bool:
    """Whether it is XML of whatever kind, SVG and XHTML among them."""
    return mime.endswith(("/xml", "+xml"))
