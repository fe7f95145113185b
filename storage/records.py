"""What crosses from crawler to storage: plain frozen values, no behaviour beyond decoding."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from storage import http
from storage.urls import join_url

if TYPE_CHECKING:
    from storage.exchange import Exchange

Role = Literal["robots", "list", "feed", "article", "page", "image", "attachment", "requisite"]
"""Why an address is fetched. `page`: only reading tells what it is."""

ORGANS = ("party", "people_committee", "council", "front", "province", "other")
"""Whose portal a site may be."""

Truncated = Literal["length", "time", "disconnect", "unspecified"]
"""WARC/1.1 §5.13: a cap of ours, a time-out, a lost connection, something else."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where a record lies."""

    file: str
    """Relative to the archive's folder; the name without `.open`."""
    offset: int
    length: int
    """Bytes of its gzip member."""
    record_id: str
    """`<urn:uuid:…>`"""


@dataclass(frozen=True, slots=True)
class Capture:
    """One exchange as kept: the response that an address gave at one moment."""

    url: str
    fetched_at: datetime
    """Aware, UTC: when the request was sent."""
    status: int
    """0 if no whole HTTP head came: then every byte is the body."""
    headers: http.Headers
    raw_body: bytes
    """As transferred: with its content coding and, unless it is a revisit, its transfer coding."""
    record: Record | None = None
    """None for a page that stands in no archive (a saved file)."""
    truncated: Truncated | None = None
    unchanged: Capture | None = field(default=None, repr=False)
    """The earlier capture that a 304 says still holds; None if this is none."""

    def body(self) -> bytes:
        """The decoded body. Raises DecodeError."""
        return http.decode_body(self.headers, self.raw_body)

    def header(self, name: str) -> str | None:
        """The first value of a header field, whatever its case; None if it was not sent."""
        return http.header(self.headers, name)

    @property
    def location(self) -> str | None:
        """Where a 3xx response sends its reader, canonical; None if nowhere."""
        value = self.header("location")
        if not 300 <= self.status < 400 or value is None:
            return None
        # Header values are latin-1 by form and UTF-8 by habit (RFC 9110 §5.5).
        return join_url(self.url, value.encode("latin-1").decode("utf-8", "replace"))

    @property
    def mime(self) -> str:
        """Media type as declared, lower case, without parameters; '' if none was sent."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Link:
    """An address that a page names, and why it would be fetched."""

    url: str
    """Canonical (storage.urls.canonical_url)."""
    role: Role
    hop: Literal["L", "E", "R"] = "L"
    """How it was found, as in Heritrix's hop path: link, embedded, redirect."""
    paging: bool = False
    """Leads to the next page of the same list."""
    news_at: str | None = None
    """UTC text: a page that was last looked at before may have changed, or be gone, since; None:
    nothing is said of that."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph as shown: ASCII white space collapsed, else verbatim (NBSP stays)."""

    text: str
    caption: bool = False
    """The markup says that this is a caption (figcaption and its like)."""


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image within an article's flow."""

    url: str
    alt: str | None = None
    caption_raw: str | None = None
    """From the markup; None if the markup names none (the next paragraph may be one)."""
    lead: bool = False
    """Stands with the lead, before the text."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that an article offers for download."""

    url: str
    name: str
    """As the link is labelled."""


@dataclass(frozen=True, slots=True)
class DateCandidate:
    """A string on the page that may be a date, and where it stands."""

    raw: str
    place: Literal["article", "near_title", "header", "footer", "meta", "edit", "url"]
    """`near_title`: above it. `footer`: anywhere behind the article. `edit`: a field that is
    known to hold the time of the last edit."""
    method: Literal["printed", "meta", "url"]


@dataclass(frozen=True, slots=True)
class Found:
    """A page as shown: strings and addresses, nothing interpreted."""

    kind: Literal["article", "list", "other"]
    url: str
    """The article's canonical address if the page names a credible one, else the capture's."""
    fetched_at: datetime
    family: str
    title_raw: str | None = None
    lead_raw: str | None = None
    section_raw: str | None = None
    flow: tuple[Paragraph | FoundImage, ...] = ()
    """Body in order: paragraphs and images."""
    byline_raw: str | None = None
    """Where the markup marks one; else the last paragraphs may hold it."""
    credit_raw: str | None = None
    attachments: tuple[Attachment, ...] = ()
    dates: tuple[DateCandidate, ...] = ()
    """The likeliest first."""
    links: tuple[Link, ...] = ()
    site_names: tuple[str, ...] = ()
    """Names of the site that may hang on a title."""
    date_order: Literal["DMY", "MDY"] = "DMY"
    too_deep: bool = False
    """Tags were nested so deep that the deepest were left out; the text is whole."""
    has_district: bool = False
    """The site is one district's, so that no article's own words need to decide."""
    province: str | None = None
    """The site's province, as declared."""


@dataclass(frozen=True, slots=True)
class ArticleImage:
    """An image as an article shows it."""

    url: str
    caption_raw: str | None = None
    caption: str | None = None
    role: Literal["lead", "body"] = "body"


@dataclass(frozen=True, slots=True)
class Article:
    """A page read and normalised. Raw beside normal; what is not known is None."""

    url: str
    """Canonical address: with the site's id it makes the article's id."""
    title: str | None = None
    title_raw: str | None = None
    lead: str | None = None
    text: str | None = None
    """Paragraphs parted by a line break, verbatim but for encoding damage."""
    section: str | None = None
    published_at: str | None = None
    """Local (Asia/Ho_Chi_Minh), ISO 8601 cut to its precision: `2023-01-10T16:33:00+07:00`."""
    published_utc: str | None = None
    """UTC, only for minute and second."""
    published_precision: str | None = None
    published_raw: str | None = None
    published_evidence: str | None = None
    """`printed`, `meta` or `url`."""
    published_flags: tuple[str, ...] = ()
    byline_raw: str | None = None
    author: str | None = None
    office: str | None = None
    credit: str | None = None
    district: str | None = None
    """GSO code of the one district that the article's own words name; None if the site has one."""
    district_from: str | None = None
    """The day whose codes `district` follows."""
    district_evidence: str | None = None
    """Where it is named, and how: `office: Huyện uỷ Bình Giang`."""
    images: tuple[ArticleImage, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    date_candidates: tuple[dict[str, str | None], ...] = ()
    """Every date that was considered: raw, place, value, and why it was not taken."""
    extractor: str = ""
    """Family and version of the code that read it: `nukeviet-2`."""


@dataclass(frozen=True, slots=True)
class Image:
    """Image bytes, kept once for each sha256."""

    sha256: str
    mime: str
    """Sniffed from the bytes, not as declared."""
    data: bytes
    width: int | None = None
    """Pixels; None if the header could not be read."""
    height: int | None = None
    problem: str | None = None
    """Why it was not decoded (a bomb, damage); None if it was."""


@dataclass(frozen=True, slots=True)
class FrontierRow:
    """An address of the frontier, as handed out."""

    id: int
    url: str
    origin: str
    role: Role
    depth: int
    hops: str
    via: str | None
    tries: int
    """Finished tries before this one."""
    last: Record | None = None
    """Where the address's last sound answer lies, to ask whether it changed; None: ask for all."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something skipped or failed, and why."""

    stage: Literal["frontier", "fetch", "read", "image", "save"]
    kind: str
    """A short constant, to count by: `robots`, `http_503`, `not_an_image`."""
    message: str
    url: str | None = None
    """None: the page's own address."""
    skipped: bool = False
    """Left out by rule (robots.txt, a redirect off the site), as against failed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check of a run found, with the numbers that it was judged by."""

    check: str
    """A short constant: `date_coverage`, `quiet`, `gambling`; docs/archivists.md lists them."""
    message: str
    numbers: dict[str, Any]
    captures: tuple[str, ...] = ()
    """Record ids of captures that show it; a few, if many do."""
    pauses: bool = False
    """The site may not be the same any more: it is not crawled until somebody has looked."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`, the journal and the table `run`."""
        return asdict(self) | {"captures": list(self.captures)}


@dataclass(frozen=True, slots=True)
class Page:
    """One exchange, read: everything that one savepoint of the database takes in."""

    row: FrontierRow
    exchange: Exchange | None = field(default=None, repr=False)
    """What passed over the wire; None if not one byte came back."""
    capture: Capture | None = field(default=None, repr=False)
    found: Found | None = field(default=None, repr=False)
    article: Article | None = field(default=None, repr=False)
    image: Image | None = field(default=None, repr=False)
    body_sha256: str | None = None
    """Of the decoded body, lower-case hex; for images and attachments only."""
    robots: str | None = field(default=None, repr=False)
    """The rules that hold from now on for the row's origin; None if the row is no robots.txt."""
    links: tuple[Link, ...] = field(default=(), repr=False)
    failures: tuple[Failure, ...] = ()
    retry_seconds: float | None = None
    """Try again after this many seconds; None if the row is finished."""
    failed: bool = False
    """The row ended without what it was fetched for."""
