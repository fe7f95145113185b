"""What a run is checked for: each finding by a portal that shows it, none by a sound one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crawler.checks.coverage import chance
from storage.lines import read_lines
from tests import turning_portal as turned
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.crawling import crawl
from tests.portals import portals
from tests.turning_portal import FIELDS, NUMBER, TurningPortal


@dataclass
class Watched:
    """A site that was crawled and is watched."""

    archive: TestArchive
    portal: TurningPortal

    def crawl(self, mode: str = "update", *, code: int = 0, before: str = "") -> dict[str, Any]:
        """The run that it makes; `before`: code that is run first."""
        settings = (f"CRAWL_MODE={mode}", "RETRY_SECONDS=0.01", "SLOWEST_DELAY_SECONDS=0.02")
        done = crawl(self.archive, *settings, site="song", before=before)
        assert done.returncode == code, (done.returncode, done.stderr)
        opened = self.archive.open()
        try:
            return opened.run(opened.runs("song")[0]["id"])
        finally:
            opened.close()

    def articles(self) -> list[dict[str, Any]]:
        return sorted(self._content()["articles"], key=lambda article: str(article["id"]))

    def _content(self) -> dict[str, list[dict[str, Any]]]:
        return content_of(self.archive.open().database_url)

    def rebuilt(self) -> list[str]:
        """Where the rebuilt database differs from the live one."""
        before = self._content()
        done = self.archive.tinhuyen("rebuild")
        assert done.returncode == 0, done.stderr
        (self.archive.folder / "archive.db.before-rebuild").unlink()
        return differences(before, self._content())

    def decide(self, *words: str) -> None:
        done = self.archive.tinhuyen("sites", "state", "song", *words, "--by", "Lan Anh")
        assert done.returncode == 0, done.stderr


def checks(run: dict[str, Any]) -> list[str]:
    return [found["check"] for found in run["findings"]]


def pausing(run: dict[str, Any]) -> list[str]:
    return [found["check"] for found in run["findings"] if found["pauses"]]


def one(run: dict[str, Any], check: str) -> dict[str, Any]:
    [found] = [found for found in run["findings"] if found["check"] == check]
    return dict(found)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A sound portal, crawled in full, twice updated, crawled in full again."""
    archive = TestArchive(tmp_path_factory.mktemp("findings") / "archive")
    portal = TurningPortal()
    with portal:
        archive.declare(portal.table)
        yield Watched(archive, portal)


@pytest.fixture(scope="module")
def sound_runs(base: Watched) -> list[dict[str, Any]]:
    runs = [base.crawl("full"), base.crawl()]
    base.portal.sound()
    runs += [base.crawl(), base.crawl("full")]
    return runs


@pytest.fixture
def site(base: Watched, sound_runs: object, tmp_path: Path) -> Watched:
    """A copy of it, for something to happen to."""
    shutil.copytree(base.archive.folder, tmp_path / "archive")
    base.portal.sound()
    return Watched(TestArchive(tmp_path / "archive"), base.portal)


def test_a_sound_portal_shows_none(sound_runs: list[dict[str, Any]]) -> None:
    assert [run["findings"] for run in sound_runs] == [[], [], [], []]
    assert [run["counts"]["new_versions"] for run in sound_runs] == [NUMBER, 0, 3, 0]


def test_nor_do_the_sample_portal_and_small_ones(
    demo_archive: TestArchive, archive: TestArchive
) -> None:
    assert demo_archive.open().runs()[0]["findings"] == []
    with portals(archive, 1, articles=3):
        for mode in ("full", "update", "full"):
            assert archive.scrapy("crawl", "p0", "-s", f"CRAWL_MODE={mode}").returncode == 0
    assert [run["findings"] for run in archive.open().runs()] == [[], [], []]


@pytest.mark.parametrize("field", ["date", "author", "images"])
def test_a_field_that_articles_lack_from_now_on(site: Watched, field: str) -> None:
    site.portal.shows = FIELDS - {field}
    run = site.crawl()
    assert checks(run) == [f"{field}_coverage"]
    numbers = one(run, f"{field}_coverage")["numbers"]
    assert numbers["have"] == 0 and numbers["of"] == 25
    assert numbers["had"] == numbers["past_of"] == NUMBER + 2
    assert run["outcome"] == "finished" and not pausing(run)


def test_articles_without_a_text(site: Watched) -> None:
    site.portal.shows = FIELDS - {"body", "images"}
    assert {"body_coverage", "images_coverage"} <= set(checks(site.crawl(code=4)))


def test_a_few_articles_without_a_picture_are_no_finding(site: Watched) -> None:
    site.portal.shows = FIELDS - {"images"}
    site.portal.numbers += range(NUMBER + 2, NUMBER + 6)
    before = "from crawler import settings; settings.UPDATE_NEWEST_ARTICLES = settings.UPDATE_OTHER_ARTICLES = 0"
    run = site.crawl(before=before)
    assert run["counts"]["articles"] == 4 and checks(run) == []


def test_not_one_article(site: Watched) -> None:
    site.portal.numbers = []
    run = site.crawl("full", code=4)
    assert one(run, "no_articles")["numbers"]["known"] == NUMBER + 2
    assert run["outcome"] == "incomplete" and not pausing(run)


@pytest.mark.parametrize(("days", "found"), [(10, []), (40, ["quiet"])])
def test_a_site_gone_quiet(site: Watched, days: int, found: list[str]) -> None:
    later = f"import time_machine; time_machine.travel(__import__('time').time() + {days} * 86400).start()"
    run = site.crawl(before=later)
    assert checks(run) == found
    if found:
        numbers = one(run, "quiet")["numbers"]
        assert numbers["longest_gap_days"] <= 4 and numbers["bound"] == 14
        assert 34 <= numbers["days"] <= 40


def test_requests_that_lead_nowhere(site: Watched) -> None:
    site.portal.trap = 250
    run = site.crawl()
    assert checks(run) == ["requests"]
    numbers = one(run, "requests")["numbers"]
    assert numbers["requests"] > 250 and numbers["new_articles"] == 0
    assert numbers["per_article"] > 3 * numbers["past_per_article"]


@pytest.mark.parametrize(
    ("instead", "sign"),
    [
        (turned.CHALLENGE, "challenge"),
        (turned.MAINTENANCE, "maintenance"),
        (turned.LOGIN, "login_page"),
        (turned.NO_SITE, "no_site"),
    ],
)
def test_a_site_that_lets_nobody_in(site: Watched, instead: turned.Instead, sign: str) -> None:
    before = site.articles()
    site.portal.instead = instead
    run = site.crawl(code=5)
    assert checks(run) == [sign] and not pausing(run)
    found = one(run, sign)
    assert found["numbers"]["lists"] == 1 and found["numbers"]["share"] == 1.0
    assert found["captures"] and run["counts"]["captures"] > 20
    assert site.articles() == before, "no version, and nothing is gone"
    site.portal.sound()
    assert checks(site.crawl()) == []


def test_a_list_that_sends_its_readers_away(site: Watched) -> None:
    site.portal.moved_to = "http://tinh.example/"
    run = site.crawl(code=5)
    assert checks(run) == ["moved"] and not pausing(run)


def test_a_new_dress_is_said_and_stops_nothing(site: Watched) -> None:
    site.portal.dress = "grid"
    run = site.crawl()
    assert checks(run) == ["template"] and not pausing(run)
    numbers = one(run, "template")["numbers"]
    assert numbers["alike"] < 0.3 and numbers["lost"] == numbers["other"] == 0


def test_a_layout_that_reads_nothing_any_more_pauses(site: Watched) -> None:
    before = site.articles()
    site.portal.hook = 'id="noi-dung"'
    run = site.crawl(code=5)
    assert pausing(run) == ["template"]
    numbers = one(run, "template")["numbers"]
    assert numbers["lost"] == numbers["known"] == 25
    assert site.articles() == before


def test_another_language_pauses_until_somebody_has_looked(site: Watched) -> None:
    before = site.articles()
    site.portal.english = True
    run = site.crawl(code=5)
    assert pausing(run) == ["language"]
    assert one(run, "language")["numbers"] | {"titles": 0} == {
        "share": 0.0, "past_share": 1.0, "titles": 0, "lists": 1,
    }  # fmt: skip
    assert run["counts"]["articles"] == 25 and run["counts"]["new_versions"] == 0
    assert site.articles() == before
    assert not site.rebuilt()

    site.decide("open", "--because", "an English edition took its place")
    assert sum(article["versions"] == 2 for article in site.articles()) >= 25
    assert any("Cheap flights" in article["title"] for article in site.articles())
    assert not site.rebuilt()
    assert checks(site.crawl()) == [], "from here on, this is the site"

    site.decide("hijacked", "--because", "a travel agency", "--run", run["id"])
    assert not site.rebuilt()


def test_advertising_for_gambling_never_becomes_a_version(site: Watched) -> None:
    before = site.articles()
    site.portal.instead = turned.GAMBLING
    run = site.crawl(code=5)
    assert pausing(run) == ["gambling"]
    found = one(run, "gambling")
    assert found["numbers"]["pages"] == 26 and len(found["captures"]) == 5
    assert site.articles() == before
    kept = {record["record_id"] for record in site._content()["captures"]}
    assert set(found["captures"]) <= kept, "the pages stay as captures"
    assert not any("khuyen-mai-98win" in path for path in site.portal.asked)

    again = site.archive.tinhuyen("crawl", "song")
    assert again.returncode == 5
    assert (
        "song is paused since" in again.stderr and "tinhuyen sites state song open" in again.stderr
    )
    asked = len(site.portal.asked)
    site.archive.tinhuyen("schedule", "add", "song", "--every", "10m")
    assert site.archive.tinhuyen("work").returncode == 0
    assert len(site.portal.asked) == asked, "by schedule too"
    journal = read_lines(site.archive.folder / "journal.jsonl", "site_state")
    [line] = [decision for decision in journal if decision["kind"] == "site_state"]
    assert line["state"] == "paused" and line["evidence"] == [found] and line["run"] == run["id"]
    assert not site.rebuilt()


def test_status_and_runs_show_tell_of_it(site: Watched) -> None:
    site.portal.instead = turned.PARKED
    run = site.crawl(code=5)
    assert pausing(run) == ["parked"]
    [state] = map(json.loads, site.archive.tinhuyen("status", "--json").stdout.splitlines())
    assert state["state"] == "paused" and state["findings"] == run["findings"]
    assert "Tên miền này đang được bán".lower() in state["because"]
    shown = site.archive.tinhuyen("status").stdout
    assert "parked" in shown and "song is paused: " in shown
    shown = site.archive.tinhuyen("runs", "show", run["id"]).stdout
    assert "finding    parked: " in shown and "[paused the site]" in shown
    site.decide("hijacked", "--because", "sold")
    assert site.archive.tinhuyen("crawl", "song").returncode == 5
    site.portal.sound()
    site.decide("open", "--because", "bought back")
    assert checks(site.crawl()) == []
    shown = site.archive.tinhuyen("sites", "show", "song").stdout
    assert shown.count("Lan Anh: ") == 2 and "checks of the run: " in shown


def test_chance_is_the_binomial_one() -> None:
    assert chance(0, 10, 0.5) == pytest.approx(0.5**10)
    assert chance(10, 10, 0.3) == pytest.approx(1.0)
    assert chance(1, 3, 0.2) == pytest.approx(0.8**3 + 3 * 0.2 * 0.8**2)
