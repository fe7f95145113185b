"""The flow of a page made into an article's text, images and captions.

What portals print around an article goes; what its author wrote stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from crawler.normalise.boilerplate import is_chrome, is_cut
from crawler.normalise.bylines import Byline, read_byline
from crawler.normalise.latin import fold_letters
from crawler.normalise.titles import clean_text
from storage.records import ArticleImage, Found, FoundImage, Paragraph

Flow = list[Paragraph | FoundImage]

_HEAD_LINES = 6
"""The date line stands within so many lines of the title; what is short before it is chrome."""
_SHORT_CHARS = 80
_CAPTION_WORDS = 15
_REPEAT_LINES = 3
"""Title and lead are repeated within so many paragraphs."""
_TAIL_LINES = 3
"""Byline and credit stand in so many last paragraphs."""


@dataclass(frozen=True, slots=True)
class Body:
    """An article's body."""

    text: str | None
    images: tuple[ArticleImage, ...]
    byline_raw: str | None
    byline: Byline | None


def assemble(found: Found, date_raw: str | None) -> Body:
    """Text, images and closing byline of a found page. `date_raw`: the date line it carries."""
    flow: Flow = _cut([item for item in found.flow if not _is_chrome(item)])
    flow = _without_head(flow, date_raw)
    flow = _without_repeats(flow, [found.title_raw, found.lead_raw])
    flow, images = _take_images(flow)
    flow, raw, byline = _take_byline(flow) if found.byline_raw is None else (flow, None, None)
    text = "\n".join(item.text for item in flow if isinstance(item, Paragraph))
    return Body(text or None, tuple(images), raw, byline)


def _is_chrome(item: Paragraph | FoundImage) -> bool:
    return isinstance(item, Paragraph) and is_chrome(item.text)


def _cut(flow: Flow) -> Flow:
    """Up to the first line that says that the article is over, if the body has begun."""
    begun = False
    for position, item in enumerate(flow):
        if isinstance(item, Paragraph):
            if begun and is_cut(item.text):
                return flow[:position]
            begun = begun or len(item.text) >= _SHORT_CHARS
    return flow


def _without_head(flow: Flow, date_raw: str | None) -> Flow:
    lines = [position for position, item in enumerate(flow) if isinstance(item, Paragraph)]
    for position in lines[:_HEAD_LINES]:
        if _text_of(flow[position]) == date_raw:
            before = [
                item
                for item in flow[:position]
                if len(_text_of(item) or "") >= _SHORT_CHARS or isinstance(item, FoundImage)
            ]
            return before + flow[position + 1 :]
    return [item for item in flow if date_raw is None or _text_of(item) != date_raw]


def _text_of(item: Paragraph | FoundImage) -> str | None:
    return item.text if isinstance(item, Paragraph) else None


def _without_repeats(flow: Flow, told: Iterable[str | None]) -> Flow:
    """Title and lead are often repeated where the body begins: once is enough."""
    known = {_key(text) for text in told if text}
    longest = 2 * max(map(len, known), default=0)
    out: Flow = []
    seen = 0
    for item in flow:
        if isinstance(item, Paragraph):
            seen += 1
            if seen <= _REPEAT_LINES and len(item.text) <= longest and _key(item.text) in known:
                continue
        out.append(item)
    return out


def _key(text: str) -> str:
    return fold_letters(clean_text(text)).strip(" .")


def _take_images(flow: Flow) -> tuple[Flow, list[ArticleImage]]:
    """Images in order with their captions.

    A caption that the markup marks belongs to its image alone. One that is only guessed from its
    place stays in the text as well: what an author wrote is not dropped on a guess.
    """
    rest: Flow = []
    images: list[ArticleImage] = []
    waiting = False  # the last item was an image without a caption
    for item in flow:
        if isinstance(item, FoundImage):
            images.append(_as_shown(item))
            waiting = item.caption_raw is None
            continue
        if images and waiting and (item.caption or _like_caption(item.text)):
            caption = clean_text(item.text)
            images[-1] = replace(images[-1], caption_raw=item.text, caption=caption)
        if not item.caption:
            rest.append(item)
        waiting = False
    return rest, images


def _as_shown(image: FoundImage) -> ArticleImage:
    caption = clean_text(image.caption_raw) if image.caption_raw else None
    return ArticleImage(
        image.url, image.caption_raw, caption or None, "lead" if image.lead else "body"
    )


def _like_caption(text: str) -> bool:
    """Short, and no sentence that leads on: `Toàn cảnh hội nghị`, `Quang cảnh kỳ họp.`"""
    return (
        len(text.split()) <= _CAPTION_WORDS
        and not text.rstrip().endswith((":", ";", ","))
        and read_byline(text) is None
    )


def _take_byline(flow: Flow) -> tuple[Flow, str | None, Byline | None]:
    """The closing lines that name author, office or credit."""
    raws: list[str] = []
    merged = Byline()
    while flow and len(raws) < _TAIL_LINES:
        last = flow[-1]
        byline = read_byline(last.text) if isinstance(last, Paragraph) else None
        if byline is None or not _adds(merged, byline):
            break
        merged = Byline(
            byline.author or merged.author,
            byline.office or merged.office,
            byline.credit or merged.credit,
        )
        raws.insert(0, _text_of(last) or "")
        flow = flow[:-1]
    return flow, "\n".join(raws) or None, merged if raws else None


def _adds(known: Byline, more: Byline) -> bool:
    """Whether a line names something that the lines below it did not."""
    return not (known.author and more.author) and not (known.credit and more.credit)
