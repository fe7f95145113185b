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
from crawler.normalise.datelines import is_date_line
from crawler.normalise.dates import date_span
from crawler.normalise.latin import fold_letters
from crawler.pages.body import choose_body, hinted_body
from crawler.pages.date_places import Places, find_dates, is_dated
from crawler.pages.document import Document
from crawler.pages.flow import Flow, Shown, read_shown
from crawler.pages.title import Title, choose_title, find_repeats, steps_apart
from storage.records import DateCandidate, FoundImage

_TAIL_LINES = 4
_PAGE_ITEMS = 15
"""A block with so many items around the article holds more of the page than the article."""
_BEGUN_CHARS = 80
_HEADLINE_CHARS = 25
_LEAD_CHARS = 50
_FEWEST_LEADS = 3
_NAMES_A_SITE = re.compile(
    r"\W*(?:cong\s+(?:thong\s+tin|ttdt)|trang\s+(?:thong\s+tin|chu|tin)|website|home|chi\s+tiet|tin\s+tuc|untitled)"
)


@dataclass(frozen=True, slots=True)
class Block:
    """What was found of an article."""

    title: str | None
    flow: Flow
    """From behind the title on."""
    dates: tuple[DateCandidate, ...]
    is_list: bool
    """Most of its running text are leads, each behind a headline that leads elsewhere."""


def find_article(document: Document, body_hints: str = "") -> Block | None:
    """The article of a page; None if no running text gathers anywhere."""
    root = document.tree.body
    if root is None:
        return None
    page = read_shown(root, document.link)
    repeats = find_repeats(document, page)
    body = hinted_body(document, page, body_hints) or choose_body(
        page, repeats or _dated_lines(document, page)
    )
    if body is None:
        return None
    span = page.spans[body.mem_id]
    title = choose_title(document, page, repeats, body, span)
    around = _around(page, body, title)
    start = title.last if title else span[0]
    end = _with_signature(page, _up_to_cut(page, start, _end(page, span, around)))
    flow = [page.items[i] for i in _kept(page, start, end, span)]
    places = Places(around[0], title, start, end)
    return Block(
        _title_text(document, title),
        flow,
        tuple(find_dates(document, page, places)),
        _is_list(page, start, end),
    )


def _is_list(page: Shown, first: int, last: int) -> bool:
    """A list with leads looks like an article until one sees what stands above each paragraph."""
    running = leads = 0
    headline = False
    for index in range(first, last):
        if page.is_link(index):
            headline = headline or len(page.text(index)) >= _HEADLINE_CHARS
        elif len(page.text(index)) >= _LEAD_CHARS:
            running += 1
            leads += headline
            headline = False
    return leads >= _FEWEST_LEADS and leads * 2 >= running


def _dated_lines(document: Document, page: Shown) -> list[int]:
    """What the body stands near to where no line repeats the page's title."""
    lines = range(len(page.items))
    return [i for i in lines if not page.is_link(i) and is_dated(document, page.text(i))]


def _title_text(document: Document, title: Title | None) -> str | None:
    """As the article prints it; else as the page names itself, if that is not its site's name."""
    if title is not None:
        return title.text
    named = document.meta("og:title") or document.text("title")
    return None if named is None or _NAMES_A_SITE.match(fold_letters(named)) else named


def _around(page: Shown, body: LexborNode, title: Title | None) -> tuple[int, int]:
    """The items of the block that holds title and body."""
    node = body if title is None else page.holders[title.first]
    steps = steps_apart(node, body)
    while node.parent is not None and (steps > 0 or node.mem_id not in page.spans):
        node, steps = node.parent, steps - 1
    return page.spans.get(node.mem_id, page.spans[body.mem_id])


def _end(page: Shown, span: tuple[int, int], around: tuple[int, int]) -> int:
    """Behind the body, and behind what else its block holds if that is little more."""
    first, last = span
    if (around[1] - around[0]) - (last - first) > _PAGE_ITEMS:
        return last
    while last < around[1] and _belongs(page, last):
        last += 1
    return last


def _belongs(page: Shown, index: int) -> bool:
    """Whether a line behind the body is still the article's."""
    return isinstance(page.items[index], FoundImage) or not page.is_link(index)


def _up_to_cut(page: Shown, start: int, end: int) -> int:
    """Before the first line that says that the article is over, if the body has begun."""
    begun = False
    for index in range(start, end):
        text = page.text(index)
        if begun and is_cut(text):
            return index
        begun = begun or len(text) >= _BEGUN_CHARS
    return end


def _with_signature(page: Shown, last: int) -> int:
    """Behind the last line near the end that signs the article beyond doubt."""
    for index in range(last, min(last + _TAIL_LINES, len(page.items))):
        text = page.text(index)
        if is_cut(text) or not (is_signed(text) or is_chrome(text)):
            return last
        if is_signed(text):
            last = index + 1
    return last


def _kept(page: Shown, start: int, end: int, span: tuple[int, int]) -> list[int]:
    """The article's items, without the links that stand around its body or close it."""
    first, last = span
    kept = [i for i in range(start, end) if first <= i < last or not page.is_link(i)]
    closing = len(kept)
    while closing and _closes(page, kept[closing - 1], among_links=closing < len(kept)):
        closing -= 1
    return kept[:closing] if len(kept) - closing > 1 else kept


def _closes(page: Shown, index: int, *, among_links: bool) -> bool:
    """Whether a line of a body's end belongs to a list of other articles: a link, or its date."""
    text = page.text(index)
    return page.is_link(index) or (
        among_links and is_date_line(text) and date_span(text) == ("", "")
    )
