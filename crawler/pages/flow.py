"""A part of a page as a reader sees it: paragraphs and images, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from crawler.pages.document import collapse
from storage.records import FoundImage, Paragraph

BLOCKS = frozenset(
    """
    address article aside blockquote body center dd details div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol p pre section summary
    table tbody td tfoot th thead tr ul caption
    """.split()
)
_UNSEEN = frozenset(
    """
    script style noscript template iframe button input select textarea svg object head title nav
    """.split()
)
_KINDS = (
    dict.fromkeys(BLOCKS, "block")
    | dict.fromkeys((*_UNSEEN, "-comment", "-document-type", "-cdata", "-undef"), "unseen")
    | {"br": "break", "img": "image", "a": "link"}
)
"""What to do with a tag; all others stand within a line."""
_CAPTIONS = frozenset(("figcaption", "caption"))
_HIDDEN = (
    "[hidden], .hidden, .d-none, .hide, .sr-only, .visually-hidden, .ms-hidden,"
    '[style*="display:none" i], [style*="display: none" i]'
)
_LAZY = ("data-src", "data-original", "data-lazy-src")

FindLink = Callable[[str | None], str | None]
Flow = list[Paragraph | FoundImage]


@dataclass(slots=True)
class Shown:
    """What a part of a page shows, and where each item of it stands."""

    items: Flow = field(default_factory=list)
    holders: list[LexborNode] = field(default_factory=list)
    """The block that each item stands in directly."""
    linked: list[int] = field(default_factory=list)
    """How many characters of each item are links."""
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    """First and last (exclusive) item of every block, by its memory id."""

    def text(self, index: int) -> str:
        """A paragraph's text; '' for an image."""
        item = self.items[index]
        return item.text if isinstance(item, Paragraph) else ""

    def is_link(self, index: int) -> bool:
        """Whether a paragraph is a link for the most part."""
        return self.linked[index] * 2 > len(self.text(index)) > 0


def read_flow(node: LexborNode, link: FindLink) -> Flow:
    """Paragraphs and images below a node."""
    return read_shown(node, link).items


def read_shown(root: LexborNode, link: FindLink) -> Shown:
    """Paragraphs and images below a node, and where they stand. Any depth will do."""
    reader = _Reader(root, link)
    reader.walk()
    return reader.shown


def image_of(node: LexborNode, link: FindLink) -> FoundImage | None:
    """An `img` as found; None if it names no picture of its own (data:, no address)."""
    attributes = node.attributes
    src = attributes.get("src")
    lazy = next((value for name in _LAZY if (value := attributes.get(name))), None)
    url = link(lazy or src)
    return FoundImage(url, alt=attributes.get("alt") or None) if url else None


class _Reader:
    def __init__(self, root: LexborNode, link: FindLink) -> None:
        self._link = link
        self._hidden = {node.mem_id for node in root.css(_HIDDEN)}
        self._pieces: list[str] = []
        self._linked = 0
        self._links_open = 0
        self._blocks = [(root, 0)]
        self.shown = Shown()

    def walk(self) -> None:
        """Depth first, without recursion: pages are nested as deep as they like."""
        [(root, _)] = self._blocks
        path = [(root, "", root.iter(include_text=True))]
        while path:
            node, tag, children = path[-1]
            for child in children:
                name = child.tag
                if name == "-text":
                    self._text(child.text_content or "")
                elif name and self._enter(child, name):
                    path.append((child, name, child.iter(include_text=True)))
                    break
            else:
                path.pop()
                if tag in _KINDS:
                    self._leave(node, tag)
        self._end_paragraph()
        self.shown.spans[root.mem_id] = (0, len(self.shown.items))

    def _text(self, text: str) -> None:
        if self._pieces or not text.isspace():  # most text nodes are the space between blocks
            self._pieces.append(text)
            if self._links_open:
                self._linked += len(text)

    def _enter(self, node: LexborNode, tag: str) -> bool:
        """Whether to go on below a node."""
        kind = _KINDS.get(tag)
        if kind == "unseen" or (self._hidden and node.mem_id in self._hidden):
            return False
        if kind is None:
            return True
        if kind == "link":
            self._links_open += 1
            return True
        if kind == "image":
            self._image(node)
            return False
        self._end_paragraph()
        if kind == "break" or (tag == "figure" and self._figure(node)):
            return False
        self._blocks.append((node, len(self.shown.items)))
        return True

    def _leave(self, node: LexborNode, tag: str) -> None:
        if tag == "a":
            self._links_open -= 1
            return
        if self._pieces:
            self._end_paragraph(caption=tag in _CAPTIONS)
        _, start = self._blocks.pop()
        self.shown.spans[node.mem_id] = (start, len(self.shown.items))

    def _end_paragraph(self, *, caption: bool = False) -> None:
        if self._pieces:
            if text := collapse("".join(self._pieces)):
                self._add(Paragraph(text, caption))
            self._pieces.clear()
            self._linked = 0

    def _add(self, item: Paragraph | FoundImage) -> None:
        self.shown.items.append(item)
        self.shown.holders.append(self._blocks[-1][0])
        self.shown.linked.append(self._linked)

    def _image(self, node: LexborNode) -> None:
        image = image_of(node, self._link)
        if image is not None:
            self._end_paragraph()
            self._add(image)

    def _figure(self, node: LexborNode) -> bool:
        """A figure's caption belongs to its image (to the first of several)."""
        images = [image for img in node.css("img") if (image := image_of(img, self._link))]
        if not images:
            return False
        captions = node.css("figcaption")
        caption = collapse(" ".join(caption.text() for caption in captions)) or None
        first, *rest = images
        for image in (FoundImage(first.url, first.alt, caption), *rest):
            self._add(image)
        return True
