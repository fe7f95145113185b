"""HTML as bytes that pass by: start tags found as browsers find them, all else left as it is.

Works on any encoding that holds ASCII, read as latin-1: each character is a byte. The grammar is
that of the HTML standard's tokenizer (§13.2.5): tags, attributes, comments, and elements whose
content is text. Where the standard would need a tree to decide (`style`, `title` and CDATA within
SVG), content is written so that it is text in either case: no address may be missed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

_S = r"[\t\n\f\r ]"
_VALUE = r"\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+|(?=>)"
_ATTRIBUTE = (  # a quote that is not closed ends with the page, and so does its tag
    rf"(?:{_S}|/)*+[^\t\n\f\r />][^\t\n\f\r />=]*+"
    rf"(?:{_S}*+={_S}*+(?:{_VALUE})|(?!{_S}*+=))"
)
_TAG = re.compile(rf"<(/?[a-zA-Z][^\t\n\f\r />]*+)((?:{_ATTRIBUTE})*+)((?:{_S}|/)*+>)")
_EACH_ATTRIBUTE = re.compile(
    rf"((?:{_S}|/)*+)([^\t\n\f\r />][^\t\n\f\r />=]*+)(?:{_S}*+={_S}*+({_VALUE}|\Z))?+"
)
_NOTED = "script|style|textarea|title|xmp|iframe|noembed|svg|math|body|/?head|html|frameset"
_MARKUP = re.compile(  # tags without attributes pass, unless it matters that they begin
    rf"<(?:[!?]|/[^a-zA-Z>]|(?!(?!(?:{_NOTED})>)/?[a-zA-Z][a-zA-Z0-9]*+>)/?[a-zA-Z])",
    re.IGNORECASE,
)
_COMMENT = re.compile(  # or what is taken for one: a doctype, `<?xml … ?>`, `</3>`
    r"<!--(?:-?>|.*?(?:--!?>|\Z))|<(?:!|\?|/[^a-zA-Z>])[^>]*(?:>|\Z)", re.DOTALL
)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_SUBSET = re.compile(r"<!DOCTYPE[^>\[]*\[.*?\]\s*>", re.DOTALL)  # its entities may hold markup
_TEXT_ONLY = frozenset("script style textarea title xmp iframe noembed".split())
_FOREIGN = frozenset(("svg", "math"))


@dataclass(slots=True)
class Attribute:
    """An attribute of a tag, as written."""

    before: str
    """White space and slashes."""
    name: str
    """In lower case."""
    value: str | None
    """As written, without quotes; None if it has none."""
    written: str
    """All of it."""

    def set(self, value: str, name: str | None = None) -> None:
        """Another value, ASCII, with its character references; or another name too."""
        quoted = value.replace('"', "&quot;")
        self.value, self.name = value, name or self.name
        self.written = f'{self.before}{self.name}="{quoted}"'


ChangeTag = Callable[[str, list[Attribute]], bool]
"""Name in lower case, attributes to be changed in place; whether anything was changed."""

ChangeStyle = Callable[[str], str]


class TagRewriter:
    """Takes a page apart at its tags and puts it together again."""

    def __init__(
        self, change_tag: ChangeTag, change_style: ChangeStyle, interesting: re.Pattern[str]
    ) -> None:
        """`interesting`: attributes without it in them are not looked at."""
        self._change_tag, self._change_style = change_tag, change_style
        self._interesting = interesting
        self._foreign = False
        self.out: list[str] = []
        self.begun: dict[str, int] = {}
        """How many parts of `out` stand before the content of the first `body`, `frameset` …"""

    def feed(self, page: str, *, is_xml: bool = False) -> None:
        """Take a page."""
        self._foreign = is_xml
        page = _SUBSET.sub("", page) if is_xml else page
        at = 0
        while (found := _MARKUP.search(page, at)) is not None:
            start = found.start()
            self.out.append(page[at:start])
            if self._foreign and (cdata := _CDATA.match(page, start)):
                self.out.append(html.escape(cdata[1], quote=False))  # text, whoever reads it
                at = cdata.end()
            elif comment := _COMMENT.match(page, start):
                self.out.append(comment[0])
                at = comment.end()
            elif tag := _TAG.match(page, start):
                at = self._take_tag(page, tag)
            else:  # the page ends within this tag: browsers show nothing more
                at = start
                break
        self.out.append(page[at:])

    def _take_tag(self, page: str, tag: re.Match[str]) -> int:
        """Append a tag, and the text of an element that holds nothing else; where to go on."""
        name, attributes = tag[1].lower(), tag[2]
        self._foreign = self._foreign or name in _FOREIGN
        if attributes and name[0] != "/" and self._interesting.search(attributes):
            parsed = [
                Attribute(one[1], one[2].lower(), _bare(one[3]), one[0])
                for one in _EACH_ATTRIBUTE.finditer(attributes)
            ]
            if self._change_tag(name, parsed):
                attributes = "".join(one.written for one in parsed)
        self.out.append(f"<{tag[1]}{attributes}{tag[3]}")
        self.begun.setdefault(name, len(self.out))
        return self._take_text(page, name, tag.end()) if name in _TEXT_ONLY else tag.end()

    def _take_text(self, page: str, name: str, start: int) -> int:
        """Append text that may be markup to a browser, where it stands in SVG: as text to all."""
        end = re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE).search(page, start)
        until = end.start() if end else len(page)
        text = page[start:until]
        if name == "style":
            text = self._change_style(text)
        if self._foreign and "<" in text:
            text = _CDATA.sub(lambda cdata: html.escape(cdata[1], quote=False), text)
            text = text.replace("<", "&lt;")
        self.out.append(text)
        return until


def _bare(value: str | None) -> str | None:
    return value[1:-1] if value and value[0] in "\"'" else value
