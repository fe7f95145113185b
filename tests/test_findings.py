"""What a run is checked for: each finding by a portal that shows it, none by a sound one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from crawler.checks.coverage import chance
from crawler.checks.run import check_run
from crawler.cli import app
from crawler.sites import load_sites
from storage.archive import Archive
from storage.lines import read_lines
from tests import turning_portal as turn
from tests.compare import content_of, differences
from tests.conftest import TestArchive
from tests.crawling import crawl
from tests.databases import on_server
from tests.portals import portals
from tests.turning_portal import FIELDS, NUMBER, TurningPortal

Run = dict[str, Any]

TURNS: dict[str, dict[str, Any]] = {
    "date": {"shows": FIELDS - {"date"}},
    "author": {"shows": FIELDS - {"author"}},
    "images": {"shows": FIELDS - {"images"}},
    "body": {"shows": FIELDS - {"body", "images"}},
    "trap": {"trap": 150},
    "dress": {"dress": "grid"},
    "layout": {"hook": 'id="noi-dung"'},
    "english": {"english": True},
    "challenge": {"instead": turn.CHALLENGE},
    "maintenance": {"instead": turn.MAINTENANCE},
    "login": {"instead": turn.LOGIN},
    "nosite": {"instead": turn.NO_SITE},
    "parked": {"instead": turn.PARKED},
    "gambling": {"instead": turn.GAMBLING},
    "moved": {"moved_to": "http://tinh.example/"},
    "sound": {},
}
"""What happens to each of these sites before its last update."""
FULL: dict[str, dict[str, Any]] = {"nothing": {"numbers": []}, "steady": {}}
"""And before its last full crawl."""


@dataclass
class Watched:
    """Sites that were crawled and are watched, and the runs that it made."""

    archive: TestArchive
    portals: dict[str, TurningPortal]
    runs: dict[str, list[Run]] = field(default_factory=dict)
    before: dict[str, list[Run]] = field(default_factory=dict)
    """What researchers saw before the portals were turned."""
    ends: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Exit code and message (or nothing) of each site's last crawl."""

    def last(self, site: str) -> Run:
        return self.runs[site][-1]

    def crawl(self, *sites: str, mode: str = "update") -> None:
        done = self.archive.tinhuyen("crawl", *sites, "--mode", mode, "--json")
        results = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(results) == len(sites), done.stderr
        for site in sites:
            self.runs[site] = self.runs_of(site)
        self.ends |= {one["site"]: (one["exit_code"], one["message"] or "") for one in results}

    def runs_of(self, site: str) -> list[Run]:
        """Oldest first."""
        opened = self.archive.open()
        try:
            return opened.runs(site)[::-1]
        finally:
            opened.close()

    def content(self) -> dict[str, list[Run]]:
        return content_of(self.archive.open().database_url)

    def untouched(self, site: str) -> bool:
        """Whether its articles are as they were: no version more, none gone, seen no later."""
        now, then = (
            [one for one in content["articles"] if one["site"] == site]
            for content in (self.content(), self.before)
        )
        return bool(now) and now == then

    def rebuilt(self) -> list[str]:
        """Where the rebuilt database differs from the live one."""
        before = self.content()
        done = self.archive.tinhuyen("rebuild")
        assert done.returncode == 0, done.stderr
        (self.archive.folder / "archive.db.before-rebuild").unlink(missing_ok=on_server())
        return differences(before, self.content())

    def say(self, *words: str) -> str:
        """What a command prints, asked within this process."""
        done = CliRunner().invoke(app, ["--archive", str(self.archive.folder), *words])
        assert done.exit_code == 0, done.exception
        return done.stdout

    def decide(self, site: str, *words: str) -> None:
        """In a process of its own, which leaves no reader behind."""
        done = self.archive.tinhuyen("sites", "state", site, *words, "--by", "Lan Anh")
        assert done.returncode == 0, done.stderr


def checks(run: Run) -> list[str]:
    return [found["check"] for found in run["findings"]]


def pausing(run: Run) -> list[str]:
    return [found["check"] for found in run["findings"] if found["pauses"]]


def one(run: Run, check: str) -> Run:
    [found] = [found for found in run["findings"] if found["check"] == check]
    return dict(found)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Portals crawled in full and updated; then each is turned, and crawled once more."""
    made = Watched(
        TestArchive(tmp_path_factory.mktemp("findings") / "archive"),
        {id_: TurningPortal(id_) for id_ in (*TURNS, *FULL)},
    )
    for id_ in ("images", "body"):
        made.portals[id_].pictured = 1
    with ExitStack() as stack:
        for portal in made.portals.values():
            stack.enter_context(portal)
            made.archive.declare(portal.table)
        made.crawl(*made.portals, mode="full")
        made.crawl(*made.portals)
        made.before = made.content()
        for id_, turned in (TURNS | FULL).items():
            made.portals[id_].later()
            for name, value in turned.items():
                setattr(made.portals[id_], name, value)
        made.crawl(*TURNS)
        made.crawl(*FULL, mode="full")
        yield made


@pytest.fixture
def copy(watched: Watched, tmp_path: Path) -> Watched:
    """The same, for decisions to be made and crawls to be gone on with."""
    folder = watched.archive.copy(tmp_path / "archive")
    return Watched(folder, watched.portals, dict(watched.runs), watched.before)


def test_sound_portals_show_none(watched: Watched) -> None:
    for site, runs in watched.runs.items():
        assert [run["findings"] for run in runs[:2]] == [[], []], site
    for site in ("sound", "steady"):
        run = watched.last(site)
        assert run["findings"] == [] and run["outcome"] == "finished"
        assert run["counts"]["new_versions"] == 3, "two new ones, and one that changed"
        assert watched.ends[site] == (0, "")


def test_nor_do_the_sample_portal_and_small_ones(
    demo_archive: TestArchive, archive: TestArchive
) -> None:
    assert demo_archive.open().runs()[0]["findings"] == []
    with portals(archive, 1, articles=2):
        for mode in ("full", "update"):
            assert archive.scrapy("crawl", "p0", "-s", f"CRAWL_MODE={mode}").returncode == 0
    assert [run["findings"] for run in archive.open().runs()] == [[], []]


@pytest.mark.parametrize("field", ["date", "author", "images"])
def test_a_field_that_articles_lack_from_now_on(watched: Watched, field: str) -> None:
    run = watched.last(field)
    assert checks(run) == [f"{field}_coverage"] and not pausing(run)
    assert one(run, f"{field}_coverage")["numbers"] == {
        "have": 0, "of": NUMBER + 2, "share": 0.0, "had": NUMBER, "past_of": NUMBER, "past_share": 1.0,
    }  # fmt: skip
    assert run["outcome"] == "finished"


def test_articles_without_a_text(watched: Watched) -> None:
    run = watched.last("body")
    assert checks(run) == ["body_coverage", "images_coverage"] and run["outcome"] == "incomplete"


def test_not_one_article(watched: Watched) -> None:
    run = watched.last("nothing")
    assert checks(run) == ["no_articles"] and not pausing(run)
    assert one(run, "no_articles")["numbers"]["known"] == NUMBER
    assert run["outcome"] == "incomplete" and watched.ends["nothing"][0] == 4


def test_requests_that_lead_nowhere(watched: Watched) -> None:
    run = watched.last("trap")
    assert checks(run) == ["requests"]
    numbers = one(run, "requests")["numbers"]
    assert numbers["requests"] > 150 and numbers["new_articles"] == 2
    assert numbers["per_article"] > 3 * numbers["past_per_article"]


def test_a_site_gone_quiet(copy: Watched) -> None:
    later = (
        "import time, time_machine; time_machine.travel(time.time() + {} * 86400).start()".format
    )
    for days, found in ((10, []), (40, ["quiet"])):
        done = crawl(copy.archive, "CRAWL_MODE=update", site="sound", before=later(days))
        assert done.returncode == 0, done.stderr
        run = copy.runs_of("sound")[-1]
        assert checks(run) == found, days
    assert one(run, "quiet")["numbers"] | {"since": ""} == {
        "days": 40, "since": "", "longest_gap_days": 2, "bound": 14,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("site", "sign"),
    [
        ("challenge", "challenge"),
        ("maintenance", "maintenance"),
        ("login", "login_page"),
        ("nosite", "no_site"),
    ],
)
def test_a_site_that_lets_nobody_in(watched: Watched, site: str, sign: str) -> None:
    run = watched.last(site)
    assert checks(run) == [sign] and not pausing(run)
    found = one(run, sign)
    assert found["numbers"]["lists"] == 1 and found["numbers"]["share"] == 1.0
    assert len(found["captures"]) == 5 and run["counts"]["captures"] > NUMBER
    assert watched.untouched(site) and watched.ends[site][0] == 5


def test_a_list_that_sends_its_readers_away(watched: Watched) -> None:
    run = watched.last("moved")
    assert checks(run) == ["moved"] and not pausing(run) and watched.ends["moved"][0] == 5


def test_a_new_dress_is_said_and_stops_nothing(watched: Watched) -> None:
    run = watched.last("dress")
    assert checks(run) == ["template"] and not pausing(run)
    assert one(run, "template")["numbers"] == {"alike": 0.0, "known": NUMBER, "lost": 0, "other": 1}
    assert watched.ends["dress"] == (0, "")


def test_a_layout_that_reads_nothing_any_more_pauses(watched: Watched) -> None:
    run = watched.last("layout")
    assert pausing(run) == ["template"]
    numbers = one(run, "template")["numbers"]
    assert numbers["lost"] == numbers["known"] == NUMBER
    assert len(one(run, "template")["captures"]) == 5, "the list, and articles"
    assert watched.untouched("layout")


def test_advertising_for_gambling_never_becomes_a_version(watched: Watched) -> None:
    run, portal = watched.last("gambling"), watched.portals["gambling"]
    assert checks(run) == pausing(run) == ["gambling"]
    found = one(run, "gambling")
    assert found["numbers"] == {"pages": NUMBER + 1, "of": NUMBER + 1, "lists": 1, "share": 1.0}
    kept = {record["record_id"] for record in watched.content()["captures"]}
    assert len(found["captures"]) == 5 and set(found["captures"]) <= kept, "they stay as captures"
    assert watched.untouched("gambling")
    assert not any("khuyen-mai-98win" in path for path in portal.asked)


def test_a_pause_stands_in_the_journal_with_its_evidence(watched: Watched) -> None:
    journal = read_lines(watched.archive.folder / "journal.jsonl", "site_state")
    lines = [line for line in journal if line["kind"] == "site_state"]
    assert {line["site"] for line in lines} == {"layout", "english", "parked", "gambling"}
    for line in lines:
        run = watched.last(line["site"])
        assert line["state"] == "paused" and line["run"] == run["id"]
        assert line["evidence"] == [found for found in run["findings"] if found["pauses"]]


def test_what_is_paused_is_not_crawled_in_silence(copy: Watched) -> None:
    asked = len(copy.portals["gambling"].asked)
    copy.crawl("gambling")
    code, message = copy.ends["gambling"]
    assert code == 5 and message.startswith("gambling is paused since ")
    assert "`tinhuyen sites state gambling open --because …`" in message
    copy.say("schedule", "add", "gambling", "--every", "10m")
    with copy.archive.open().open_for_writing().begin() as tx:
        tx.execute(text("UPDATE schedule SET due_at = counted_from"))
    assert copy.archive.tinhuyen("work").returncode == 0
    [job] = map(json.loads, copy.say("schedule", "list", "--json").splitlines())
    assert job["last_outcome"] == "unavailable"
    assert "is paused since" in (copy.archive.folder / "logs" / "gambling.log").read_text()
    assert len(copy.portals["gambling"].asked) == asked


def test_another_language_is_set_aside_until_somebody_has_looked(copy: Watched) -> None:
    run = copy.last("english")
    assert pausing(run) == ["language"] and len(one(run, "language")["captures"]) == 5
    assert one(run, "language")["numbers"] == {
        "share": 0.0, "past_share": 1.0, "titles": NUMBER + 2, "lists": 1,
    }  # fmt: skip
    assert run["counts"]["articles"] == NUMBER + 2 and run["counts"]["new_versions"] == 0
    assert not copy.archive.open().search("cheap flights", site="english")
    [state] = [one for one in copy.archive.open().status() if one["site"] == "english"]
    assert state["articles"] == NUMBER, "the two that only this run saw are none"

    copy.decide("english", "open", "--because", "an English edition took its place")
    found = copy.archive.open().search("cheap flights", site="english", limit=50)
    assert sorted(one["versions"] for one in found) == [1] * 2 + [2] * NUMBER
    copy.crawl("english")
    assert checks(copy.last("english")) == [], "from here on, this is the site"


def test_decisions_are_told_again_at_a_rebuild(copy: Watched) -> None:
    copy.decide("english", "open", "--because", "an English edition took its place")
    copy.decide("parked", "hijacked", "--because", "sold")
    copy.decide("dress", "hijacked", "--because", "a copy", "--run", copy.last("dress")["id"])
    assert copy.untouched("dress")
    assert not copy.rebuilt()


def test_what_people_see_of_it(copy: Watched) -> None:
    run = copy.last("parked")
    assert pausing(run) == ["parked"]
    told = map(json.loads, copy.say("status", "--json").splitlines())
    [state] = [one for one in told if one["site"] == "parked"]
    assert state["state"] == "paused" and state["findings"] == run["findings"]
    assert "tên miền này đang được bán" in state["because"]
    shown = copy.say("status")
    assert "4 paused" in shown and "parked is paused: a declared list" in shown
    shown = copy.say("runs", "show", run["id"])
    assert "finding    parked: " in shown and "[paused the site]" in shown
    copy.decide("parked", "hijacked", "--because", "sold")
    copy.crawl("parked")
    assert copy.ends["parked"][0] == 5 and "(sold; Lan Anh)" in copy.ends["parked"][1]
    copy.decide("parked", "open", "--because", "bought back")
    shown = copy.say("sites", "show", "parked")
    assert shown.count(" Lan Anh: ") == 2 and " checks of the run: " in shown


def test_chance_is_the_binomial_one() -> None:
    assert chance(0, 10, 0.5) == pytest.approx(0.5**10)
    assert chance(10, 10, 0.3) == pytest.approx(1.0)
    assert chance(1, 3, 0.2) == pytest.approx(0.8**3 + 3 * 0.2 * 0.8**2)


@pytest.mark.postgres
def test_postgresql_finds_the_same(copy: Watched, postgres_url: str) -> None:
    """Decisions and what is set aside by them, and the checks computed once more."""
    assert copy.archive.tinhuyen("--database", postgres_url, "rebuild").returncode == 0
    assert not differences(copy.content(), content_of(postgres_url))
    archive = Archive(copy.archive.folder, postgres_url)
    sites = load_sites(archive.folder.sites)
    with archive.reading() as connection:
        for id_ in set(copy.portals) - {"nothing", "english", "moved"}:
            run = copy.last(id_)
            answered = run["outcome"] != "unavailable" or id_ == "layout"
            found = check_run(connection, sites[id_], run["id"], archive.capture, answered=answered)
            assert [one.as_json() for one in found] == run["findings"], id_
    archive.close()
