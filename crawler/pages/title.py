"""Where a page prints the title of its article."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from crawler.normalise.boilerplate import is_chrome, is_cut
from crawler.normalise.datelines import before_label, is_date_line
from crawler.normalise.latin import fold_letters
from crawler.pages.date_places import is_dated
from crawler.pages.document import Document, collapse
from crawler.pages.flow import Shown
from storage.records import Paragraph

_FEWEST_CHARS, _MOST_CHARS = 15, 300
_FIRST_CHARS = 12
_DATE_CHARS = 60
_DIGIT = re.compile("[0-9]")
_WITHIN_BODY = 3
"""A title within the body is one of its first lines."""
_NEAR = 4
_HEADINGS = frozenset(("h1", "h2", "h3", "h4"))
_EMPHASIS = "b, strong, big, font, h5, h6, [class*=title i], [id*=title i], [style*=bold i]"
_TITLED = re.compile(r"title|tieu-?_?de|headline|heading|ten-?_?(?:bai|tin)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Title:
    """A title as printed."""

    text: str
    first: int
    """The line that it begins in."""
    last: int
    """The line behind it."""
    date: str | None = None
    """What the same line prints behind it: its date."""


def find_repeats(document: Document, page: Shown) -> list[int]:
    """The lines that say what the page calls itself, or the better part of it."""
    named = _names(document)
    longest = max(map(len, named), default=0) + _DATE_CHARS
    return [
        index
        for index, item in enumerate(page.items)
        if isinstance(item, Paragraph)
        and _FEWEST_CHARS <= len(item.text) <= longest
        and _begins_like(item.text, named)
        and (_is_named(item.text, named) or _named_part(item.text, named))
    ]


def _begins_like(text: str, names: set[str]) -> bool:
    """Spares most lines of a page the work of comparing all of them."""
    start = fold_letters(text[:_FIRST_CHARS]).rstrip()
    return "  " in start or any(start in name for name in names)


def choose_title(
    document: Document, page: Shown, repeats: list[int], body: LexborNode, span: tuple[int, int]
) -> Title | None:
    """What repeats the page's own title, else a heading, else what stands beside the date line."""
    first, last = span
    possible = [i for i in repeats if i < last]
    if possible:
        at = min(
            possible, key=lambda i: (page.is_link(i), not _is_heading(page, i), abs(i - first))
        )
        return _as_title(document, page, at)
    above = range(first + _WITHIN_BODY if first + _WITHIN_BODY < last else first)
    headings = [i for i in above if _is_heading(page, i) and _may_be_title(page, i, linked=True)]
    if headings:
        at = min(
            headings,
            key=lambda i: (page.is_link(i), steps_apart(page.holders[i], body), abs(i - first)),
        )
        return _as_title(document, page, at)
    return _beside_date(document, page, first) or _emphasised_above(document, page, first)


def steps_apart(one: LexborNode, other: LexborNode) -> int:
    """How far above a node the block stands that holds the other one too."""
    above = set()
    node: LexborNode | None = other
    while node is not None:
        above.add(node.mem_id)
        node = node.parent
    steps = 0
    node = one
    while node is not None and node.mem_id not in above:
        steps, node = steps + 1, node.parent
    return steps


def _names(document: Document) -> set[str]:
    return {_key(name) for name in (document.meta("og:title"), document.text("title")) if name}


def _is_named(text: str, names: set[str]) -> bool:
    key = _key(text)
    for name in names:
        if key in name and (name.startswith(key) or name.endswith(key) or len(key) * 3 > len(name)):
            return True
    return False


def _key(text: str) -> str:
    return " ".join(fold_letters(text).split())


def _named_part(text: str, names: set[str]) -> tuple[str, str] | None:
    """A title and the date behind it, of a line that is both."""
    if not _DIGIT.search(text):
        return None
    title = before_label(text) or _glued(text, names)
    if title is None or len(title) < _FEWEST_CHARS or not _is_named(title, names):
        return None
    return title, text[len(title) :].strip(" -|–•")


def _glued(text: str, names: set[str]) -> str | None:
    """A page's name that its date follows without a space: `… năm 202210/01/2023`."""
    key = fold_letters(text)
    name = next((n for n in names if key.startswith(n) and is_date_line(text[len(n) :])), "")
    return text[: len(name)] if name and len(key) == len(text) else None


def _as_title(document: Document, page: Shown, at: int) -> Title:
    """A heading broken into lines is one title, but for its date."""
    names, holder = _names(document), page.holders[at]
    if holder.tag in _HEADINGS:
        first, last = page.spans[holder.mem_id]
        lines = [i for i in range(first, last) if not is_dated(document, page.text(i))]
        whole = " ".join(page.text(i) for i in lines).strip()
        if len(lines) > 1 and (not _is_named(page.text(at), names) or _is_named(whole, names)):
            return Title(whole, lines[0], lines[-1] + 1)
    part = None if _is_named(page.text(at), names) else _named_part(page.text(at), names)
    title, date = part or (page.text(at), None)
    return Title(title, at, at + 1, date)


def _may_be_title(page: Shown, index: int, *, linked: bool = False) -> bool:
    """`linked`: a heading of the first rank may lead to its own page."""
    text = page.text(index)
    if not _FEWEST_CHARS <= len(text) <= _MOST_CHARS:
        return False
    if page.is_link(index) and not (linked and page.holders[index].tag in ("h1", "h2")):
        return False
    return not (is_chrome(text) or is_cut(text))


def _is_heading(page: Shown, index: int) -> bool:
    holder = page.holders[index]
    if holder.tag in _HEADINGS:
        return True
    attributes = holder.attributes
    return bool(_TITLED.search(f"{attributes.get('class') or ''} {attributes.get('id') or ''}"))


def _emphasised_above(document: Document, page: Shown, first: int) -> Title | None:
    """The line above the text that is set off by its markup alone, whole or but for its date."""
    for index in range(min(first + 1, len(page.items) - 1), max(-1, first - _NEAR - 1), -1):
        text = page.text(index)
        if not _may_be_title(page, index) or text[-1] in ".:;," or is_dated(document, text):
            continue
        if (title := _emphasised(document, page, index)) is not None:
            return title
    return None


def _emphasised(document: Document, page: Shown, index: int) -> Title | None:
    """A line, or all of it but its date, that is set off by its markup."""
    text = page.text(index)
    for node in page.holders[index].css(_EMPHASIS):
        part = collapse(node.text())
        rest = text[len(part) :].strip()
        whole = len(part) >= _FEWEST_CHARS and text.startswith(part)
        if whole and (not rest or is_dated(document, rest)):
            return Title(part, index, index + 1, rest or None)
    return None


def _beside_date(document: Document, page: Shown, first: int) -> Title | None:
    """Where neither heading nor page title tells: the line next to the date line at the body."""
    for at in range(max(0, first - _NEAR), min(first + _WITHIN_BODY, len(page.items))):
        if page.is_link(at) or not is_dated(document, page.text(at)):
            continue
        near: list[int] = [
            *range(at - 1, max(-1, at - 4), -1),
            *range(at + 1, min(at + 3, len(page.items))),
        ]
        for index in near:
            text = page.text(index)
            behind = index > at and text[-1:] in ".:;,"  # a sentence: the text has begun
            if _may_be_title(page, index) and not behind and not is_dated(document, text):
                whole = Title(text, index, index + 1)
                return _emphasised(document, page, index) or whole
    return None
