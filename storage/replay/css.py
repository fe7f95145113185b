"""Addresses in a style sheet, a `style` element or attribute, led to the archive.

The grammar of what names an address (css-syntax-3 §4.3: `url(…)` and strings) is regular, so one
pattern finds it; everything else stays byte for byte as it was. What it does not know is not
fetched: the pages' Content-Security-Policy sees to that.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Lead = Callable[[str, str], str | None]
"""Address as written, modifier -> address in the archive; None: it stays as it is."""

_DOUBLE = r'"(?:[^"\\\n]|\\.)*"'
_SINGLE = r"'(?:[^'\\\n]|\\.)*'"
_NAMED = re.compile(
    rf"/\*.*?(?:\*/|\Z)"  # what stands in a comment is none
    rf"|(?P<import>@import\s++)(?P<sheet>{_DOUBLE}|{_SINGLE})"
    rf"|(?P<start>@import\s++)?url\(\s*+(?P<url>{_DOUBLE}|{_SINGLE}|(?:[^)\s\"'(\\]|\\.)*+)\s*+\)"
    rf"|{_DOUBLE}|{_SINGLE}",
    re.DOTALL | re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|\n|(.))", re.DOTALL)
_UNSAFE = re.compile(r"[\"\\\n]")


def rewrite_css(css: str, lead: Lead) -> str:
    """The style sheet with every address led to the archive."""

    def replace(match: re.Match[str]) -> str:
        written = match["sheet"] or match["url"]
        if not written:
            return match[0]
        imported = match["import"] or match["start"]
        led = lead(_unescape(written), "cs_" if imported else "im_")
        if led is None:
            return match[0]
        led = _UNSAFE.sub("", led)
        return f'{imported}"{led}"' if match["sheet"] else f'{imported or ""}url("{led}")'

    return _NAMED.sub(replace, css)


def _unescape(written: str) -> str:
    bare = written[1:-1] if written[:1] in "\"'" else written
    return _ESCAPE.sub(_escaped, bare) if "\\" in bare else bare


def _escaped(match: re.Match[str]) -> str:
    if match[1]:
        code = int(match[1], 16)
        return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    return match[2] or ""
