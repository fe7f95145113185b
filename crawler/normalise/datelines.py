"""Whether a line is there to print a date, or only has one among its words."""

from __future__ import annotations

import re

from crawler.normalise.dates import date_span
from crawler.normalise.latin import fold_letters

_LABEL_WORDS = (
    r"(?:ngay|gio|luc|vao|hoi|hom|dang|duoc|viet|tao|gui|cap\s*nhat|lan|cuoi|moi\s*nhat|chinh\s*sua"
    r"|xuat\s*ban|phat\s*hanh|tin|bai|boi|date|posted|published|created|updated|last|on|at|by|time|admin)"
)
_LABELS = re.compile(rf"(?:[^a-z0-9]|{_LABEL_WORDS}(?![a-z]))*")
_LABEL_AT_END = re.compile(rf"(?:[^a-z0-9]|(?<![a-z]){_LABEL_WORDS}(?![a-z]))+$")
_LABELLED = re.compile(
    r"(?:dang|gui|cap\s*nhat|viet|tao|xuat\s*ban|phat\s*hanh|posted|published|created|updated)"
    rf"(?:[^a-z0-9]|{_LABEL_WORDS}(?![a-z]))*$"
)
_EVENT = re.compile(
    r"(?:^|\s)(?:sang|chieu|toi|trua|dem|truoc|sau|den|tu|het|qua)\s*$"
    r"|(?<![a-z])(?:han|thoi\s+gian|thoi\s+han|khai\s+mac|be\s+mac|bat\s+dau|ket\s+thuc|sinh|du\s+kien|to\s+chuc|dien\s+ra)(?![a-z])"
)
"""What leads to the day of something else than publishing."""
_LINK = re.compile(r"(?<![a-z])(?:ngay|hom|luc|vao)\s*$")
_PARTED = re.compile(r"[-|:•·/(\[>]\s*$")
_PLACE = re.compile(r"(?:[^\W\d_]+\s){0,3}[^\W\d_]+,\s*$")
_PARTING = re.compile(r"\s*[-|•·/(\[;]|\s*$")
_COUNTER = re.compile(
    r"[^a-z0-9]*(?:(?:so\s*)?(?:luot|da|lan|nguoi)\s*(?:xem|doc|truy\s*cap)|views?|xem|tac\s*gia|nguon|binh\s*luan"
    r"|cap\s*nhat|\d[\d.,]*\s*(?:luot|views?|binh\s*luan|$)|co\s*chu)"
)
_LICENCE = re.compile(
    r"giay\s*phep|ban\s*quyen|copyright|\bgp-|/gp|chiu\s*trach\s*nhiem|thiet\s*ke|hieu\s*luc|ban\s*hanh|designed"
    r"|truy\s*cap|dang\s*ky\s*kinh\s*doanh|(?<![a-z])so\s*:?\s*\d+/"
)
_UPDATE = re.compile(r"cap\s*nhat|chinh\s*sua|updated|modified")
_PUBLISHED = re.compile(r"dang|xuat\s*ban|phat\s*hanh|posted|published|created")
_WORDS_BEFORE = 3
_CHARS_BEFORE, _CHARS_BEHIND = 80, 60
_LONGEST_RELATIVE = 60


def is_date_line(raw: str) -> bool:
    """Whether a line prints a date and hardly anything else (labels, a name, a category).

    `Sáng ngày 10/01/2023, Ban Thường vụ …` tells of an event, `Hội nghị ngày 10/01/2023` too.
    """
    parts = date_span(raw)
    if parts is None:
        return len(raw) <= _LONGEST_RELATIVE
    before, behind = parts
    return _leads_to_date(before) and _closes_line(behind)


def before_label(raw: str) -> str | None:
    """What stands before a date and its label on one line (a title); None without a date."""
    parts = date_span(raw)
    if parts is None or not _closes_line(parts[1]):
        return None
    label = _LABEL_AT_END.search(fold_letters(parts[0]))
    return parts[0][: label.start()] if label else parts[0]


def is_licence(raw: str) -> bool:
    """Whether a line dates a licence, a document or a counter, and no article."""
    return _LICENCE.search(fold_letters(raw)) is not None


def is_update(raw: str) -> bool:
    """Whether a line says when a page was changed, and not when it was published."""
    folded = fold_letters(raw)
    return _UPDATE.search(folded) is not None and _PUBLISHED.search(folded) is None


def is_published(raw: str) -> bool:
    """Whether a line says by a label that it dates a publication; no clock says so."""
    return _PUBLISHED.search(fold_letters(raw)) is not None


def _leads_to_date(before: str) -> bool:
    folded = fold_letters(before)
    if len(folded) > _CHARS_BEFORE or _EVENT.search(_LINK.sub("", folded)):
        return False
    if _LABELS.fullmatch(folded) or _LABELLED.search(folded):
        return True
    without = _LINK.sub("", folded)
    if _PARTED.search(without):
        return True
    if without != folded:  # `Bình Giang, ngày …` closes a letter, `Hội nghị ngày …` tells
        return _PLACE.fullmatch(without) is not None
    return _is_name(before) or len(folded.split()) <= _WORDS_BEFORE


def _is_name(before: str) -> bool:
    words = before.replace("-", " ").replace(",", " ").split()
    return len(words) <= 2 * _WORDS_BEFORE and all(word[0].isupper() for word in words)


def _closes_line(behind: str) -> bool:
    folded = fold_letters(behind)
    if _LABELS.fullmatch(folded) or _COUNTER.match(folded):
        return True
    return (
        len(folded) <= _CHARS_BEHIND
        and bool(_PARTING.match(folded))
        and not folded.rstrip().endswith(".")
    )
