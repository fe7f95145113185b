"""Who saw an article, and when: one article may be known from several archives."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from storage.database.donations import donation
from storage.database.schema import article, capture, reading


def sightings_of(connection: Connection, id_: str) -> list[dict[str, Any]]:
    """How often each archive caught an article (by its whole id), when first and last.

    `donor` and `terms` are None for what nobody gave. The earliest first.
    """
    first, last = func.min(capture.c.fetched_at), func.max(capture.c.fetched_at)
    by_whom = (capture.c.provenance, donation.c.donor, donation.c.terms)
    query = (
        select(*by_whom, func.count().label("captures"), first.label("first"), last.label("last"))
        .select_from(reading)
        .join(article, article.c.key == reading.c.article)
        .join(capture, capture.c.id == reading.c.capture)
        .outerjoin(donation, donation.c.file == capture.c.warc_file)
        .where(article.c.id == id_, reading.c.state == "accepted")
        .group_by(*by_whom)
        .order_by(first, *by_whom)
    )
    return [dict(row._mapping) for row in connection.execute(query)]
