"""Pages nested deeper than any editor nests, made shallow before they are parsed.

Lexbor needs time that grows with the square of the depth: 83 ms at 10,000 levels, seconds at
50,000. So tags deeper than the cap are left out by the standard library's parser, whose effort
does not depend on depth; the text stays, and the page is read as any other.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

DEEPEST = 1000
_FLAT = frozenset(
    """
    area base br col embed hr img input link meta param source track wbr
    p li dt dd option tr td th thead tbody tfoot colgroup
    """.split()
)
"""Without content, or ended by what follows them: they do not nest by being left open."""
_RAW = frozenset(("script", "style"))
_TAG = re.compile(rb"<(/?)([a-zA-Z][^\s/>]*)")


def is_too_deep(body: bytes) -> bool:
    """Whether elements may stand within each other more than `DEEPEST` levels deep."""
    if body.count(b"<") - body.count(b"</") <= DEEPEST:
        return False  # not even so many tags: nearly every page ends here
    depth = 0
    for match in _TAG.finditer(body):
        if match[2].lower().decode("latin-1") not in _FLAT:
            depth = depth - 1 if match[1] and depth else depth + (not match[1])
            if depth > DEEPEST:
                return True
    return False


def make_shallow(body: bytes) -> bytes:
    """The same page (UTF-8) without the tags that stand deeper than the cap. Raises: nothing."""
    parser = _Shallow()
    # A marked section of no known kind is an AssertionError of the parser's (CPython 3.11).
    parser.feed(body.decode("utf-8", "replace").replace("<![", "<! ["))
    parser.close()
    return "".join(parser.out).encode()


class _Shallow(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._depth = 0
        self._raw = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._raw = tag in _RAW
        if tag not in _FLAT:
            self._depth += 1
        if self._depth <= DEEPEST:
            named = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs)
            self.out.append(f"<{tag}{named}>")

    def handle_endtag(self, tag: str) -> None:
        self._raw = False
        if self._depth <= DEEPEST:
            self.out.append(f"</{tag}>")
        if tag not in _FLAT and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if not (self._raw and self._depth > DEEPEST):
            self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")
