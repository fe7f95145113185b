"""Access rules: which of a site's articles, attachments and captures who may see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.archive import Archive
from storage.database.decisions import tell_decisions
from storage.errors import NotFound, NotOpen, UsageError
from storage.lines import read_lines
from storage.query.access import SETTING, Audience, access_of
from storage.records import Attachment
from storage.takedown import decide
from tests.conftest import TestArchive
from tests.kept import article, keep

LIST = Attachment("http://thu.example/danh-sach.pdf", "Danh sách")
ARTICLES = [
    article(1, "Một", published_at="2020-05-01T10:00:00+07:00", attachments=(LIST,)),
    article(2, "Hai", published_at="2021-07"),
    article(3, "Ba", published_at="2022-01-31"),
    article(4, "Bốn"),
]


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Archive]:
    yield from filled(Archive(tmp_path))


@pytest.fixture
def served(postgres_url: str, tmp_path: Path) -> Iterator[Archive]:
    yield from filled(Archive(tmp_path, postgres_url))


def filled(archive: Archive) -> Iterator[Archive]:
    keep(archive, ARTICLES)
    keep(archive, [article(9, "Nơi khác", published_at="2021-07-01")], site="khac")
    yield archive
    archive.close()


def rule(archive: Archive, subject: str, access: str | None, **more: Any) -> None:
    given = dict.fromkeys(("since", "until", "opens")) | {"attachments": False}
    given |= {"basis": "thoả thuận", "decided_by": "thử"} | more
    decide.set_access(archive, subject, given | {"access": access})


def seen(archive: Archive, audience: Audience = Audience.PUBLIC) -> set[int]:
    """Numbers of the articles that an audience sees: by both forms of the condition alike."""
    with archive.reading(audience) as tx:
        access, query = access_of(tx), "SELECT a.url FROM article a WHERE "
        many, few = (
            {int(url.rpartition("/")[2]) for url in tx.execute(text(query + condition)).scalars()}
            for condition in (access.article("a"), access.one_article("a"))
        )
        assert many == few
        if audience is Audience.PUBLIC:
            views = {row.url for row in tx.execute(text("SELECT url FROM articles"))}
            assert {int(url.rpartition("/")[2]) for url in views} == many
            pages = {row.url for row in tx.execute(text("SELECT url FROM captures"))}
            assert {int(url.rpartition("/")[2]) for url in pages} == many
        return many


def id_of(archive: Archive, number: int) -> str:
    [found] = [one["id"] for one in archive.search() if one["url"].endswith(f"/{number}")]
    return str(found)


def check_rules(archive: Archive) -> None:
    first = id_of(archive, 1)
    assert seen(archive) == {1, 2, 3, 4, 9}

    rule(archive, "thu", "on_site")
    assert seen(archive) == {9} and seen(archive, Audience.ON_SITE) == {1, 2, 3, 4, 9}
    with pytest.raises(NotOpen, match="own rooms: thoả thuận"):
        archive.article(first)

    rule(archive, "thu", "open", since="2021-07-15", until="2022")
    assert seen(archive) == {2, 3, 9}  # July 2021 may be its end; who has no date may be elsewhere
    rule(archive, "thu", "embargo", since="2022", opens="2099-01-01")
    assert seen(archive) == {2, 9}
    assert seen(archive, Audience.ON_SITE) == {1, 2, 9}  # no date: it may be of 2022
    rule(archive, "thu", "embargo", since="2022", opens="2020-01-01")
    assert seen(archive) == {2, 3, 9}

    rule(archive, first, "open")
    assert seen(archive) == {1, 2, 3, 9}
    rule(archive, first, "closed")
    assert seen(archive, Audience.ON_SITE) == {2, 3, 4, 9}
    assert seen(archive, Audience.STAFF) == {1, 2, 3, 4, 9}
    rule(archive, first, None)
    rule(archive, "thu", None)
    assert seen(archive) == {1, 2, 3, 4, 9}


def test_the_narrowest_rule_counts(embedded: Archive) -> None:
    check_rules(embedded)


@pytest.mark.postgres
def test_the_same_in_postgresql(served: Archive) -> None:
    check_rules(served)


def test_attachments_are_closed_until_opened(embedded: Archive) -> None:
    def let_out() -> list[str]:
        with embedded.reading() as tx:
            condition = access_of(tx).attachment("t", "a")
            query = (
                "SELECT t.url FROM attachment t JOIN version v ON v.id = t.version"
                f" JOIN article a ON a.key = v.article WHERE {condition}"
            )
            return list(tx.execute(text(query)).scalars())

    first = id_of(embedded, 1)
    assert let_out() == [] and embedded.article(first)["attachments"][0]["name"] == "Danh sách"
    rule(embedded, "thu", "open", attachments=True)
    assert let_out() == [LIST.url]
    rule(embedded, "thu", "closed")
    assert let_out() == []  # its article is not open
    rule(embedded, "thu", "open")
    rule(embedded, first, "closed", attachments=True)
    assert let_out() == []


def test_on_site_is_said_by_the_environment(
    embedded: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(embedded, "thu", "on_site")
    assert len(embedded.search()) == 1
    monkeypatch.setenv(SETTING, "1")
    assert len(embedded.search()) == 5
    with embedded.reading() as tx:  # what leaves the room is the public's
        assert tx.execute(text("SELECT count(*) FROM articles")).scalar() == 1


def test_the_journal_gives_the_same_rules_twice(embedded: Archive) -> None:
    rule(embedded, "thu", "on_site")
    rule(embedded, "thu", "closed")
    rule(embedded, id_of(embedded, 9), "open")
    with embedded.reading() as tx:
        before = decide.rules(tx)
    assert len(before) == 2
    engine = embedded.open_for_writing()
    for _ in range(2):
        with engine.begin() as tx:
            tell_decisions(tx, read_lines(embedded.folder.journal))
            assert decide.rules(tx) == before
    engine.dispose()


def test_notes_about_what_is_closed_are_closed(embedded: Archive) -> None:
    from storage.database.notes import Note, add_note

    first = id_of(embedded, 1)
    engine = embedded.open_for_writing()
    add_note(embedded.folder, engine, Note("article", first, "2024", "thử", "bí mật", None))
    engine.dispose()
    assert len(embedded.notes("article", first)) == 1
    rule(embedded, first, "closed")
    assert embedded.notes("article", first) == []
    with embedded.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM notes")).scalar() == 0


def test_dates_choose_among_a_sites_articles_only(embedded: Archive) -> None:
    with pytest.raises(UsageError, match="an article needs none"):
        rule(embedded, id_of(embedded, 1), "closed", since="2022")
    with pytest.raises(NotFound):
        rule(embedded, "khong-co", "closed")


BAD = {
    "level": (("demo", "secret", "--basis", "x"), "there are open, on-site, embargo, closed"),
    "embargo": (("demo", "embargo", "--basis", "x"), "--opens 2030-01-01"),
    "opens": (("demo", "embargo", "--opens", "mai", "--basis", "x"), "no day"),
    "since": (("demo", "open", "--since", "hôm nay", "--basis", "x"), "no day"),
    "basis": (("demo", "open", "--basis", " "), "--basis must not be empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_sentence(name: str, archive: TestArchive) -> None:
    words, sentence = BAD[name]
    done = archive.tinhuyen("access", "set", *words)
    assert done.returncode == 2 and sentence in done.stderr, done.stderr


def test_a_declared_site_can_be_closed_before_its_first_crawl(archive: TestArchive) -> None:
    done = archive.tinhuyen("access", "set", "demo", "closed", "--basis", "chưa có thoả thuận")
    assert done.returncode == 0, done.stderr
    assert archive.scrapy("crawl", "demo").returncode == 0
    opened = archive.open()
    assert not opened.search()
    with opened.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM captures")).scalar() == 0
    opened.close()
