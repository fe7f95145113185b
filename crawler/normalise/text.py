"""The flow of a page made into an article's text, images, captions and signature.

What portals print around an article goes; what its author wrote stays as it is. A caption that
the markup marks belongs to its image alone. One that is only guessed from its place (a short line
behind an image) is given to the image and stays in the text as well: the words are the author's,
the guess is ours, and a reader of the text must find what the page printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from crawler.normalise.boilerplate import is_chrome, is_cut
from crawler.normalise.bylines import Byline, is_signed, read_byline, read_dateline
from crawler.normalise.latin import fold_letters
from crawler.normalise.titles import clean_text, mend_text
from storage.records import ArticleImage, Found, FoundImage, Paragraph

Flow = list[Paragraph | FoundImage]

_HEAD_LINES = 6
"""The date line stands within so many lines of the title; what is short before it is chrome."""
_SHORT_CHARS = 80
_CAPTION_WORDS = 15
_LONGEST_CAPTION_WORDS = 35
"""A longer one is a caption if it is no sentence: if it does not end in a full stop."""
_REPEAT_LINES = 3
"""Title and lead are repeated within so many paragraphs."""
_TAIL_LINES = 3
"""Byline and credit stand in so many last paragraphs."""
_SENTENCE_END = re.compile(r"[.!?:;,]$")


@dataclass(frozen=True, slots=True)
class Body:
    """An article's body."""

    lead: str | None
    text: str | None
    images: tuple[ArticleImage, ...]
    byline_raw: str | None
    byline: Byline


def assemble(found: Found, date_raw: str | None) -> Body:
    """Lead, text, images and signature of a found page. `date_raw`: the date line it carries."""
    flow: Flow = _cut([item for item in found.flow if not _is_chrome(item)])
    flow = _without_head(flow, date_raw)
    flow = _without_repeats(flow, [found.title_raw, found.lead_raw])
    flow, images = _take_images(flow)
    flow, signed = _take_signature(flow, marked=found.byline_raw is not None)
    lead, flow, dateline = _take_dateline(found.lead_raw, flow)
    signed += dateline
    text = "\n".join(mend_text(item.text).strip() for item in flow if isinstance(item, Paragraph))
    raws = "\n".join(raw for raw, _ in signed)
    return Body(lead, text or None, tuple(images), raws or None, _merged(one for _, one in signed))


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
    """Without the date line, and without what is short and stands above it."""
    parts = _date_lines(flow, date_raw)
    lines = [i for i, item in enumerate(flow) if isinstance(item, Paragraph)][:_HEAD_LINES]
    head = max((i for i in parts if i in lines), default=-1)
    return [
        item
        for i, item in enumerate(flow)
        if i not in parts
        and (i > head or isinstance(item, FoundImage) or _is_text_or_signature(item.text))
    ]


def _date_lines(flow: Flow, date_raw: str | None) -> range:
    """Where the date line stands: in one line, or its weekday and clock in lines of their own."""
    texts = [_text_of(item) or "" for item in flow]
    for size in range(1, 4) if date_raw else ():
        for start in range(len(texts) - size + 1):
            if " ".join(texts[start : start + size]) == date_raw:
                return range(start, start + size)
    return range(0)


def _is_text_or_signature(line: str) -> bool:
    return len(line) >= _SHORT_CHARS or is_signed(line)


def _text_of(item: Paragraph | FoundImage) -> str | None:
    return item.text if isinstance(item, Paragraph) else None


def _without_repeats(flow: Flow, told: Iterable[str | None]) -> Flow:
    """Title and lead are often repeated where the body begins: once is enough."""
    known = {_key(text) for text in told if text}
    longest = 2 * max(map(len, known), default=0)
    out: Flow = []
    seen: set[str] = set()
    for item in flow:
        if isinstance(item, Paragraph) and len(seen) < _REPEAT_LINES:
            if item.text in seen or (len(item.text) <= longest and _key(item.text) in known):
                continue
            seen.add(item.text)
        out.append(item)
    return out


def _key(text: str) -> str:
    return fold_letters(clean_text(text)).strip(" .")


def _take_images(flow: Flow) -> tuple[Flow, list[ArticleImage]]:
    """Images in order with their captions, and what is left."""
    rest: Flow = []
    images: list[ArticleImage] = []
    waiting = False  # the last item was an image without a caption
    for item in flow:
        if isinstance(item, FoundImage):
            images.append(_as_shown(item))
            waiting = item.caption_raw is None
            continue
        if images and item.text == images[-1].caption_raw and not waiting:
            continue  # printed twice: beside the image and again below it
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
    line = text.strip()
    words = len(line.split())
    if words > _LONGEST_CAPTION_WORDS or line.endswith((":", ";", ",")):
        return False
    short = words <= _CAPTION_WORDS or not _SENTENCE_END.search(line)
    return short and read_byline(line) is None


Signed = list[tuple[str, Byline]]


def _take_signature(flow: Flow, *, marked: bool) -> tuple[Flow, Signed]:
    """The closing lines that name author, office or credit, and a certain one at the head."""
    signed: Signed = []
    while flow and len(signed) < _TAIL_LINES and not marked:
        last = _text_of(flow[-1])
        byline = read_byline(last) if last else None
        if last is None or byline is None or not _adds(_merged(one for _, one in signed), byline):
            break
        signed.insert(0, (last, byline))
        flow = flow[:-1]
    for position, item in enumerate(flow[:_HEAD_LINES]):
        text = _text_of(item) or ""
        labelled = read_byline(text) if is_signed(text) else None
        if labelled and labelled != Byline() and _adds(_merged(one for _, one in signed), labelled):
            signed.append((text, labelled))
            return flow[:position] + flow[position + 1 :], signed
    return flow, signed


def _adds(known: Byline, more: Byline) -> bool:
    """Whether a line names something that the lines below it did not."""
    return not (known.author and more.author) and not (known.credit and more.credit)


def _merged(bylines: Iterable[Byline]) -> Byline:
    """What several lines say together; of two that name the same thing, the first."""
    known = Byline()
    for one in bylines:
        known = Byline(
            known.author or one.author, known.office or one.office, known.credit or one.credit
        )
    return known


def _take_dateline(lead_raw: str | None, flow: Flow) -> tuple[str | None, Flow, Signed]:
    """`(PLVN) - ` before the first words is whom the page names as its source, and no text."""
    first = next((i for i, item in enumerate(flow) if isinstance(item, Paragraph)), None)
    start = lead_raw or (_text_of(flow[first]) if first is not None else None) or ""
    found = read_dateline(start)
    if found is None:
        return clean_text(start) or None if lead_raw else None, flow, []
    raw, credit = found
    signed = [(raw.strip(), Byline(credit=credit))]
    if lead_raw:
        return clean_text(start[len(raw) :]) or None, flow, signed
    assert first is not None
    return None, [*flow[:first], Paragraph(start[len(raw) :]), *flow[first + 1 :]], signed
