"""Lines that portals print around articles, as whole lines over folded text.

The phrases and where they were seen are facts collected from stored pages of portals.
"""

from __future__ import annotations

import re
from functools import lru_cache

from crawler.normalise.latin import fold_letters

_LONGEST = 120
"""Characters: no such line is longer, so that running text costs nothing."""

_DROP = re.compile(
    r"""
    xem\ voi\ co\ chu .*
    | (?:tang|giam)\ co\ chu .*
    | (?:tang\ )?tuong\ phan :?
    | (?:in\ ra | in\ trang | in\ bai\ viet | ban\ in | in)
    | (?:gui|chia\ se) (?:\ bai\ viet)? (?:\ qua\ email)? [\s:]*
    | (?:so\ )?(?:luot\ xem | luot\ doc | da\ xem | view) \s*:?\s* [\d.,]+ .{0,10}
    | phan\ hoi\s*:?\s*\d* | doc\ bai\ viet | nghe\ bai\ viet
    | tai\ them\ tin | xem\ them | ve\ dau\ trang | quay\ lai | tro\ ve
    | tieng\ viet\ \|\ english | truy\ cap\ noi\ dung\ luon
    | trang\ chu | lien\ he | gioi\ thieu | dang\ nhap | so\ do\ (?:site|trang|cong)
    | page\ content | chi\ tiet\ bai\ viet | xuat\ ban\ thong\ tin | null
    """,
    re.VERBOSE,
)
_CUT = re.compile(
    r"""
    (?: (?:(?:cac|nhung)\s)? (?:bai\ viet|tin\ bai|bai|tin|tin\ tuc)\s (?:khac|lien\ quan|cung\ (?:loai|chuyen\ muc)|noi\ bat|doc\ nhieu|moi\ hon|cu\ hon|da\ dua|moi\ nhat|moi)
      | (?:cac\ )?tin (?:\ bai)?\ lien\ quan | tin\ moi\ hon | tin\ cu\ hon | tin\ cung\ chuyen\ muc
      | bai\ viet\ (?:lien\ quan|khac|cung\ chuyen\ muc)
      | co\ the\ ban\ quan\ tam | cac\ album\ da\ dang
      | y\ kien\ ban\ doc | ban\ doc\ phan\ hoi | (?:viet\ )?binh\ luan | gui\ binh\ luan
      | them\ y\ kien\ gop\ y | thong\ tin\ ban\ doc
      | tong\ so\ diem\ cua\ bai\ viet .* | click\ de\ danh\ gia\ bai\ viet
      | (?:ban\ quyen\ thuoc | giay\ phep\ so) .*
    ) [\s:.…(]* \d* [\s)]*
    """,
    re.VERBOSE,
)


def is_chrome(line: str) -> bool:
    """Whether a whole line is a tool, a counter or a label, and nobody's text."""
    return len(line) <= _LONGEST and _is_chrome(line)


def is_cut(line: str) -> bool:
    """Whether the article ends before this line (related lists, comments, footers)."""
    return len(line) <= _LONGEST and _is_cut(line)


# A site prints the same lines on all of its pages.


@lru_cache(maxsize=8192)
def _is_chrome(line: str) -> bool:
    return _DROP.fullmatch(_folded(line)) is not None


@lru_cache(maxsize=8192)
def _is_cut(line: str) -> bool:
    return _CUT.fullmatch(_folded(line)) is not None


def _folded(line: str) -> str:
    return " ".join(fold_letters(line).split())
