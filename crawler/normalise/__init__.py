"""What a page shows, made into an article: pure, from the found strings alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import Any

from crawler.normalise.bylines import Byline, read_byline
from crawler.normalise.encodings import find_repair
from crawler.normalise.places import read_district
from crawler.normalise.publication import Published, publication_date
from crawler.normalise.text import Body, assemble
from crawler.normalise.titles import clean_text, clean_title
from storage.records import Article, Found, Paragraph
from storage.times import utc_text

EXTRACTOR_VERSION = "3"
"""Raised whenever the same capture would be read differently."""


def normalise(found: Found) -> Article:
    """The article that a found page is; raw strings beside normal ones. Raises: nothing."""
    published = publication_date(found)
    title_raw = found.title_raw
    found = _in_unicode(found)
    body = assemble(found, published.candidate.raw if published.candidate else None)
    byline_raw, byline = _byline(found, body)
    title = _title(found)
    return Article(
        url=found.url,
        title=title,
        title_raw=title_raw,
        lead=body.lead,
        text=body.text,
        section=_clean(found.section_raw),
        **_published(published),
        byline_raw=byline_raw,
        author=byline.author,
        office=byline.office,
        credit=byline.credit,
        **_district(found, byline.office, title, body.lead or body.text),
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


def _in_unicode(found: Found) -> Found:
    """The strings of a page whose letters are those of a legacy encoding, as they were meant."""
    texts = (item.text for item in found.flow if isinstance(item, Paragraph))
    repair = find_repair([found.title_raw or "", *texts])
    if repair is None:
        return found

    def mend(raw: str | None) -> str | None:
        return repair(raw) if raw else raw

    flow = [
        replace(item, text=repair(item.text))
        if isinstance(item, Paragraph)
        else replace(item, caption_raw=mend(item.caption_raw))
        for item in found.flow
    ]
    return replace(
        found,
        flow=tuple(flow),
        title_raw=mend(found.title_raw),
        lead_raw=mend(found.lead_raw),
        section_raw=mend(found.section_raw),
        byline_raw=mend(found.byline_raw),
        credit_raw=mend(found.credit_raw),
    )


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
        return body.byline_raw, body.byline
    marked = [read_byline(raw) or Byline() for raw in raws]
    if body.byline_raw:
        raws.append(body.byline_raw)
        marked.append(body.byline)
    return "\n".join(raws), Byline(
        *(
            next((value for one in marked if (value := getattr(one, name))), None)
            for name in ("author", "office", "credit")
        )
    )
