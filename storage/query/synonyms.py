"""Other ways to write what is searched for: abbreviations, names of two spellings, i for y.

Used at query time only, so that the index holds what was printed and nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from itertools import islice

from storage.query.folding import fold, tone_key

Words = tuple[str, ...]

_SAME = """
UBND = Uỷ ban nhân dân
HĐND = Hội đồng nhân dân
BTV = Ban Thường vụ
BCH = Ban Chấp hành
BCĐ = Ban Chỉ đạo
TUV = Tỉnh uỷ viên
HUV = Huyện uỷ viên
UVBTV = Uỷ viên Ban Thường vụ
UBKT = Uỷ ban Kiểm tra
MTTQ = Mặt trận Tổ quốc
UBMTTQ = Uỷ ban Mặt trận Tổ quốc
LĐLĐ = Liên đoàn Lao động
LHPN = Liên hiệp Phụ nữ
CCB = Cựu chiến binh
HTX = hợp tác xã
NTM = nông thôn mới
CCHC = cải cách hành chính
GPMB = giải phóng mặt bằng
ANTT = an ninh trật tự
KT-XH = kinh tế - xã hội
QP-AN = quốc phòng - an ninh
PCTT = phòng chống thiên tai
THCS = trung học cơ sở
THPT = trung học phổ thông
TW = Trung ương
Đắk Lắk = Đắc Lắc = Đăk Lăk = Daklak
Đắk Nông = Đắc Nông = Đăk Nông
Bắc Kạn = Bắc Cạn
Kon Tum = Kontum = Công Tum
"""
_I_OR_Y = re.compile(r"(h|k|l|m|s|t|qu)([iy])([1-5]?)")
"""Syllables that may end in i or y: tỷ = tỉ, quý = quí, kỹ = kĩ; on both folded forms."""
_MAX_VARIANTS = 12


def variants(words: Words, *, toned: bool) -> list[Words]:
    """The same words in every other spelling, their own first, at most twelve."""
    found: list[Words] = [()]
    place = 0
    while place < len(words):
        length, choices = spellings_at(words, place, toned=toned)
        longer = (start + choice for choice in choices for start in found)
        found = list(islice(longer, _MAX_VARIANTS))
        place += length
    return found


def spellings_at(words: Words, place: int, *, toned: bool) -> tuple[int, list[Words]]:
    """How many words from here on are one thing, and its spellings, the given one first."""
    table = _table(toned)
    for length in range(min(_longest(toned), len(words) - place), 0, -1):
        given = words[place : place + length]
        if given in table:
            return length, [given, *(other for other in table[given] if other != given)]
    given = words[place : place + 1]
    other = _I_OR_Y.fullmatch(given[0])
    if other is None:
        return 1, [given]
    return 1, [given, (other[1] + ("y" if other[2] == "i" else "i") + other[3],)]


@cache
def _table(toned: bool) -> dict[Words, list[Words]]:
    """Every spelling with its set, in one of the two folded forms."""
    form: Callable[[str], str] = tone_key if toned else fold
    found: defaultdict[Words, list[Words]] = defaultdict(list)
    for line in _SAME.strip().splitlines():
        same = list(dict.fromkeys(tuple(form(one).split()) for one in line.split(" = ")))
        for one in same:
            found[one] += [other for other in same if other not in found[one]]
    return dict(found)


@cache
def _longest(toned: bool) -> int:
    return max(map(len, _table(toned)))
