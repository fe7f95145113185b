"""Bylines: who wrote, for which office, and whom the page names as its source."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crawler.normalise.latin import fold_letters
from crawler.normalise.titles import clean_text

_MAX_CHARS = 120
_LONGEST_RAW = 400  # padded with spaces, as seen, but no paragraph
_AUTHOR_LABEL = re.compile(
    r"(?:(?:dong )?tac gia(?: bai viet)?|nguoi (?:viet|dang|thuc hien)|(?:nhom )?pv"
    r"|(?:tin|bai)(?:\s*(?:,|va|&|-|/)?\s*(?:anh|bai|hinh|video|clip))*|thuc hien|bien tap|btv?)\s*[:.]\s*"
)
_CREDIT_LABEL = re.compile(
    r"\(?(?:(?:nguon|link goc)(?: tin| bai viet| bai| anh)?\s*:|theo\b\s*:?(?!\s*(?:do|dung|quy|ke|bao cao|ong|ba|dong chi)\b))\s*"
)
_PHOTO_LABEL = re.compile(r"\s*(?:[+&;,|]|-)?\s*(?:anh|hinh|video|ky thuat|do hoa)\s*:\s*")
_ONLY_PHOTO = re.compile(r"[(\s]*(?:anh|hinh|video|clip)\s*:")
_OFFICE = re.compile(
    r"(?:van phong|vp|ubnd|hdnd|ubmttq|uy ban|hoi dong|huyen (?:uy|doan)|tinh (?:uy|doan)|thanh (?:uy|doan)"
    r"|thi (?:uy|doan)|dang (?:uy|bo)|ban|phong|trung tam|tt|dai|hoi|cong an|bch|mat tran|mttq|so|chi cuc"
    r"|truong|toa an|vien|lien doan|quan su|doan thanh nien|xa|thi tran|phuong|cong thong tin|cttdt|bao|kho bac"
    r"|btg|btc|ubkt|bdv|kiem sat|thanh tra|chi doan|doan)\b"
)
_UPPER = "A-ZÀ-ÖØ-ÝĂĐĨŨƠƯẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸ"
_WORD = rf"[{_UPPER}][^\W\d_]*(?:['’][^\W\d_]+)?\.?"
_NAME = re.compile(rf"{_WORD}(?:[ .]\s?{_WORD}){{0,5}}")
_BETWEEN_NAMES = re.compile(r"\s*(?:[-–—,;&+]|\bvà\b)\s*")
_DASH = re.compile(r"\s+[-–—]\s*|\s*[-–—]\s+|\s*[/,]\s*|(?<=\w)[-–—](?=\w)")
_AGENCY = re.compile(rf"(?:[{_UPPER}]{{3,}}\w*|[\w-]+\.(?:vn|com|net))")
_PARENTHESISED = re.compile(r"(?P<name>[^()]+?)\s*\((?P<rest>[^()]+)\)\.?")
_SOURCES = frozenset(("TTXVN", "VOV", "VTV", "TTO"))
_INITIALS = re.compile(
    rf"(?:P\.?V\.?|[{_UPPER}]\.?[{_UPPER}]\.?|Phóng viên(?: \w+){{0,3}}|BBT|Ban [Bb]iên tập)(?:\s*[.-]\s*{_WORD}(?: {_WORD})*)?"
)
_DATELINE = re.compile(
    rf"\s*(?:\((?P<inner>[{_UPPER}][\w.&-]{{1,19}})\)\s*[-–—:.]?|(?P<domain>[\w-]+\.(?:vn|com|net))\s+[-–—])\s*(?=[{_UPPER}\"“])"
)


@dataclass(frozen=True, slots=True)
class Byline:
    """A byline taken apart; what it does not name is None."""

    author: str | None = None
    office: str | None = None
    credit: str | None = None


def read_byline(raw: str) -> Byline | None:
    """Author, office and credit of a line; None if the line is no byline. Raises: nothing."""
    line = _line(raw)
    if line is None:
        return None
    if line[0] == "(" and line.find(")") == len(line) - 1:
        line = line[1:-1]
    return _labelled(line) or _names(line.rstrip(" ."), bare=True)


def read_label(raw: str) -> Byline | None:
    """A line that a label marks (`Tác giả:`, `Nguồn:`); None for any other. Raises: nothing."""
    line = _line(raw)
    return _labelled(line) if line else None


def read_dateline(text: str) -> tuple[str, str] | None:
    """How a text begins that names its source, and the source: `(PLVN) - `, `Baonghean.vn - `."""
    match = _DATELINE.match(text)
    return (match[0], match["inner"] or match["domain"]) if match else None


def is_signed(raw: str) -> bool:
    """Whether a line names its author or source without doubt: by a label or an office."""
    if read_label(raw):
        return True
    byline = read_byline(raw)
    return byline is not None and byline.office is not None


def _line(raw: str) -> str | None:
    """A line that is short enough for a byline, cleaned; padding does not count."""
    padded = "  " in raw or "\u00a0\u00a0" in raw
    if len(raw) > (_LONGEST_RAW if padded else _MAX_CHARS):
        return None
    line = clean_text(raw)
    return line if 0 < len(line) <= _MAX_CHARS else None


def _labelled(line: str) -> Byline | None:
    folded = fold_letters(line)
    if _ONLY_PHOTO.match(folded):
        return Byline()  # whose pictures they are, not who wrote
    if label := _AUTHOR_LABEL.match(folded):
        rest = line[label.end() :]
        if photo := _PHOTO_LABEL.search(folded, label.end()):
            rest = line[label.end() : photo.start()]
        return _names(rest) or Byline(author=rest.strip() or None)
    if label := _CREDIT_LABEL.match(folded):
        return Byline(credit=line[label.end() :].strip(" ().") or None)
    return None


def _names(line: str, *, bare: bool = False) -> Byline | None:
    """`Hà Trang - Văn phòng Huyện uỷ`, `Kim Tiến – Tấn Hữu`, `Linh Lan`, `Trọng Đức (TTXVN)`."""
    if (match := _PARENTHESISED.fullmatch(line)) and _are_names(match["name"]):
        return _of(match["name"], match["rest"])
    for dash in _DASH.finditer(line):
        name, rest = line[: dash.start()], line[dash.end() :]
        if _are_names(name) and _is_office(rest, by_slash="/" in dash[0]):
            return _of(name, rest)
    if bare and _INITIALS.fullmatch(line):
        return Byline(author=line)
    if _are_names(line) and (not bare or _looks_signed(line)):
        return Byline(author=line)
    return None


def _of(name: str, rest: str) -> Byline:
    """A name with what stands behind it: an office, or the agency or paper that is the source."""
    if "." in rest or rest in _SOURCES:
        return Byline(author=name, credit=rest)
    return Byline(author=name, office=rest)


def _is_office(rest: str, *, by_slash: bool) -> bool:
    """Behind a slash anything is; else what begins as offices do, or an abbreviation."""
    if by_slash or _OFFICE.match(fold_letters(rest)):
        return bool(rest)
    return " " not in rest and _AGENCY.fullmatch(rest) is not None


def _are_names(text: str) -> bool:
    parts = [part for part in _BETWEEN_NAMES.split(text.strip()) if part]
    return bool(parts) and all(_NAME.fullmatch(part) for part in parts)


def _looks_signed(line: str) -> bool:
    """A bare line is a signature only if it is short and no office or place by its first word."""
    return 2 <= len(re.split(r"[\s.]+", line.strip("."))) <= 8 and not _OFFICE.match(
        fold_letters(line)
    )
