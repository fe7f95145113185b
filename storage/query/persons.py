"""Officials in their posts, found in a text by rules: `Lê Quý Tiệp`, `TUV, Bí thư Huyện uỷ …`.

Computed when somebody asks for one article, and kept nowhere: there is no list of persons that
could leak, be searched, or outlive a takedown. docs/ethics.md says why, and what we refuse.
A name without a post is nobody's business here; a name that is also a place's is taken for the
place (streets and communes bear the names of the dead).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from storage.errors import UsageError
from storage.places.gazetteer import gazetteer, name_key

SETTING = "TINHUYEN_PERSONS"
"""The operator's switch: `1` lets `show --with-persons` name officials."""

_SURNAMES = (
    "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đào Đinh Đoàn Trịnh Mai "
    "Tô Tạ Hà Lương Trương Cao Chu Châu Lâm Phùng Vương Tăng Thái Kiều Quách La Lại Lưu Tống Triệu "
    "Nông Hứa Lò Vi Lường Cầm Quàng Sùng Giàng Vàng Thào Vừ Mùa Lầu Hờ Ma Bế Khổng Nghiêm Doãn Uông "
    "Thân Tiêu Diệp Âu Giáp Giang Bạch Cù Cung Đàm Đậu Điêu Hàn Khuất Khương Kim Lã Lục Mạc Mã Nghê "
    "Ngọ Nhâm Ninh Phí Sầm Thạch Thẩm Tòng Trang Tưởng Ung"
)
"""The commonest, of several peoples; a surname that is missing here is an official missed."""
_HEADS = (
    r"(?:Quyền |Nguyên |nguyên |Phó |phó )?(?:Tổng )?(?:Bí thư|Chủ tịch|Chủ nhiệm|Trưởng|Giám đốc|Chánh án"
    r"|Chánh|Viện trưởng|Hiệu trưởng|Cục trưởng|Chi cục trưởng|Thủ tướng|Bộ trưởng|Thứ trưởng|Đội trưởng)"
    r"|Chỉ huy trưởng|Chính trị viên|(?:Tỉnh|Huyện|Thành|Thị|Quận|Đảng) (?:u[ỷy]|ủy) viên"
    r"|(?:U[ỷy]|Ủy) viên|Đại biểu|TUV|HUV|UVBTV|UVTV|PBT|CT UBND|PCT"
)
# Words of a post that are written small; the first other small word ends it.
_LOWER = (
    "ban bộ chức các chi công cơ cấp dân đảng đoàn đốc đồng giáo hội huyện khối kiểm kinh luật mặt "
    "nhân nhất pháp phòng phố phường quan quận quân quyền quốc sở sự tài tế thanh thành thị thư thuộc thường "
    "thôn tịch tỉnh tổ tra trận trấn trú trực trung trưởng tư uỷ ủy văn viên vụ xã y vận giám nội"
)
_UPPER = "".join(
    char for char in map(chr, (*range(0x41, 0x250), *range(0x1EA0, 0x1F00))) if char.isupper()
)
_SYLLABLE = rf"[{_UPPER}][^\W\d_{_UPPER}]*(?!\w)"
_NAME = re.compile(
    rf"(?<!\w)(?:{'|'.join(sorted(set(_SURNAMES.split())))})"
    rf"(?:\ (?!Bí\ thư|Chủ\ |Phó\ |Trưởng\ |Giám\ đốc|Ủy\ |U[ỷy]\ ){_SYLLABLE}){{1,4}}"
)
_TOKEN = rf"(?:[{_UPPER}][\w'’-]*|(?:{'|'.join(sorted(set(_LOWER.split())))})(?!\w))"
# A dash belongs to one rule only (here), or the search for a post's beginning runs wild.
_ONE_POST = rf"(?:{_HEADS})(?!\w)(?:\ (?:-\ )?{_TOKEN})*"
_POST = rf"{_ONE_POST}(?:\s*[,;]\ (?:{_ONE_POST}))*"
_AFTER = re.compile(rf"\s*(?:[-–—,(]|là)\s*({_POST})")
_BEFORE = re.compile(rf"(?<!\w)({_POST})(?:\s*[,:–-])?\s+(?:(?:đồng chí|đ/c|ông|bà)\s+)?$")
_REACH = 160
"""Characters before a name within which its post begins."""
_NOT_NAMES = frozenset({"Đoàn Thanh", "Hồ Chí Minh", "Kim Đồng", "Hoa Kỳ", "Lý Luận", "Thi Đua"})


@dataclass(frozen=True, slots=True)
class Official:
    """An official as a text names one. Offsets are of characters in that text."""

    name: str
    post: str
    start: int
    """Where the name begins."""
    end: int


def officials(text: str) -> Iterator[Official]:
    """Every naming of an official with a post right before or behind. Raises: nothing."""
    for found in map(_without_place, _NAME.finditer(text)):
        name = found[0]
        if name in _NOT_NAMES or name_key(name) in gazetteer().by_key:
            continue
        post = _AFTER.match(text, found.end()) or _BEFORE.search(
            text, max(0, found.start() - _REACH), found.start()
        )
        if post is not None:
            yield Official(name, post[1], *found.span())


def _without_place(found: re.Match[str]) -> re.Match[str]:
    """The name alone where a place runs into it: `Huyện uỷ Bình Giang Lê Quý Tiệp`."""
    before = found.string[max(0, found.start() - _REACH) : found.start()].split(" ")
    if len(before) < 2 or not before[-2][:1].isupper() or before[-1]:
        return found
    inner = _NAME.search(found.string, found.start() + 1)
    return inner if inner is not None and inner.start() < found.end() else found


def persons_of(article: dict[str, Any]) -> list[dict[str, Any]]:
    """The officials that an article (DESIGN §7) names, with the field that `start` counts in."""
    return [
        {"field": field, **asdict(one)}
        for field in ("title", "lead", "text")
        for one in officials(article[field] or "")
    ]


def require_setting() -> None:
    """Raises UsageError unless the operator has turned the naming of officials on."""
    if os.environ.get(SETTING) != "1":
        raise UsageError(
            f"naming persons is off in this archive; an operator turns it on with {SETTING}=1"
            " (docs/ethics.md says what to weigh first)"
        )
