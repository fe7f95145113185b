"""An article found without knowing the CMS: by where text gathers and where its title stands.

1. The body is the block below which most running text stands (links do not count).
2. The title is the heading that the page's own title repeats, else the nearest before the body.
3. What stands between and around them, within the block that holds both, is offered as date
   lines and flow; normalise decides what is text, tool, caption, byline or related list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from crawler.normalise.boilerplate import is_cut
from crawler.normalise.dates import read_date
from crawler.normalise.latin import fold_letters
from crawler.normalise.publication import is_date_line
from crawler.pages.document import Document, collapse
from crawler.pages.flow import BLOCKS, Flow, is_hidden, read_flow
from storage.records import DateCandidate, Paragraph

_UNREAD = frozenset(
    """
    script style noscript template iframe select textarea svg head title button
    """.split()
)
_CHROME = frozenset(
    """
    nav footer aside
    """.split()
)
_RUNNING_TEXT_CHARS = 60
_ARTICLE_CHARS = 200
_DATE_LINE_CHARS = 120
_TITLE_CHARS = 15
_LINES_NEAR = 4
_LINES_BEHIND = 6
_META_DATES = ("article:published_time", "og:published_time", "pubdate", "DC.date.issued")
_TITLES = "h1, h2, h3, h4, [class*=title i], [id*=title i], strong, b, td, p, div, span"
_HEADINGS = "h1, h2, h3"


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
    body = _hinted(document, body_hints) or _densest(root)
    if body is None:
        return None
    title, block = _title(document, body)
    flow = read_flow(block, document.link)
    start = _index_of(flow, title) if title else None
    if start is None:
        before, after = [], read_flow(body, document.link)
    else:
        before, after = flow[:start], flow[start + 1 :]
    return Block(title, after, tuple(_dates(document, before, after, block)))


def _hinted(document: Document, hints: str) -> LexborNode | None:
    """The node that a family's markup gives for the body, if there is text in it."""
    nodes = document.tree.css(hints) if hints else []
    best = max(nodes, key=lambda node: len(node.text()), default=None)
    return best if best is not None and len(collapse(best.text())) >= _ARTICLE_CHARS else None


def _densest(root: LexborNode) -> LexborNode | None:
    """The block with the most running text, counted for a paragraph's parent and grandparent."""
    scores: defaultdict[int, float] = defaultdict(float)
    nodes: dict[int, LexborNode] = {}
    for node, chars in _running_text(root):
        weight = 1.0
        for holder in (node, node.parent, node.parent.parent if node.parent else None):
            if holder is None or holder.tag in ("html", "-document"):
                break
            nodes[holder.mem_id] = holder
            scores[holder.mem_id] += chars * weight
            weight *= 0.9 if holder is node else 0.5
    if not scores:
        return None
    best = max(scores, key=lambda id_: scores[id_])
    return nodes[best] if scores[best] >= _ARTICLE_CHARS else None


def _running_text(node: LexborNode) -> Iterator[tuple[LexborNode, int]]:
    """Blocks with text of their own, and how much; links and what frames a page left out."""
    own = 0
    for child in node.iter(include_text=True):
        tag = child.tag
        if tag == "-text":
            own += len((child.text_content or "").strip())
        elif (
            tag in _UNREAD
            or tag in _CHROME
            or tag == "a"
            or tag is None
            or tag.startswith("-")
            or is_hidden(child)
        ):
            continue
        elif tag in BLOCKS:
            yield from _running_text(child)
        else:
            for inner, chars in _running_text(child):
                if inner is child:
                    own += chars
                else:
                    yield inner, chars
    if own >= _RUNNING_TEXT_CHARS or (own and node.tag not in BLOCKS):
        yield node, own


def _title(document: Document, body: LexborNode) -> tuple[str | None, LexborNode]:
    """The title, and the block that holds it and the body."""
    named = [text for text in (document.meta("og:title"), document.text("title")) if text]
    headings = [node for node in document.tree.css(_HEADINGS) if collapse(node.text())]
    for nodes in (headings, document.tree.css(_TITLES)):
        for node in nodes:
            if _repeats(node, named):
                return collapse(node.text()), _common(node, body)
    before = _last_before(headings, body)
    if before is not None:
        return collapse(before.text()), _common(before, body)
    return _title_by_date(document, body) or ((named[0] if named else None), body)


def _repeats(node: LexborNode, named: list[str]) -> bool:
    """Whether a node's text is the page's own title, or the better part of it."""
    key = _key(node.text())
    if len(key) < _TITLE_CHARS:
        return False
    return any(key in name and len(key) > len(name) / 3 for name in map(_key, named))


def _title_by_date(document: Document, body: LexborNode) -> tuple[str, LexborNode] | None:
    """Where neither heading nor page title tells: the line next to the date line above the body."""
    first = next(
        (item for item in read_flow(body, document.link) if isinstance(item, Paragraph)), None
    )
    node = body.parent
    while first is not None and node is not None and node.tag in BLOCKS:
        lines = [
            item.text for item in read_flow(node, document.link) if isinstance(item, Paragraph)
        ]
        above = lines[: lines.index(first.text)] if first.text in lines else []
        for index in reversed(range(max(0, len(above) - _LINES_NEAR), len(above))):
            if is_date_line(above[index]) and read_date(
                above[index], fetched_at=document.fetched_at
            ):
                near = [*reversed(above[:index]), *above[index + 1 :]]
                title = next((line for line in near if len(line) >= _TITLE_CHARS), None)
                if title is not None:
                    return title, node
        node = node.parent
    return None


def _key(text: str) -> str:
    return " ".join(fold_letters(text).split())


def _last_before(headings: list[LexborNode], body: LexborNode) -> LexborNode | None:
    """The last heading before the body's text, the first within it if there is none."""
    inside = {node.mem_id for node in body.css(_HEADINGS)}
    outside = [node for node in headings if node.mem_id not in inside]
    first_inside = next((node for node in headings if node.mem_id in inside), None)
    return first_inside or (outside[-1] if outside else None)


def _common(one: LexborNode, other: LexborNode) -> LexborNode:
    """The nearest node that holds both."""
    above = set()
    node: LexborNode | None = one
    while node is not None:
        above.add(node.mem_id)
        node = node.parent
    node = other
    while node is not None and node.mem_id not in above:
        node = node.parent
    return node if node is not None else other


def _index_of(flow: Flow, title: str) -> int | None:
    key = _key(title)
    for index, item in enumerate(flow):
        if isinstance(item, Paragraph) and _key(item.text) == key:
            return index
    return None


def _dates(
    document: Document, before: Flow, after: Flow, block: LexborNode
) -> Iterator[DateCandidate]:
    """Lines that may print a date: behind the title, before it, machine-readable, framing."""
    ahead, behind = _lines(before), _lines(_up_to_cut(after))
    for text in [*behind[:_LINES_BEHIND], *behind[_LINES_BEHIND:][-_LINES_NEAR:]]:
        if _may_print_date(text):
            yield DateCandidate(text, "article", "printed")
    for text in filter(_may_print_date, reversed(ahead[-_LINES_NEAR:])):
        yield DateCandidate(text, "near_title", "printed")
    for node in document.tree.css("time[datetime]"):
        yield DateCandidate(node.attributes.get("datetime") or "", "meta", "meta")
    if published := document.meta(*_META_DATES):
        yield DateCandidate(published, "meta", "meta")
    for text in filter(_may_print_date, ahead[:-_LINES_NEAR]):
        yield DateCandidate(text, "header", "printed")


def _lines(flow: Flow) -> list[str]:
    return [item.text for item in flow if isinstance(item, Paragraph)]


def _up_to_cut(flow: Flow) -> Flow:
    for index, item in enumerate(flow):
        if isinstance(item, Paragraph) and is_cut(item.text):
            return flow[:index]
    return flow


def _may_print_date(line: str) -> bool:
    return len(line) <= _DATE_LINE_CHARS and any(char.isdigit() for char in line)
