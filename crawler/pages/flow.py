"""A part of a page as a reader sees it: paragraphs and images, in order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from selectolax.lexbor import LexborNode

from crawler.pages.document import collapse
from storage.records import FoundImage, Paragraph

BLOCKS = frozenset(
    """
    address article aside blockquote body center dd details div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol p pre section summary
    table tbody td tfoot th thead tr ul
    """.split()
)
_UNSEEN = frozenset(
    """
    script style noscript template iframe button input select textarea svg object head title
    """.split()
)
_HIDDEN_CLASSES = frozenset(
    """
    hidden d-none hide sr-only visually-hidden ms-hidden
    """.split()
)
_LAZY = ("data-src", "data-original", "data-lazy-src")

FindLink = Callable[[str | None], str | None]
Flow = list[Paragraph | FoundImage]


def read_flow(node: LexborNode, link: FindLink, *, skip: frozenset[int] = frozenset()) -> Flow:
    """Paragraphs and images below a node. `skip`: memory ids of nodes to leave out."""
    reader = _FlowReader(link, skip)
    reader.visit(node)
    reader.end_paragraph()
    return reader.out


def is_hidden(node: LexborNode) -> bool:
    """Whether the markup itself hides a node (style sheets are not asked)."""
    attributes = node.attributes
    if not attributes:
        return False
    if "hidden" in attributes:
        return True
    classes = attributes.get("class")
    if classes and not _HIDDEN_CLASSES.isdisjoint(classes.split()):
        return True
    style = attributes.get("style")
    return style is not None and "display:none" in style.replace(" ", "").lower()


def image_of(node: LexborNode, link: FindLink) -> FoundImage | None:
    """An `img` as found; None if it names no picture of its own (data:, no address)."""
    attributes = node.attributes
    src = attributes.get("src")
    lazy = next((value for name in _LAZY if (value := attributes.get(name))), None)
    url = link(lazy or src)
    return FoundImage(url, alt=attributes.get("alt") or None) if url else None


class _FlowReader:
    def __init__(self, link: FindLink, skip: frozenset[int]) -> None:
        self._link, self._skip = link, skip
        self._pieces: list[str] = []
        self.out: Flow = []

    def visit(self, node: LexborNode) -> None:
        for child in node.iter(include_text=True):
            tag = child.tag
            if tag == "-text":
                self._pieces.append(child.text_content or "")
            elif tag in _UNSEEN or tag is None or tag.startswith("-"):
                continue
            else:
                self._element(child, tag)

    def _element(self, node: LexborNode, tag: str) -> None:
        if (self._skip and node.mem_id in self._skip) or is_hidden(node):
            return
        if tag == "br":
            self.end_paragraph()
        elif tag == "img":
            self._image(node)
        elif tag == "figure":
            self._figure(node)
        elif tag in BLOCKS:
            self.end_paragraph()
            self.visit(node)
            self.end_paragraph(caption=tag == "figcaption")
        else:
            self.visit(node)

    def end_paragraph(self, *, caption: bool = False) -> None:
        text = collapse("".join(self._pieces))
        self._pieces.clear()
        if text:
            self.out.append(Paragraph(text, caption))

    def _image(self, node: LexborNode) -> None:
        image = image_of(node, self._link)
        if image is not None:
            self.end_paragraph()
            self.out.append(image)

    def _figure(self, node: LexborNode) -> None:
        """A figure's caption belongs to its image (to the first of several)."""
        self.end_paragraph()
        captions = node.css("figcaption")
        images = [image for img in node.css("img") if (image := image_of(img, self._link))]
        if not images:
            self.visit(node)
            self.end_paragraph()
            return
        caption = collapse(" ".join(caption.text() for caption in captions)) or None
        first, *rest = images
        self.out += chain([FoundImage(first.url, first.alt, caption)], rest)
