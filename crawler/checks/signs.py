"""Pages that stand in the place of a site's own: recognised from the page alone, by what it says.

    challenge     are you a browser? a person?
    login_page    asks for a name and a password
    maintenance   works: back soon
    no_site       the server's own page, a suspended host
    parked        a domain that lapsed or is for sale
    gambling      advertising for casinos and bookmakers

Their bytes are kept; what they say is never an article, and their links are not followed. News
about such things is news: an article with a date or with more to say than a notice has no sign.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.checks.thresholds import BARE_CHARS, GAMBLING_WORDS, INVITING_WORDS, NEWS_WORDS
from crawler.pages.document import Document, collapse
from storage.records import Capture, Found, Paragraph

if TYPE_CHECKING:
    from crawler.sites import Site

TAKEN_OVER = frozenset({"parked", "gambling"})
"""Signs that the site is not its owner's any more."""
SIGNS = frozenset({"challenge", "login_page", "maintenance", "no_site"}) | TAKEN_OVER


@dataclass(frozen=True, slots=True)
class Sign:
    """What a page is instead of a page of the site."""

    kind: str
    """One of SIGNS."""
    said: str
    """The words that show it."""

    @property
    def message(self) -> str:
        """For the failure that is stored."""
        return f"{_NAMES[self.kind]}: {self.said!r}"


_NAMES = {
    "challenge": "a challenge instead of the page",
    "login_page": "a login instead of the page",
    "maintenance": "a notice of maintenance instead of the page",
    "no_site": "no site here, only a server",
    "parked": "the domain has lapsed or is for sale",
    "gambling": "advertising for gambling",
}


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_PORTAL = r"(?:web ?site|site|hệ thống|máy chủ|cổng thông tin|trang(?: web| tin| thông tin| chủ)?)"
_WORKS = "(?:bảo trì|bảo dưỡng|nâng cấp)"
_PATTERNS = {
    "challenge": _any(
        r"^just a moment\W*$", r"attention required!? \| cloudflare",  # Cloudflare
        "checking your browser", "verify(?:ing)? you are human", "complete the captcha",
        "enable javascript and cookies to continue", "ddos protection by",
        "(?:xác minh|xác nhận|chứng minh)[^.]{0,30}là con người",
        "(?:xác minh|xác nhận|chứng minh)[^.]{0,30}không phải[^.]{0,15}(?:robot|máy)",
        "nhập (?:mã )?captcha",
    ),
    "maintenance": _any(
        rf"{_PORTAL}[^.]{{0,60}}(?:đang|tạm)[^.]{{0,40}}(?:{_WORKS}|xây dựng)",
        rf"đang (?:được )?{_WORKS} {_PORTAL}", rf"^(?:đang )?{_WORKS}\W*$",
        "under (?:maintenance|construction)", "(?:down for|scheduled) maintenance",
    ),
    "no_site": _any(
        "^welcome to nginx", "apache2? .{0,20}default page", "^apache http server test page",
        r"^iis ?\d", "^iis windows", "^it works!", "web server'?s default page",
        "^account (?:has been )?suspended", "^domain suspended", "hosting đã hết hạn",
        "tên miền.{0,60}bị (?:tạm ngừng|tạm ngưng|khoá|khóa)",
    ),
    "parked": _any(
        "(?:buy|purchase) this domain", "parked free", "sedoparking",
        r"domain (?:name )?(?:\S+ )?(?:is|may be) (?:for sale|parked)",
        r"domain (?:\S+ )?has expired",
        "tên miền.{0,60}(?:rao bán|đang được bán|cần bán|để bán|đã hết hạn)",
    ),
}  # fmt: skip
"""What such pages say, NFC and in small letters; a dot ends a sentence, or stands in a domain."""

_SCRIPTS = (b"_cf_chl_opt", b"cf-browser-verification", b"slowAES.decrypt")
"""Of challenges: Cloudflare's, and testcookie-nginx's, which vDDoS took over. No other page has
them; Cloudflare puts /cdn-cgi/challenge-platform/ into sound pages too."""
_COOKIE_AND_AGAIN = re.compile(
    rb"document\.cookie\s*=.{0,2000}location\.(?:reload|href|replace)", re.DOTALL
)
_LOGIN = re.compile(r"đăng nhập|log ?in\b|sign ?in\b|authenticat")
_PASSWORD = re.compile(rb"""<input\b[^>]*type\s*=\s*["']?password""", re.IGNORECASE)

_GAMBLING = _any(
    # names of the trade's sites: 98win, fun88, jun88, kubet
    r"\b(?:\d{2,3}(?:win|bet|club)|[a-z]{1,6}bet\d{0,3}|[a-z]{1,5}88|kuwin|sunwin|rikvip|go88)\b",
    "nhà cái", "cá cược", "cá độ", r"\bkèo\b", "nổ hũ", "đá gà", "tài xỉu", "xóc đĩa",
    "đổi thưởng", "lô đề", "bắn cá", "soi cầu",
    "casino", "baccarat", "jackpot", r"\bslots?\b", r"\bpoker\b", r"\bbetting\b", "gambling",
    "sportsbook", "roulette", "blackjack", "free spins",
    r"\bgacor\b", r"\bjudi\b", r"\btogel\b", r"\bmaxwin\b", "taruhan",
    "博彩", "娱乐城", "彩票", "百家乐", "投注", "老虎机", "赌场",
)  # fmt: skip
_INVITING = _any(
    "đăng ký", "nạp tiền", "rút tiền", "nạp rút", "khuyến mãi", "hoàn trả", "uy tín", "tải app",
    "link vào", "nhận thưởng", "hội viên",
    "daftar", "deposit", r"\bbonus\b", "withdraw", "sign up", r"\bpromo", "terpercaya",
    "注册", "开户", "优惠", "充值",
)  # fmt: skip
_NEWS = _any(
    "công an", "cảnh sát", "khởi tố", "bị can", "bị cáo", "bắt giữ", "quả tang", "triệt phá",
    "truy tố", "xét xử", "t(?:òa|oà) án", "vi phạm", "tệ nạn",
)  # fmt: skip


def sign_of(capture: Capture, site: Site, found: Found | None = None) -> Sign | None:
    """The sign that a page shows; None if it is a page like any other.

    `found` is what was read from it; without it (an answer of 403 or 503) the page is looked at
    as one that says little. Raises DecodeError.
    """
    if capture.header("cf-mitigated") == "challenge":  # as Cloudflare documents it
        return Sign("challenge", "cf-mitigated: challenge")
    title = _plain(found.title_raw or "") if found is not None else ""
    if found is None or _is_bare(found) or _PATTERNS["no_site"].search(title):
        notice = _notice(Document(capture, site), capture.body())
        return notice or _advertising(capture, site, found)
    return _advertising(capture, site, found) if _GAMBLING.search(title) else None


def _is_bare(found: Found) -> bool:
    """No date of its own, no list, hardly a text."""
    if found.kind == "list" or any(link.role == "article" for link in found.links):
        return False
    if any(date.place in ("article", "near_title") for date in found.dates):
        return False
    return len(_own_text(found)) <= BARE_CHARS


def _own_text(found: Found) -> str:
    return " ".join(part.text for part in found.flow if isinstance(part, Paragraph))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _notice(document: Document, body: bytes) -> Sign | None:
    headings = [collapse(node.text()) for node in document.tree.css("title, h1, h2, h3")]
    text = visible_text(document)
    if not text and _COOKIE_AND_AGAIN.search(body):
        return Sign("challenge", "sets a cookie by script and loads again")
    for script in _SCRIPTS:
        if script in body:
            return Sign("challenge", script.decode())
    said = [*headings, text] if len(text) <= BARE_CHARS else headings
    for kind, pattern in _PATTERNS.items():
        for one in said:
            if match := pattern.search(_plain(one)):
                return Sign(kind, match[0])
    named = next((one for one in headings if _LOGIN.search(_plain(one))), None)
    return Sign("login_page", named) if named and _PASSWORD.search(body) else None


def visible_text(document: Document) -> str:
    """Everything that a page says, scripts and styles left out."""
    document.tree.strip_tags(["script", "style"])
    root = document.tree.body
    return collapse(root.text(separator=" ")) if root is not None else ""


def _advertising(capture: Capture, site: Site, found: Found | None) -> Sign | None:
    """An advertisement says so in its title; what it is about, in many words."""
    document = Document(capture, site)
    title = _plain((found.title_raw if found else None) or document.text("title") or "")
    if not _GAMBLING.search(title):
        return None
    text = f"{title} {_plain(visible_text(document))}"
    own = f"{title} {_plain(_own_text(found))}" if found and found.flow else text
    games = dict.fromkeys(_GAMBLING.findall(text))
    if len(games) < GAMBLING_WORDS or len(set(_INVITING.findall(text))) < INVITING_WORDS:
        return None
    if len(set(_NEWS.findall(own))) >= NEWS_WORDS:
        return None
    return Sign("gambling", ", ".join(list(games)[:GAMBLING_WORDS]))
