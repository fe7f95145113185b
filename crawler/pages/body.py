"""Which block of a page holds its running text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from selectolax.lexbor import LexborNode

from crawler.normalise.boilerplate import is_cut
from crawler.pages.document import Document
from crawler.pages.flow import BLOCKS, Shown

_RUNNING_TEXT_CHARS = 50
_ARTICLE_CHARS = 200
_CHROME = frozenset(("nav", "footer", "aside"))
_ROWS = frozenset(("tr", "tbody", "thead", "tfoot"))
_TOP = frozenset(("html", "-document"))
_STEP_WEIGHTS = (1.0, 0.9, 0.45)
"""What a line counts for its block, the block around that, and the one around both."""
_FAR = 0.6
"""A block loses so much for every step that it stands farther from a title."""
_AFTER_CUT = 0.3
_LOOK_UP = 3
_ASIDE = re.compile(
    r"comment|binh-?_?luan|y-?_?kien|phan-?_?hoi|related|lien-?_?quan|tin-?_?khac|other|side-?_?bar|widget|footer|menu"
    r"|(?:cot|col|column)-?_?(?:left|right|trai|phai)|\b(?:left|right|trai|phai)(?:\b|-?_?(?:col|cot))",
    re.IGNORECASE,
)
_BODY = re.compile(r"article|content|noi-?_?dung|chi-?_?tiet|detail|body|entry", re.IGNORECASE)


def hinted_body(document: Document, page: Shown, hints: str) -> LexborNode | None:
    """The node that a family's markup gives for the body, if there is text in it."""
    nodes = (
        [node for node in document.tree.css(hints) if node.mem_id in page.spans] if hints else []
    )
    best = max(nodes, key=lambda node: _chars(page, node), default=None)
    return best if best is not None and _chars(page, best) >= _ARTICLE_CHARS else None


def choose_body(page: Shown, titles: list[int]) -> LexborNode | None:
    """The block with the most running text, near to where the title may stand; None if none."""
    scores, nodes = _gathered(page, titles)
    above = [_distances(page.holders[index]) for index in titles]
    best, best_score = None, 0.0
    for id_, chars in scores.items():
        if chars < _ARTICLE_CHARS / 2:
            continue
        score = chars * _FAR ** _steps(nodes[id_], above) * _named(nodes[id_])
        if score > best_score:
            best, best_score = nodes[id_], score
    return best if best is not None and _chars(page, best) >= _ARTICLE_CHARS else None


def _chars(page: Shown, node: LexborNode) -> int:
    return sum(
        len(page.text(index)) - page.linked[index] for index in range(*page.spans[node.mem_id])
    )


def _gathered(
    page: Shown, titles: list[int]
) -> tuple[defaultdict[int, float], dict[int, LexborNode]]:
    """How much running text gathers in each block; links, and what follows the end, count less."""
    scores: defaultdict[int, float] = defaultdict(float)
    nodes: dict[int, LexborNode] = {}
    running = [i for i in range(len(page.items)) if _own_chars(page, i) >= _RUNNING_TEXT_CHARS]
    crowded = _crowded_rows(page, running)
    over = _ends(page, titles, running)
    for index in running:
        chars = _own_chars(page, index) * (_AFTER_CUT if index > over else 1.0)
        for holder, weight in zip(
            _holders(page.holders[index], crowded), _STEP_WEIGHTS, strict=False
        ):
            nodes[holder.mem_id] = holder
            scores[holder.mem_id] += chars * weight
    return scores, nodes


def _own_chars(page: Shown, index: int) -> int:
    return len(page.text(index)) - page.linked[index]


def _ends(page: Shown, titles: list[int], running: list[int]) -> int:
    """The first line that ends an article after the first running text behind a title."""
    begun = next((i for i in running if not titles or i > titles[0]), len(page.items))
    return next((i for i in range(begun, len(page.items)) if is_cut(page.text(i))), len(page.items))


def _holders(node: LexborNode, crowded: set[int]) -> Iterator[LexborNode]:
    """A block and those around it. A table's rows are no blocks of their own; a row of several
    cells with text is a page laid out in columns, and its cells stay apart."""
    holder: LexborNode | None = node
    while holder is not None and holder.tag not in _TOP and holder.tag not in _CHROME:
        if holder.mem_id in crowded:
            return
        if holder.tag in BLOCKS and holder.tag not in _ROWS:
            yield holder
        holder = holder.parent


def _crowded_rows(page: Shown, running: list[int]) -> set[int]:
    cells: defaultdict[int, set[int]] = defaultdict(set)
    for index in running:
        node: LexborNode | None = page.holders[index]
        while node is not None and node.tag not in ("td", "th"):
            node = node.parent
        if node is not None and node.parent is not None:
            cells[node.parent.mem_id].add(node.mem_id)
    return {row for row, found in cells.items() if len(found) > 1}


def _distances(node: LexborNode) -> dict[int, int]:
    """Every node above, by how many steps."""
    found: dict[int, int] = {}
    above: LexborNode | None = node
    while above is not None:
        found[above.mem_id] = len(found)
        above = above.parent
    return found


def _steps(node: LexborNode, above: list[dict[int, int]]) -> int:
    """How far above the nearest title the block stands that holds it and this node."""
    if not above:
        return 0
    return min(_meeting(node, distances) for distances in above)


def _meeting(node: LexborNode, distances: dict[int, int]) -> int:
    holder: LexborNode | None = node
    while holder is not None and holder.mem_id not in distances:
        holder = holder.parent
    return distances[holder.mem_id] if holder is not None else len(distances)


def _named(node: LexborNode) -> float:
    """What the class and id of a block and of those around it say of it."""
    weight = 1.0
    holder: LexborNode | None = node
    for _ in range(_LOOK_UP):
        if holder is None:
            break
        attributes = holder.attributes
        said = _said(attributes.get("class") or "", attributes.get("id") or "")
        if said < 1:
            return said
        if holder is node:
            weight = said
        holder = holder.parent
    return weight


@lru_cache(maxsize=4096)
def _said(class_: str, id_: str) -> float:
    name = f"{class_} {id_}"
    if _ASIDE.search(name):
        return 0.4
    return 1.25 if _BODY.search(name) else 1.0
