"""Taken down is taken down, at every door: after a rebuild, another crawl, another import."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from storage.archive import Archive
from storage.database.access_rows import Takedown, save_takedown
from storage.database.images import save_images
from storage.database.schema import article, capture, reading, version_image
from storage.lines import append_lines
from storage.query.access import Audience
from storage.records import Image
from storage.takedown.covers import find_covered
from tests import doors
from tests.conftest import TestArchive
from tests.doors import DOORS, Known, known_in
from tests.kept import AT, keep
from tests.kept import article as made_up

_SECRET = re.compile(r"[0-9a-f]{64}|[0-9a-f]{16}|urn:uuid:[0-9a-f-]{36}|bimat\d+")


def take_down(archive: Archive, subjects: list[str], how: str = "hide") -> None:
    """Many at once, as `takedown` keeps each: the journal, then the rows."""
    with archive.reading(Audience.STAFF) as tx:
        covered = [find_covered(tx, subject, with_files=False) for subject in subjects]
    taken = [
        Takedown(f"{number:012x}", how, one.asked, one.covers, "vì sao", "lý do", AT, "thử")
        for number, one in enumerate(covered)
    ]
    lines = [{"kind": "takedown", "at": AT} | asdict(one) for one in taken]
    append_lines(archive.folder.journal, lines)
    engine = archive.open_for_writing()
    with engine.begin() as tx:
        for one in taken:
            save_takedown(tx, one)
    engine.dispose()


def secrets(archive: Archive, articles: list[str]) -> set[str]:
    """What would give these articles away: their ids, records, and the bytes only they show."""
    with archive.reading(Audience.STAFF) as tx:
        keys = select(article.c.key).where(article.c.id.in_(articles))
        mine = text(
            "SELECT vi.image, v.article FROM version_image vi JOIN version v ON v.id = vi.version"
            " WHERE vi.image IS NOT NULL"
        )
        hidden = set(tx.execute(keys).scalars())
        shown = [(sha, key in hidden) for sha, key in tx.execute(mine)]
        others = {sha for sha, is_hidden in shown if not is_hidden}
        records = tx.execute(
            select(capture.c.record_id)
            .join(reading, reading.c.capture == capture.c.id)
            .where(reading.c.article.in_(hidden))
        ).scalars()
        ids = {record.strip("<>") for record in records}
    return {*articles, *ids, *({sha for sha, is_hidden in shown if is_hidden} - others)}


def let_out(archive: Archive, door: str, known: Known) -> set[str]:
    return set(_SECRET.findall("\n".join(DOORS[door](archive, known))))


# --- a real crawl, rebuilt and crawled again


@pytest.fixture(scope="module")
def withdrawn(
    open_demo: TestArchive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Archive, Known, set[str], str]]:
    """500 takedowns of every kind over the demo; then rebuilt, read again and crawled again."""
    folder = tmp_path_factory.mktemp("withdrawn") / "archive"
    made = open_demo.copy(folder)
    archive = made.open()
    [own] = made.warc_files()
    given = shutil.copy(own, folder.parent / "given.warc.gz")
    known, (spared, *rest) = known_in(archive), known_in(archive).articles
    hidden = secrets(archive, rest)
    take_down(archive, _subjects(archive, known, spared))
    archive.close()
    for step in (
        made.tinhuyen("rebuild"),
        made.tinhuyen("reextract", "--accept"),
        made.scrapy("crawl", "demo"),
        made.tinhuyen("import", str(given), "--donor", "Lan Anh", "--terms", "none"),
    ):
        assert step.returncode == 0, step.stderr
    known_now = known_in(archive)
    hidden |= secrets(archive, rest)
    yield archive, _together(known, known_now), hidden, spared
    archive.close()


def _subjects(archive: Archive, known: Known, spared: str) -> list[str]:
    """Articles by id, by address and by their bytes; images; and what is not captured yet."""
    shown = archive.article(spared)
    own = {shown["url"], *shown["other_urls"]}
    kept = {one["sha256"] for one in shown["images"]}
    ids = [id_ for id_ in known.articles if id_ != spared]
    pages = [archive.article(id_) for id_ in ids]
    subjects = [*ids[::3], *(one["url"] for one in pages[1::3] if one["url"] not in own)]
    subjects += [one["warc"]["payload_digest"] for one in pages[2::3]]
    subjects += [sha for sha in known.images if sha not in kept]
    return subjects + [f"http://demo.localhost/chua-co/{n}" for n in range(500 - len(subjects))]


def _together(one: Known, other: Known) -> Known:
    both = {
        name: list(dict.fromkeys([*getattr(one, name), *getattr(other, name)]))
        for name in Known.__dataclass_fields__
    }
    return Known(**both)


@pytest.mark.parametrize("door", DOORS)
def test_500_takedowns_none_comes_back(
    door: str, withdrawn: tuple[Archive, Known, set[str], str]
) -> None:
    archive, known, hidden, spared = withdrawn
    assert len(hidden) > 150
    out = let_out(archive, door, known)
    assert not out & hidden
    if door in ("search", "show", "views", "web"):
        assert spared in out


@pytest.mark.parametrize("door", DOORS)
def test_before_the_takedown_every_door_gives_them(door: str, open_demo: TestArchive) -> None:
    """So that the test above can fail."""
    archive = open_demo.open()
    known = known_in(archive)
    if door not in ("private numbers", "failures"):
        assert let_out(archive, door, known) & secrets(archive, known.articles)
    archive.close()


def test_other_captures_of_the_page_are_covered_too(
    withdrawn: tuple[Archive, Known, set[str], str],
) -> None:
    """Crawled a second time after the takedown: the address and its bytes."""
    archive, *_, spared = withdrawn
    pages = (
        "SELECT count(*) FROM capture c JOIN reading r ON r.capture = c.id"
        " JOIN article a ON a.key = r.article WHERE a.id <> :spared"
    )
    with archive.reading() as tx:
        assert tx.execute(text(pages), {"spared": spared}).scalar_one() >= 2 * 59
        seen = tx.execute(text("SELECT url FROM captures WHERE url LIKE '%ItemID=%'")).scalars()
        shown = {url for url in seen if "chi-tiet" in url and "ItemID=999" not in url}  # a 404
        assert shown <= {archive.article(spared)["url"]}


# --- both databases, articles without a crawl


def fill(archive: Archive, count: int) -> None:
    """Articles with a word and an image of their own each; saved again, nothing changes."""
    numbers = range(count)
    keep(archive, [made_up(n, f"Tin bimat{n}", "Uỷ ban họp", published_at="2022") for n in numbers])
    engine = archive.open_for_writing()
    with engine.begin() as tx:
        shots = [Image(f"{n:064x}", "image/png", f"anh{n}".encode(), 1, 1) for n in numbers]
        save_images(tx, shots)
        if tx.execute(select(version_image.c.version).limit(1)).first() is None:
            tx.execute(insert(version_image), list(_shown_in(tx)))
    engine.dispose()


def _shown_in(tx: Any) -> Iterator[dict[str, Any]]:
    found = text("SELECT v.id, a.url FROM version v JOIN article a ON a.key = v.article")
    for id_, url in tx.execute(found).all():
        number = int(url.rpartition("/")[2])
        yield {
            "version": id_, "position": 1, "url": f"http://thu.example/{number}.png",
            "role": "body", "image": f"{number:064x}",
        }  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """Of 53 tens (or ones) of articles the first 40 are taken down, and the images of 10 more."""

    archive: Archive
    of: int

    @property
    def articles(self) -> set[int]:
        return set(range(40 * self.of, 53 * self.of))

    @property
    def images(self) -> set[int]:
        return set(range(50 * self.of, 53 * self.of))

    def let_out(self, door: str) -> tuple[set[int], set[int]]:
        """Which articles, and which images, a door gives."""
        out = "\n".join(DOORS[door](self.archive, known_in(self.archive)))
        shas = {int(sha, 16) for sha in re.findall(r"\b0{60}[0-9a-f]{4}\b", out)}
        return {int(n) for n in re.findall(r"bimat(\d+)", out)}, shas

    def check(self, door: str) -> None:
        articles, images = self.let_out(door)
        assert articles <= self.articles and images <= self.images
        if door in ("search", "show", "views"):
            assert articles == self.articles and images == self.images


def withdrawn_of(archive: Archive, of: int) -> Iterator[Kept]:
    fill(archive, 53 * of)
    ids = {one["url"]: one["id"] for one in archive.search(limit=1000)}
    subjects = [
        (ids[f"http://thu.example/{n}"], f"http://www.thu.example/{n}")[n % 2]
        for n in range(40 * of)
    ]
    take_down(archive, subjects + [f"{n:064x}" for n in range(40 * of, 50 * of)])
    yield Kept(archive, of)
    archive.close()


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    yield from withdrawn_of(Archive(tmp_path_factory.mktemp("kept")), 10)


@pytest.fixture
def served(postgres_url: str, tmp_path: Path) -> Iterator[Kept]:
    yield from withdrawn_of(Archive(tmp_path, postgres_url), 1)


KEPT_DOORS = [door for door in DOORS if door not in doors.NEEDS_FILES]


@pytest.mark.parametrize("door", KEPT_DOORS)
def test_500_takedowns_in_the_embedded_database(door: str, embedded: Kept) -> None:
    embedded.check(door)


@pytest.mark.postgres
def test_takedowns_in_postgresql_then_saved_again(served: Kept) -> None:
    for door in KEPT_DOORS:
        served.check(door)
    engine = served.archive.open_for_writing()
    with engine.begin() as tx:  # saved once more, as another import would
        tx.execute(text("UPDATE capture SET record_id = 'old' || record_id"))
    engine.dispose()
    fill(served.archive, 53)
    for door in KEPT_DOORS:
        served.check(door)
