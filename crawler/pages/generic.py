"""An article found without knowing the CMS: by where text gathers and where its title stands.

1. The page is read once into lines and images, each with the block that it stands in.
2. Lines that repeat the page's own title are where the title may stand.
3. The body is the block in which most running text stands, the nearer to a title the better:
   sidebars may be longer than an article, but they stand farther off.
4. The article is what lies between title and body, the body, and the lines behind it that sign it.
   Date lines in and around it are offered with their place; normalise decides what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from crawler.normalise.boilerplate import is_chrome, is_cut
from crawler.normalise.bylines import is_signed
from crawler.normalise.latin import fold_letters
from crawler.pages.body import choose_body, hinted_body
from crawler.pages.date_places import find_dates, is_dated
from crawler.pages.document import Document, collapse
from crawler.pages.flow import Flow, Shown, read_shown
from storage.records import DateCandidate, FoundImage, Paragraph

_TITLE_CHARS = 15
_LONGEST_TITLE_CHARS = 300
_TAIL_LINES = 4
_WITHIN_BODY = 3
"""A title within the body is one of its first lines."""
_PAGE_ITEMS = 15
"""A block with so many items around the article holds more of the page than the article."""
_HEADINGS = frozenset(("h1", "h2", "h3", "h4"))
_TITLED = re.compile(r"title|tieu-?_?de|headline|heading|ten-?_?(?:bai|tin)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """What was found of an article."""

    title: str | None
    flow: Flow
    """From behind the title on."""
    dates: tuple[DateCandidate, ...]


def find_article(document: Document, body_hints: str = "") -> Block | None:
    """The article of a page; None if no running text gathers anywhere."""
    root = document.tree.body
    if root is None:
        return None
    page = read_shown(root, document.link)
    repeats = _repeats(document, page)
    body = hinted_body(document, page, body_hints) or choose_body(page, repeats)
    if body is None:
        return None
    span = page.spans[body.mem_id]
    at = _title_line(document, page, repeats, body, span)
    start, end = _article(page, body, span, at)
    flow = [page.items[i] for i in _kept(page, start, end, span)]
    return Block(
        _title_text(document, page, at), flow, tuple(find_dates(document, page, at, start, end))
    )


def _repeats(document: Document, page: Shown) -> list[int]:
    """The lines that say what the page calls itself, or the better part of it."""
    named = {_key(name) for name in (document.meta("og:title"), document.text("title")) if name}
    longest = max(map(len, named), default=0)
    return [
        index
        for index, item in enumerate(page.items)
        if isinstance(item, Paragraph)
        and _TITLE_CHARS <= len(item.text) <= longest
        and _is_named(_key(item.text), named)
    ]


def _is_named(key: str, names: set[str]) -> bool:
    for name in names:
        if key in name and (name.startswith(key) or name.endswith(key) or len(key) * 3 > len(name)):
            return True
    return False


def _key(text: str) -> str:
    return " ".join(fold_letters(text).split())


def _title_line(
    document: Document, page: Shown, repeats: list[int], body: LexborNode, span: tuple[int, int]
) -> int | None:
    """Where the title stands: a line that repeats the page's, else a heading, else by the date."""
    first, last = span
    possible = [i for i in repeats if i < last]
    if possible:
        return min(
            possible, key=lambda i: (_is_link(page, i), not _is_heading(page, i), abs(i - first))
        )
    above = range(first + _WITHIN_BODY if first + _WITHIN_BODY < last else first)
    headings = [i for i in above if _may_be_title(page, i) and _is_heading(page, i)]
    if headings:
        return min(headings, key=lambda i: (steps_apart(page.holders[i], body), abs(i - first)))
    return _title_by_date(document, page, first)


def _may_be_title(page: Shown, index: int) -> bool:
    text = page.text(index)
    if not _TITLE_CHARS <= len(text) <= _LONGEST_TITLE_CHARS or _is_link(page, index):
        return False
    return not (is_chrome(text) or is_cut(text))


def _is_link(page: Shown, index: int) -> bool:
    return page.linked[index] * 2 > len(page.text(index))


def _is_heading(page: Shown, index: int) -> bool:
    holder = page.holders[index]
    if holder.tag in _HEADINGS:
        return True
    attributes = holder.attributes
    return bool(_TITLED.search(f"{attributes.get('class') or ''} {attributes.get('id') or ''}"))


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


def _title_by_date(document: Document, page: Shown, first: int) -> int | None:
    """Where neither heading nor page title tells: the line next to the date line at the body."""
    for at in range(max(0, first - _TAIL_LINES), min(first + _WITHIN_BODY, len(page.items))):
        if _is_link(page, at) or not is_dated(document, page.text(at)):
            continue
        near: list[int] = [
            *range(at - 1, max(-1, at - 4), -1),
            *range(at + 1, min(at + 3, len(page.items))),
        ]
        for index in near:
            if _may_be_title(page, index) and not is_dated(document, page.text(index)):
                return index
    return None


def _title_text(document: Document, page: Shown, at: int | None) -> str | None:
    """The title as the page prints it; a heading broken into lines is one title."""
    if at is None:
        return document.meta("og:title") or document.text("title")
    holder = page.holders[at]
    whole = collapse(holder.text()) if holder.tag in _HEADINGS else ""
    return whole if 0 < len(whole) <= _LONGEST_TITLE_CHARS else page.text(at)


def _article(
    page: Shown, body: LexborNode, span: tuple[int, int], at: int | None
) -> tuple[int, int]:
    """First and last (exclusive) item of the article: behind the title, up to its signature."""
    first, last = span
    if at is None:
        return first, last
    holder = page.holders[at]
    if holder.tag in _HEADINGS:
        at = page.spans[holder.mem_id][1] - 1
    block = common_block(holder, body)
    around = page.spans.get(block.mem_id, span)
    tight = (around[1] - around[0]) - (last - first) <= _PAGE_ITEMS
    while last < around[1] and tight and _belongs(page, last):
        last += 1
    return at + 1, _with_signature(page, last)


def _belongs(page: Shown, index: int) -> bool:
    """Whether a line behind the body is still the article's."""
    item = page.items[index]
    return isinstance(item, FoundImage) or not (_is_link(page, index) or is_cut(item.text))


def _with_signature(page: Shown, last: int) -> int:
    """Behind the last line near the end that signs the article beyond doubt."""
    for index in range(last, min(last + _TAIL_LINES, len(page.items))):
        text = page.text(index)
        if is_cut(text) or not (is_signed(text) or is_chrome(text)):
            return last
        if is_signed(text):
            last = index + 1
    return last


def common_block(one: LexborNode, other: LexborNode) -> LexborNode:
    """The nearest node that holds both."""
    node = one
    for _ in range(steps_apart(one, other)):
        assert node.parent is not None
        node = node.parent
    return node


def _kept(page: Shown, start: int, end: int, span: tuple[int, int]) -> list[int]:
    """The article's items, without the links that stand around its body or close it."""
    first, last = span
    kept = [i for i in range(start, end) if first <= i < last or not _is_link_line(page, i)]
    closing = len(kept)
    while closing and _is_link_line(page, kept[closing - 1]):
        closing -= 1
    return kept[:closing] if len(kept) - closing > 1 else kept


def _is_link_line(page: Shown, index: int) -> bool:
    return bool(page.text(index)) and _is_link(page, index)
