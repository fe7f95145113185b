"""Bylines: who wrote, for which office, and whom the page names as its source."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crawler.normalise.latin import fold_letters
from crawler.normalise.titles import clean_text

_MAX_CHARS = 120
_AUTHOR_LABEL = re.compile(
    r"(?:tac gia(?: bai viet)?|nguoi (?:viet|dang)|(?:tin|bai)(?:\s*(?:,|va|&|-)?\s*(?:anh|bai))?|thuc hien|bien tap|bt)\s*[:.]\s*"
)
_CREDIT_LABEL = re.compile(
    r"\(?(?:nguon(?: tin| bai viet)?\s*:|theo\b(?!\s+(?:do|dung|quy|ke)\b))\s*"
)
_OFFICE = re.compile(
    r"(?:van phong|ubnd|hdnd|ubmttq|uy ban|hoi dong|huyen (?:uy|doan)|tinh (?:uy|doan)|thanh (?:uy|doan)"
    r"|thi (?:uy|doan)|dang (?:uy|bo)|ban|phong|trung tam|tt|dai|hoi|cong an|bch|mat tran|mttq|so|chi cuc"
    r"|truong|toa an|vien|lien doan|quan su|doan thanh nien|xa|thi tran|phuong|cong thong tin|cttdt)\b"
)
_UPPER = "A-ZÀ-ÖØ-ÝĂĐĨŨƠƯẠ-Ỹ"
_WORD = rf"[{_UPPER}][^\W\d_]*\.?"
_NAME = re.compile(rf"{_WORD}(?:[ .]{_WORD}){{0,5}}")
_BETWEEN_NAMES = re.compile(r"\s*(?:[-–—,;&]|\bvà\b)\s*")
_DASH = re.compile(r"\s+[-–—]\s*|\s*[-–—]\s+|\s*/\s*")


@dataclass(frozen=True, slots=True)
class Byline:
    """A byline taken apart; what it does not name is None."""

    author: str | None = None
    office: str | None = None
    credit: str | None = None


def read_byline(raw: str) -> Byline | None:
    """Author, office and credit of a line; None if the line is no byline. Raises: nothing."""
    if len(raw) > 2 * _MAX_CHARS:  # padded with spaces perhaps, but no paragraph
        return None
    line = clean_text(raw)
    if not line or len(line) > _MAX_CHARS:
        return None
    folded = fold_letters(line)
    if label := _AUTHOR_LABEL.match(folded):
        return _names(line[label.end() :]) or Byline(author=line[label.end() :] or None)
    if label := _CREDIT_LABEL.match(folded):
        return Byline(credit=line[label.end() :].strip(" ().") or None)
    return _names(line, bare=True)


def _names(line: str, *, bare: bool = False) -> Byline | None:
    """`Hà Trang - Văn phòng Huyện uỷ`, `Kim Tiến – Tấn Hữu`, `Linh Lan`."""
    for dash in _DASH.finditer(line):
        name, rest = line[: dash.start()], line[dash.end() :]
        if _OFFICE.match(fold_letters(rest)) and _are_names(name):
            return Byline(author=name, office=rest)
    if _are_names(line) and (not bare or _looks_signed(line)):
        return Byline(author=line)
    return None


def _are_names(text: str) -> bool:
    parts = [part for part in _BETWEEN_NAMES.split(text.strip()) if part]
    return bool(parts) and all(_NAME.fullmatch(part) for part in parts)


def _looks_signed(line: str) -> bool:
    """A bare line is a signature only if it is short and no office or place by its first word."""
    return 2 <= len(re.split(r"[\s.]+", line.strip("."))) <= 8 and not _OFFICE.match(
        fold_letters(line)
    )
