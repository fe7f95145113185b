"""Which articles an update looks at again, and how many: that depends on what a look costs."""

from __future__ import annotations

from scrapy.settings import BaseSettings
from sqlalchemy import Connection

from crawler.frontier.conditions import conditions, last_answer
from storage.database.articles import count_articles
from storage.database.known_ground import articles_to_check, last_answers
from storage.folder import ArchiveFolder
from storage.records import Link

_FEWEST = 12  # however small the site
_OTHERS_SHARE = 6  # one in so many is none of the newest


def articles_to_look_at(
    tx: Connection, site: str, run: str, folder: ArchiveFolder, settings: BaseSettings
) -> list[Link]:
    """The newest articles, and some of all others, each time others.

    Where the server compares for us a look is a 304 and costs next to nothing. Where it does not,
    every look is a whole page, and the looks are a share of the site (UPDATE_UNMARKED_SHARE).
    """
    newest = settings.getint("UPDATE_NEWEST_ARTICLES")
    others = settings.getint("UPDATE_OTHER_ARTICLES")
    links = articles_to_check(tx, site, run, newest, others)
    few = count_articles(tx, site) * settings.getfloat("UPDATE_UNMARKED_SHARE")
    few = max(_FEWEST, round(few))
    if few >= len(links) or _compares(tx, site, links[0], folder):
        return links
    rest = links[newest:][: few // _OTHERS_SHARE]
    return links[:newest][: few - len(rest)] + rest


def _compares(tx: Connection, site: str, link: Link, folder: ArchiveFolder) -> bool:
    """Whether the server gave this page a mark by which it can say that it is unchanged."""
    record = last_answers(tx, site, [link.url]).get(link.url)
    return bool(conditions(last_answer(record, folder)))
