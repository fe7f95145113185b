"""What the sample portal publishes: the seed's article, and some sixty that no one wrote.

The seed is the text of a real page (Huyện uỷ Bình Giang, 10 January 2023); its markup is not known
and is made up here. All other articles are put together from the lists below and say nothing
about anything that happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

SEED_ID = 101
SEED_TITLE = "Huyện Bình Giang tổ chức hội nghị tổng kết công tác xây dựng Đảng và phong trào thi đua năm 2022"
SEED_CAPTION = "Toàn cảnh hội nghị"
SEED_BYLINE = "Hà Trang - Văn phòng Huyện uỷ Bình Giang"

_PARTY_ARTICLES = 38
_COUNCIL_ARTICLES = 22

_PLACES = (
    "Thúc Kháng", "Thái Dương", "Bình Xuyên", "Nhân Quyền", "Cổ Bì", "Hồng Khê", "Long Xuyên",
    "Tân Việt", "Tân Hồng", "Vĩnh Hưng", "Hùng Thắng", "Vĩnh Hồng", "Thái Hoà", "Kẻ Sặt",
)  # fmt: skip
_EVENTS = (
    ("tổ chức hội nghị sơ kết công tác xây dựng Đảng", "Tin trong huyện"),
    ("khánh thành nhà văn hóa thôn", "Tin trong huyện"),
    ("ra quân trồng cây đầu xuân", "Tin trong huyện"),
    ("tiếp xúc cử tri trước kỳ họp thường lệ", "Tin tổng hợp"),
    ("tập huấn chuyển đổi số cho cán bộ, công chức", "Tin tổng hợp"),
    ("trao tặng nhà đại đoàn kết cho hộ nghèo", "Tin tổng hợp"),
    ("đón bằng công nhận đạt chuẩn nông thôn mới nâng cao", "Tin trong huyện"),
)
_SENTENCES = (
    "Dự buổi lễ có đại diện lãnh đạo xã, các ban, ngành, đoàn thể và đông đảo nhân dân trên địa bàn.",
    "Phát biểu tại hội nghị, đại diện lãnh đạo địa phương ghi nhận những kết quả đã đạt được trong "
    "thời gian qua và chỉ rõ những việc cần tiếp tục thực hiện.",
    "Theo báo cáo, đến nay toàn xã có {n}/{m} thôn hoàn thành chỉ tiêu, đạt tỷ lệ {p}%, tăng so với "
    "cùng kỳ năm trước.",
    "Các đại biểu đã thảo luận, trao đổi kinh nghiệm và đề xuất nhiều giải pháp thiết thực, phù hợp "
    "với tình hình thực tế của địa phương.",
    "Thời gian tới, địa phương tiếp tục đẩy mạnh tuyên truyền, vận động nhân dân tham gia, phấn đấu "
    "hoàn thành các mục tiêu đã đề ra.",
    "Kết thúc chương trình, các đại biểu đã đi thăm mô hình sản xuất và tặng quà các gia đình chính "
    "sách tiêu biểu trên địa bàn.",
)
_AUTHORS = ("Minh Anh", "Thu Hằng", "Quang Huy - Trung tâm VHTT huyện", "Ngọc Lan – Đức Mạnh", "")


@dataclass(frozen=True, slots=True)
class SampleArticle:
    """An article of the sample portal."""

    id: int
    title: str
    published: datetime
    """Local time, naive: as an editor would type it."""
    section: str
    lead: str
    paragraphs: tuple[str, ...]
    byline: str
    caption: str
    images: tuple[str, ...]
    """Names of its image files."""
    files: tuple[str, ...] = field(default=())
    """Names of its attachments."""


@cache
def seed_article() -> SampleArticle:
    """The page that this project began with."""
    lines = files("crawler.demo").joinpath("seed_article.txt").read_text("utf-8").split("\n")
    first = lines.index("Xem với cỡ chữ") + 1
    last = next(i for i, line in enumerate(lines) if line.startswith("Hình ảnh các tập thể"))
    body = [line for line in lines[first : last + 1] if line.strip() and line != SEED_CAPTION]
    return SampleArticle(
        id=SEED_ID,
        title=SEED_TITLE,
        published=datetime(2023, 1, 10, 16, 33),  # noqa: DTZ001
        section="Tin trong huyện",
        lead="",
        paragraphs=tuple(body),
        byline=SEED_BYLINE,
        caption=SEED_CAPTION,
        images=("101-1.jpg", "101-2.jpg"),
    )


@cache
def party_articles() -> tuple[SampleArticle, ...]:
    """Articles of the party committee's part, newest first."""
    made = [_made(102 + number, number) for number in range(_PARTY_ARTICLES - 1)]
    return tuple(
        sorted([seed_article(), *made], key=lambda article: article.published, reverse=True)
    )


@cache
def council_articles() -> tuple[SampleArticle, ...]:
    """Articles of the people's committee's part, newest first."""
    made = [_made(11 + number, number + 3, days=31) for number in range(_COUNCIL_ARTICLES)]
    return tuple(sorted(made, key=lambda article: article.published, reverse=True))


def _made(id_: int, number: int, days: int = 23) -> SampleArticle:
    """An article put together by arithmetic: the same one every time, one every so many days."""
    place = _PLACES[number * 5 % len(_PLACES)]
    event, section = _EVENTS[number % len(_EVENTS)]
    published = datetime(2021, 3, 2, 7, 15) + timedelta(days=days * number, minutes=97 * number)  # noqa: DTZ001
    opening = f"Sáng ngày {published:%d/%m/%Y}, xã {place} {event} với sự tham gia của {40 + number} đại biểu."
    figures = {"n": 2 + number % 5, "m": 8, "p": f"{12.5 * (2 + number % 5):.1f}".replace(".", ",")}
    body = [_SENTENCES[(number + step) % len(_SENTENCES)].format(**figures) for step in range(4)]
    return SampleArticle(
        id=id_,
        title=f"Xã {place} {event}",
        published=published,
        section=section,
        lead=f"Xã {place} vừa {event}, góp phần vào nhiệm vụ chung của huyện.",
        paragraphs=(opening, *body),
        byline=_AUTHORS[number % len(_AUTHORS)],
        caption=f"Quang cảnh tại xã {place}",
        images=() if number % 3 == 2 else (f"{id_}-1.jpg",),
        files=("ke-hoach.pdf",) if number % 10 == 4 else (),
    )
