"""A stored page, its every address led to the archive."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from storage.replay.addresses import address
from storage.replay.css import rewrite_css
from storage.replay.tags import Attribute, TagRewriter
from storage.urls import join_url

_INTERESTING = re.compile(
    r"href|src|style|background|action|poster|data\b|http-equiv|ping|longdesc|attributename",
    re.IGNORECASE,
)
_MODIFIERS = {
    "background": "im_", "poster": "im_", "lowsrc": "im_", "dynsrc": "oe_", "data": "oe_",
    "action": "", "formaction": "", "longdesc": "",
}  # fmt: skip
_OF_SRC = {"script": "js_", "iframe": "if_", "frame": "if_", "img": "im_", "input": "im_"}
_OF_HREF = {"a": "", "area": "", "base": "", "image": "im_", "use": "im_", "script": "js_"}
_OF_LINK = (("stylesheet", "cs_"), ("icon", "im_"), ("alternate", ""), ("canonical", ""))
_REMOVED = frozenset(("ping", "attributionsrc", "integrity"))
_LAZY = ("data-src", "data-original", "data-lazy-src")
_KEPT_EQUIVALENTS = frozenset("content-type content-language x-ua-compatible".split())
_ELSEWHERE = frozenset(("_top", "_blank", "_parent"))
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_NOT_FETCHED = frozenset("data mailto tel sms javascript about blob cid".split())
_EDGES = "".join(map(chr, range(0x21)))
_BREAKS = str.maketrans("", "", "\t\n\r")
_REFRESH = re.compile(r"[\d.\s]*+[;,\s]*+(?:url\s*+=\s*+)?+[\"']?+([^\"']*+)", re.IGNORECASE)
_CANDIDATE = re.compile(r"([^\s,]++(?:,++[^\s,]++)*+)(\s++[^\s,][^,]*+)?+[\s,]*+")
_DOCTYPE = re.compile(r"<!doctype[^>]*>", re.IGNORECASE)
_FIRST_PARTS = 5  # a comment or two may stand before it

IsKept = Callable[[str], bool]


@dataclass(slots=True)
class Place:
    """Where a page stands, and how it is read."""

    url: str
    """Its own address, canonical: what it names is relative to it."""
    stamp: str
    """The 14 digits that its addresses get."""
    encoding: str = "utf-8"
    """Of the bytes, a codec that holds ASCII."""
    modifier: str = ""
    """`if_` within a frame: its links stay there."""
    is_xml: bool = False
    """SVG and the like, where CDATA is text."""
    is_kept: IsKept = lambda url: True
    """Whether any capture of an address is there; asked for alternatives of images only."""
    sends_to: str | None = field(default=None, init=False)
    """Where the page's `meta` refresh would send its reader; None if nowhere."""
    _base: str = field(default="", init=False)
    _has_base: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._base = self.url

    def lead(self, written: str, modifier: str) -> str | None:
        """The address in the archive for one as written; None if it stays as it is.

        Whatever is no address of a web page is led to the archive too, which says so: an ftp
        server or a program's own scheme is not reached from here.
        """
        cleaned = written.strip(_EDGES).translate(_BREAKS)
        if not cleaned or (cleaned[0] == "#" and not self._has_base):
            return None
        scheme = _SCHEME.match(cleaned)
        if scheme and scheme[1].lower() in _NOT_FETCHED:
            return None
        cleaned, mark, fragment = cleaned.partition("#")
        if not scheme or scheme[1].lower() in ("http", "https"):
            cleaned = _slashes(cleaned, scheme)
        url = join_url(self._base, cleaned) if cleaned else self._base
        led = url or quote(cleaned, safe="/:?&=%+,;@")
        return address(self.stamp, led, modifier) + mark + quote(fragment, safe="/:?&=%+,;@!$'()*")

    def has_image(self, led: str | None) -> bool:
        """Whether any capture of an image is there, by its address in the archive."""
        return led is not None and self.is_kept(led.partition("im_/")[2])

    def decode(self, written: str) -> str:
        """What bytes of the page, read as latin-1, say."""
        try:
            return written.encode("latin-1").decode(self.encoding, "replace")
        except UnicodeEncodeError:  # an escape named a character, not a byte
            return written

    def rebase(self, href: str) -> None:
        """Take the first `base` of the page: what follows is relative to it."""
        if not self._has_base and (url := join_url(self.url, href.strip(_EDGES))):
            self._base, self._has_base = url, True


def _slashes(cleaned: str, scheme: re.Match[str] | None) -> str:
    """Backslashes and missing slashes as browsers read them (URL standard §4.4)."""
    before, mark, query = cleaned.partition("?")
    before = before.replace("\\", "/")
    if scheme:
        before = f"{scheme[1].lower()}://{before[scheme.end() :].lstrip('/')}"
    return before + mark + query


def rewrite_page(body: bytes, place: Place, banner: Callable[[], str] | None = None) -> bytes:
    """The page with its addresses led to the archive, in its own encoding.

    `banner`: markup in ASCII for the top of the page, asked for when the page has been read.
    Frame sets get none: they are none any more with something in front of them.
    """
    changer = _Changer(place)
    rewriter = TagRewriter(changer.change_tag, changer.change_style, _INTERESTING)
    rewriter.feed(body.decode("latin-1"), is_xml=place.is_xml)
    if banner is not None and "frameset" not in rewriter.begun:
        rewriter.out.insert(_top(rewriter), banner())
    return "".join(rewriter.out).encode("latin-1")


def rewrite_style(css: str, place: Place) -> str:
    """A style sheet's bytes, read as latin-1; only what names an address is decoded."""
    return rewrite_css(css, lambda written, modifier: place.lead(place.decode(written), modifier))


def _top(rewriter: TagRewriter) -> int:
    """Where a page's content begins: behind its doctype, which counts at the start only."""
    for name in ("body", "/head", "head", "html"):
        if name in rewriter.begun:
            return rewriter.begun[name]
    for number, part in enumerate(rewriter.out[:_FIRST_PARTS]):
        if doctype := _DOCTYPE.search(part):
            rewriter.out[number : number + 1] = [part[: doctype.end()], part[doctype.end() :]]
            return number + 1
    return 0


class _Changer:
    """What becomes of each attribute."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def change_style(self, css: str) -> str:
        """A `style` element's text; only what names an address is decoded."""
        return rewrite_style(css, self._place)

    def change_tag(self, name: str, attributes: list[Attribute]) -> bool:
        """Change a tag's attributes; whether anything was changed."""
        before = [one.written for one in attributes]
        if name == "meta":
            self._change_meta(attributes)
        if name == "img":
            self._load_lazy(attributes)
        for one in attributes:
            if one.value is not None:
                self._change(name, one, attributes)
        return before != [one.written for one in attributes]

    def _change(self, tag: str, one: Attribute, attributes: list[Attribute]) -> None:
        kind = one.name.rpartition(":")[2]  # xlink:href
        if kind == "style":
            self._set(one, rewrite_css(self._value(one), self._place.lead))
        elif kind in ("srcset", "imagesrcset"):
            self._change_srcset(one)
        elif kind == "srcdoc":
            self._change_srcdoc(one)
        elif kind in _REMOVED or (kind == "attributename" and "href" in self._value(one).lower()):
            one.set("", name=f"data-{kind}")
        elif kind in ("href", "src") or (
            kind in _MODIFIERS and (kind != "data" or tag == "object")
        ):
            self._change_address(tag, kind, one, attributes)

    def _change_address(
        self, tag: str, kind: str, one: Attribute, attributes: list[Attribute]
    ) -> None:
        value = self._value(one)
        if tag == "base" and kind == "href":
            self._place.rebase(value)
        if kind == "src":
            modifier = _OF_SRC.get(tag, "oe_")
        elif kind == "href":
            modifier = _of_link(attributes) if tag == "link" else _OF_HREF.get(tag, "")
        else:
            modifier = _MODIFIERS[kind]
        if not modifier and not self._leaves_frame(attributes):
            modifier = self._place.modifier
        self._set(one, self._place.lead(value, modifier))

    def _leaves_frame(self, attributes: list[Attribute]) -> bool:
        return (_value_of(attributes, "target") or "").lower() in _ELSEWHERE

    def _change_srcset(self, one: Attribute) -> None:
        """Leave the alternatives that were kept: a browser tries one, and no other after it."""
        kept = []
        for match in _CANDIDATE.finditer(self._value(one).lstrip(", \t\r\n\f")):
            led = self._place.lead(match[1], "im_")
            if led is None or self._place.has_image(led):
                kept.append((led or match[1]) + (match[2] or "").rstrip())
        if kept:
            self._set(one, ", ".join(kept))
        else:
            one.set("", name=f"data-{one.name}")

    def _change_srcdoc(self, one: Attribute) -> None:
        """A frame's page within an attribute; it is text already, so UTF-8 will do."""
        inner = Place(
            self._place.url, self._place.stamp, modifier="if_", is_kept=self._place.is_kept
        )
        self._set(one, rewrite_page(self._value(one).encode(), inner).decode())

    def _change_meta(self, attributes: list[Attribute]) -> None:
        """Headers in disguise: what would send readers away, or forbid what the archive needs."""
        equivalent = next((one for one in attributes if one.name == "http-equiv"), None)
        kind = (equivalent.value or "").strip().lower() if equivalent else ""
        if equivalent is None or kind in _KEPT_EQUIVALENTS:
            return
        content = next((one for one in attributes if one.name == "content"), None)
        match = _REFRESH.match(self._value(content)) if content and content.value else None
        if kind == "refresh" and match and match[1]:
            self._place.sends_to = self._place.lead(match[1], "")
        equivalent.set(kind if kind.isalpha() else "", name="data-http-equiv")

    def _load_lazy(self, attributes: list[Attribute]) -> None:
        """Show an image that a script would have shown."""
        src = next((one for one in attributes if one.name == "src"), None)
        lazy = next((one for name in _LAZY for one in attributes if one.name == name), None)
        if lazy is None or not lazy.value:
            return
        if src is None:
            src = Attribute(" ", "src", "", "")
            attributes.append(src)
        led = self._place.lead(self._value(lazy), "im_")
        if not src.value or src.value.startswith("data:") or self._place.has_image(led):
            src.value = lazy.value

    def _value(self, one: Attribute) -> str:
        return html.unescape(self._place.decode(one.value or ""))

    def _set(self, one: Attribute, value: str | None) -> None:
        if value is not None and value != self._value(one):
            escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            one.set(escaped.encode("ascii", "xmlcharrefreplace").decode())


def _value_of(attributes: list[Attribute], name: str) -> str | None:
    return next((one.value for one in attributes if one.name == name), None)


def _of_link(attributes: list[Attribute]) -> str:
    relation = (_value_of(attributes, "rel") or "").lower()
    kind = (_value_of(attributes, "as") or "").lower()
    if kind == "style":
        return "cs_"
    return next((modifier for word, modifier in _OF_LINK if word in relation), "oe_")
