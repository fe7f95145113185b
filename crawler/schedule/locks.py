"""What excludes what: sites that share a host or a server are crawled one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from crawler.sites import Site
from storage.database.server_addresses import answering
from storage.urls import host_of


def locks_of(tx: Connection, sites: Mapping[str, Site]) -> dict[str, str]:
    """By site, the lock of its jobs: one for all that are joined by hosts and server addresses."""
    seen = answering(tx)
    return join(
        {
            id_: {*one.hosts, *(ip for url, ip in seen.get(id_, ()) if host_of(url) in one.hosts)}
            for id_, one in sites.items()
        }
    )


def join(keys: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """By name, the smallest key of all that it is joined with by keys in common, however far.

    A name without keys stands alone, under its own name.
    """
    parent: dict[str, str] = {}

    def top(key: str) -> str:
        while (above := parent.setdefault(key, key)) != key:
            key = above
        return key

    for own in keys.values():
        tops = {top(key) for key in own}
        parent |= dict.fromkeys(tops, min(tops, default=""))
    return {name: top(min(own)) if own else f"site {name}" for name, own in keys.items()}
