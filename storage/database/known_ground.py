"""Where a run's discovery ends: lists met before, articles and files kept before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from storage.database.schema import capture, frontier
from storage.records import FrontierRow, Link

_KEPT_ONCE = frozenset({"article", "image", "attachment", "requisite"})


def is_new_list(tx: Connection, site: str, parent: FrontierRow, articles: Sequence[Link]) -> bool:
    """Whether no other list of this run named just these articles; notes that this one did.

    A server that answers every page number with the same page is known by that.
    """
    if parent.role not in ("list", "feed", "page") or not articles:
        return True
    names = "\n".join(sorted({link.url for link in articles}))
    digest = hashlib.blake2b(names.encode(), digest_size=16).digest()
    same = select(frontier.c.id).where(
        frontier.c.site == site,
        frontier.c.list_digest == digest,
        frontier.c.id != parent.id,
    )
    if tx.execute(same.limit(1)).first() is not None:
        return False
    tx.execute(update(frontier).where(frontier.c.id == parent.id).values(list_digest=digest))
    return True


def kept_before(tx: Connection, site: str, run: str, links: Sequence[Link]) -> set[str]:
    """Articles and files that an earlier run captured soundly; lists are always looked at again."""
    urls = [link.url for link in links if link.role in _KEPT_ONCE]
    if not urls:
        return set()
    sound = select(capture.c.url).where(
        capture.c.site == site,
        capture.c.url.in_(urls),
        capture.c.run != run,
        capture.c.truncated.is_(None),
        capture.c.status < 400,
    )
    return set(tx.execute(sound).scalars())
