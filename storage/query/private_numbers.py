"""Numbers that belong to a person: telephone, identity card, bank account.

They stay in what was published, but no search finds anybody by them: they are left out of the
folded forms, and the archivist is told where they stand (kind and offset, never the digits).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["phone", "identity_card", "bank_account"]

_RUN = re.compile(r"(?<![\w/.,-])\+?\(?\d(?:[ .)(-]{0,2}\d){7,18}(?![\w/%]|[.,-]\d)")
_PHONE = re.compile(r"(?:\+?84|0)(?:[35789]\d{8}|2\d{8,9})")
"""Mobile numbers have ten digits, fixed lines (02…) ten or eleven, with +84 for the first 0."""
_MONEY = re.compile(r"\s*(?:đồng|đ\b|vnđ|vnd|usd|m2|m²|ha\b|người|lượt)", re.IGNORECASE)
_ACCOUNT = re.compile(r"(?:tài\s+khoản|stk|số\s+tk|\btk)\b[^.;\n]{0,40}$", re.IGNORECASE)
_CARD = re.compile(r"(?:cmnd|cmtnd|cccd|căn\s+cước|chứng\s+minh)[^.;\n]{0,40}$", re.IGNORECASE)
_CONTEXT = 60
"""Characters before a number that say what it is."""


@dataclass(frozen=True, slots=True)
class PrivateNumber:
    """Where such a number stands in a text; not the number itself."""

    kind: Kind
    start: int
    """Offset of the first character."""
    end: int


def private_numbers(text: str) -> Iterator[PrivateNumber]:
    """Every such number in a text, in order. Raises: nothing."""
    for run in _RUN.finditer(text):
        kind = _kind(text, run)
        if kind is not None:
            yield PrivateNumber(kind, run.start(), run.end())


def _kind(text: str, run: re.Match[str]) -> Kind | None:
    digits = "".join(filter(str.isdigit, run[0]))
    before = text[max(0, run.start() - _CONTEXT) : run.start()]
    if _ACCOUNT.search(before):
        return "bank_account"
    if _CARD.search(before) and len(digits) in (9, 12):
        return "identity_card"
    if _PHONE.fullmatch("+" * run[0].startswith("+") + digits):
        return "phone"
    if len(digits) in (9, 12) and run[0].isdigit() and not _MONEY.match(text, run.end()):
        return "identity_card"
    return None


def without_private_numbers(text: str) -> str:
    """The text with a line break in the place of each such number."""
    parts, last = [], 0
    for number in private_numbers(text):
        parts += [text[last : number.start], "\n"]
        last = number.end
    return "".join((*parts, text[last:]))
