"""What a page shows, made into an article: pure, from the found strings alone."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from crawler.normalise.bylines import Byline, read_byline
from crawler.normalise.places import read_district
from crawler.normalise.publication import Published, publication_date
from crawler.normalise.text import Body, assemble
from crawler.normalise.titles import clean_text, clean_title
from storage.records import Article, Found
from storage.times import utc_text

EXTRACTOR_VERSION = "2"
"""Raised whenever the same capture would be read differently."""


def normalise(found: Found) -> Article:
    """The article that a found page is; raw strings beside normal ones. Raises: nothing."""
    published = publication_date(found)
    body = assemble(found, published.candidate.raw if published.candidate else None)
    byline_raw, byline = _byline(found, body)
    title = _title(found)
    lead = _clean(found.lead_raw)
    return Article(
        url=found.url,
        title=title,
        title_raw=found.title_raw,
        lead=lead,
        text=body.text,
        section=_clean(found.section_raw),
        **_published(published),
        byline_raw=byline_raw,
        author=byline.author,
        office=byline.office,
        credit=byline.credit,
        **_district(found, byline.office, title, lead or body.text),
        images=body.images,
        attachments=found.attachments,
        date_candidates=published.considered,
        extractor=f"{found.family}-{EXTRACTOR_VERSION}",
    )


def _title(found: Found) -> str | None:
    if not found.title_raw:
        return None
    return clean_title(found.title_raw, site_names=found.site_names) or None


def _district(
    found: Found, office: str | None, title: str | None, lead: str | None
) -> dict[str, Any]:
    """The district that the article's own words name, where its site is not one district's.

    A page without a lead is asked by its first paragraph.
    """
    if found.has_district:
        return {}
    first = lead.partition("\n")[0] if lead else None
    read = read_district(office=office, title=title, lead=first, province=found.province)
    if read is None:
        return {}
    return {
        "district": read.code,
        "district_from": read.day,
        "district_evidence": read.evidence,
    }


def _clean(raw: str | None) -> str | None:
    return clean_text(raw) or None if raw else None


def _published(published: Published) -> dict[str, Any]:
    date, candidate = published.date, published.candidate
    if date is None or candidate is None:
        return {}
    to_the_minute = date.precision in ("minute", "second")
    return {
        "published_at": date.iso(),
        "published_utc": utc_text(date.value.astimezone(UTC)) if to_the_minute else None,
        "published_precision": date.precision,
        "published_raw": candidate.raw,
        "published_evidence": candidate.method,
        "published_flags": date.flags,
    }


def _byline(found: Found, body: Body) -> tuple[str | None, Byline]:
    """The byline that the markup marks, else the one that closes the text."""
    raws = [raw for raw in (found.byline_raw, found.credit_raw) if raw]
    if not raws:
        return body.byline_raw, body.byline or Byline()
    author = read_byline(found.byline_raw) if found.byline_raw else body.byline
    credit = read_byline(found.credit_raw) if found.credit_raw else None
    author, credit = author or Byline(), credit or Byline()
    if found.byline_raw is None and body.byline_raw:
        raws.insert(0, body.byline_raw)
    return "\n".join(raws), Byline(author.author, author.office, credit.credit or author.credit)
