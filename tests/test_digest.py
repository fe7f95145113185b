"""Digests tell everything once, to real servers, and nothing waits for a server that does not."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from prometheus_client import generate_latest
from sqlalchemy import Engine, insert, update

from storage import times
from storage.archive import Archive
from storage.database.digests import Told, find_told, save_told
from storage.database.runs import SiteRow, finish_run, save_site, start_run
from storage.database.schema import job, run
from storage.errors import DigestNotSent, UsageError
from storage.query.digest import Digest, SiteNews, make_digest
from storage.watch import channels as ways
from storage.watch.channels import Channel, channels
from storage.watch.digest_text import digest_text
from storage.watch.metrics import registry_of
from storage.watch.sending import daily_at, send_due, send_now
from tests.conftest import TestArchive
from tests.crawling import end, started
from tests.mail import PASSWORD, USER, MailServer, silent_server, webhook
from tests.portals import portals

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

AT = daily_at({})
COUNTS = {"new_versions": 5, "changed": 2, "gone": 1, "failed": {"http_500": 3}}


def site_row(id_: str) -> SiteRow:
    return SiteRow(
        id_, id_, "other", [], district=None, district_from=None, province=None, family=None,
        state="open", since=None, evidence=None, origin="declared",
    )  # fmt: skip


class Desk:
    """An archive whose runs end when a test says so."""

    def __init__(self, archive: TestArchive, database: str | None = None) -> None:
        self.archive = Archive(archive.folder, database)
        self.engine = self.archive.open_for_writing()

    def ends(self, site: str = "a", outcome: str = "finished", **counts: Any) -> str:
        with self.engine.begin() as tx:
            save_site(tx, site_row(site))
            began = start_run(tx, site, "crawl", "update")
            finish_run(tx, began.id, outcome, None if outcome == "finished" else "vì thế")
            tx.execute(update(run).where(run.c.id == began.id).values(counts=COUNTS | counts))
        return began.id

    def send(self, channel: Channel) -> str | None:
        return send_due(self.archive, self.engine, channel, AT)

    def told(self, channel: str = "kept") -> Any:
        with self.archive.reading() as connection:
            return find_told(connection, channel)


class Kept:
    """A channel that keeps what it is given."""

    name = "kept"

    def __init__(self) -> None:
        self.digests: list[Any] = []

    def send(self, digest: Any, text: str) -> str:
        self.digests.append(digest)
        return "kept"


@pytest.fixture(params=["sqlite"])
def desk(request: pytest.FixtureRequest, archive: TestArchive) -> Iterator[Desk]:
    on_server = request.param == "postgresql"
    one = Desk(archive, request.getfixturevalue("postgres_url") if on_server else None)
    yield one
    one.engine.dispose()
    one.archive.close()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=times.LOCAL)


def test_what_ended_is_counted_by_site(desk: Desk) -> None:
    before = times.now()
    desk.ends("a")
    desk.ends("a", "incomplete")
    desk.ends("b", new_versions=0, changed=0, gone=0, failed={})
    with desk.archive.reading() as connection:
        found = make_digest(connection, before, times.now())
    a, b = found.sites
    assert (a.runs, a.new, a.changed, a.gone, a.failed) == (2, 6, 4, 2, 6)
    assert (a.outcome, a.reason, a.is_quiet) == ("incomplete", "vì thế", False)
    assert b.is_quiet and found.all_sites == 2
    assert digest_text(found, 10**10).splitlines()[1:] == [
        "a: 6 new, 4 changed, 2 gone, 6 failed in 2 crawl(s)",
        "  incomplete: vì thế",
        "nothing new at 1 other site(s) that were crawled",
        "10.0 GB of disk left",
    ]


def test_what_checks_found_is_told_once(desk: Desk) -> None:
    before = times.now()
    found = {"check": "quiet", "message": "nothing published for 30 days", "numbers": {}}
    for _ in range(2):
        ended = desk.ends(new_versions=0, changed=0, gone=0, failed={})
        with desk.engine.begin() as tx:
            tx.execute(update(run).where(run.c.id == ended).values(findings=[found]))
    with desk.archive.reading() as connection:
        digest = make_digest(connection, before, times.now())
    assert digest_text(digest, 0).splitlines()[1:3] == [
        "a: nothing new in 2 crawl(s)",
        "  quiet: nothing published for 30 days",
    ]
    assert digest.as_json()["sites"][0]["findings"] == ["quiet: nothing published for 30 days"]


def test_trouble_stands_first() -> None:
    sites = [SiteNews("a", 1, 9, outcome="finished"), SiteNews("b", broken="failed")]
    digest = Digest(at(1, 7), at(2, 7), sites, 5, ())
    assert digest_text(digest, 0).splitlines() == [
        "9 new, 0 changed, 0 gone, 0 failed, from 2026-03-01 07:00 to 2026-03-02 07:00",
        "b: nothing new",
        "  a crawl by schedule broke: failed (logs/b.log)",
        "a: 9 new in 1 crawl(s)",
        "no crawl ended at 4 of 5 site(s)",
        "0.0 GB of disk left",
    ]


def test_it_is_sent_once_a_day_and_made_up_once(desk: Desk) -> None:
    kept = Kept()
    with time_machine.travel(at(1, 20), tick=False) as clock:
        assert desk.send(kept) is None, "what was before the first day is old news"
        first = desk.ends()
        for moment in (at(2, 6, 59), at(2, 7), at(2, 7, 1), at(2, 23)):
            clock.move_to(moment)
            desk.send(kept)
        second = desk.ends("b")
        clock.move_to(at(6, 15))  # the scheduler stood still for days
        assert [desk.send(kept), desk.send(kept)] == ["kept", None]
        clock.move_to(at(7, 7))
        desk.send(kept)
    one, made_up, empty = kept.digests
    assert [site.site for site in one.sites] == ["a"] and one.until == at(2, 7)
    assert [site.site for site in made_up.sites] == ["b"] and made_up.since == one.until
    assert not empty.sites and first != second


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(days=400)])
def test_a_clock_set_back_sends_nothing_twice_and_stops_nothing(
    desk: Desk, back: timedelta
) -> None:
    kept = Kept()
    with time_machine.travel(at(3, 6), tick=False) as clock:
        desk.send(kept)
        clock.move_to(at(3, 7, 1))
        assert desk.send(kept)
        clock.move_to(at(3, 7, 1) - back)
        assert desk.send(kept) is None
        clock.move_to(at(3, 7, 2) - back)
        assert desk.send(kept) is None
        clock.move_to(at(4, 7, 10) - back)
        assert desk.send(kept), "the next day's comes"


def test_every_run_is_told_once_however_late_it_shows(desk: Desk) -> None:
    """A commit that comes after the digest that its time falls into is told by the next."""
    kept, ended = Kept(), []
    with time_machine.travel(at(1, 6), tick=False) as clock:
        desk.send(kept)
        for day in range(1, 5):
            clock.move_to(at(day, 7) - timedelta(seconds=2))
            ended.append(desk.ends(f"early-{day}"))
            late = times.now()
            clock.move_to(at(day, 7, 1))
            desk.send(kept)
            with time_machine.travel(late, tick=False):
                ended.append(desk.ends(f"late-{day}"))
            send_now(desk.archive, desk.engine, kept, late)
            send_now(desk.archive, desk.engine, kept, late)
    told = [site.site for digest in kept.digests for site in digest.sites]
    assert len(told) == len(ended) == len(set(told))


@pytest.mark.parametrize(
    "desk",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)],
    indirect=True,
)
def test_two_schedulers_send_one_on_both_databases(desk: Desk) -> None:
    kept = Kept()
    with time_machine.travel(at(1, 6), tick=False):
        desk.send(kept)
        desk.ends("a")
    with time_machine.travel(at(1, 7, 1)):
        threads = [threading.Thread(target=desk.send, args=(kept,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [site.site for site in kept.digests[0].sites] == ["a"] and len(kept.digests) == 1
    figures = generate_latest(registry_of(desk.archive)).decode()
    assert 'tinhuyen_failures{kind="http_500",site="a"} 3.0' in figures


def test_one_that_was_killed_is_not_begun_again_and_nothing_is_lost(desk: Desk) -> None:
    class Killed(Kept):
        def send(self, digest: Any, text: str) -> str:
            raise KeyboardInterrupt

    kept = Kept()
    with time_machine.travel(at(1, 6), tick=False) as clock:
        desk.send(kept)
        desk.ends()
        clock.move_to(at(1, 7))
        with pytest.raises(KeyboardInterrupt):
            desk.send(Killed())
        clock.move_to(at(1, 12))
        assert desk.send(kept) is None
        clock.move_to(at(2, 7))
        assert desk.send(kept)
    assert [site.site for site in kept.digests[0].sites] == ["a"]


def test_one_that_failed_is_tried_again_later(desk: Desk) -> None:
    class Down(Kept):
        def send(self, digest: Any, text: str) -> str:
            raise DigestNotSent("no answer")

    kept = Kept()
    with time_machine.travel(at(1, 6), tick=False) as clock:
        desk.send(kept)
        clock.move_to(at(1, 7))
        with pytest.raises(DigestNotSent):
            desk.send(Down())
        assert desk.told().error == "no answer"
        clock.move_to(at(1, 7, 4))
        assert desk.send(kept) is None
        clock.move_to(at(1, 7, 6))
        assert desk.send(kept) == "kept" and desk.send(kept) is None
        assert desk.told().error is None


def test_a_rebuilt_database_knows_what_was_sent(desk: Desk, archive: TestArchive) -> None:
    kept = Kept()
    send_now(desk.archive, desk.engine, kept, times.now())
    before = desk.told()
    desk.engine.dispose()
    desk.archive.close()
    assert archive.tinhuyen("rebuild").returncode == 0
    assert desk.told() == before


@pytest.mark.parametrize(
    ("way", "auth"),
    [("smtp", False), ("smtp", True), ("smtp+starttls", False), ("smtp+starttls", True), ("smtps", True)],
)  # fmt: skip
def test_email_by_every_way(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, auth: bool
) -> None:
    with MailServer(way, auth=auth, certificates=tmp_path / "ca.pem") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        login = f"{USER}:{quote(PASSWORD, safe='')}@" if auth else ""
        [email] = channels(
            to("a@example.org, Lan <b@example.org>", f"{way}://{login}127.0.0.1:{server.port}")
        )
        since = times.now()
        desk.ends()
        assert (
            send_now(desk.archive, desk.engine, email, since)
            == "sent to a@example.org, b@example.org"
        )
    [mail] = server.mails
    assert "3 new, 2 changed, 1 gone, 3 failed" in mail["Subject"] and "Huyện" in mail["Subject"]
    assert "a: 3 new, 2 changed, 1 gone, 3 failed in 1 crawl(s)" in mail.get_content()
    assert mail["From"] == "kho@example.org" and mail["Message-ID"] and mail["Date"]


def to(address: str, server: str) -> dict[str, str]:
    return {
        "TINHUYEN_DIGEST_TO": address,
        "TINHUYEN_DIGEST_FROM": "kho@example.org",
        "TINHUYEN_SMTP": server,
    }


def test_a_wrong_password_is_said_and_not_shown(desk: Desk, tmp_path: Path) -> None:
    with MailServer("smtp", auth=True, certificates=tmp_path / "ca.pem") as server:
        [email] = channels(to("a@example.org", f"smtp://{USER}:sai-bi-mat@127.0.0.1:{server.port}"))
        with pytest.raises(DigestNotSent) as told:
            send_now(desk.archive, desk.engine, email, times.now())
    said = f"{told.value} {email!r} {desk.told('email')}"
    assert "535" in said and "sai-bi-mat" not in said and not server.mails


def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    with MailServer("smtps", auth=False, certificates=tmp_path / "ca.pem") as server:
        [email] = channels(to("a@example.org", f"smtps://127.0.0.1:{server.port}"))
        with pytest.raises(DigestNotSent, match="certificate"):
            send_now(desk.archive, desk.engine, email, times.now())
    assert not server.mails


def test_a_server_that_is_down_or_silent_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "_SECONDS", 0.2)
    with silent_server() as port:
        for environment in (
            to("a@example.org", f"smtp://127.0.0.1:{port}"),
            to("a@example.org", f"smtps://127.0.0.1:{port}"),
            {"TINHUYEN_DIGEST_WEBHOOK": f"http://127.0.0.1:{port}/x"},
        ):
            [channel] = channels(environment)
            with pytest.raises(DigestNotSent, match=r"127\.0\.0\.1 did not .*timed out"):
                send_now(desk.archive, desk.engine, channel, times.now())
    with pytest.raises(DigestNotSent, match="refused"):
        [channel] = channels({"TINHUYEN_DIGEST_WEBHOOK": f"http://127.0.0.1:{port}/x"})
        send_now(desk.archive, desk.engine, channel, times.now())


def test_a_webhook_gets_figures_and_text(desk: Desk) -> None:
    with webhook(200, 500, 307) as (url, taken):
        [channel] = channels({"TINHUYEN_DIGEST_WEBHOOK": url})
        since = times.now()
        desk.ends()
        assert send_now(desk.archive, desk.engine, channel, since) == "sent to 127.0.0.1"
        for answer in (500, 307):
            with pytest.raises(DigestNotSent, match=f"answered {answer}") as told:
                send_now(desk.archive, desk.engine, channel, since)
            assert "bi-mat" not in f"{told.value}{channel!r}"
    assert taken[0]["new"] == 3 and taken[0]["text"].startswith("3 new, 2 changed")
    assert taken[0]["sites"][0]["site"] == "a" and len(taken) == 3


@pytest.mark.parametrize(
    "environment",
    [
        to("nobody", "smtp://127.0.0.1"),
        to("a@example.org", "ftp://127.0.0.1"),
        to("a@example.org", "smtp://u:bi-mat@mail.example.org"),
        to("a@example.org", "smtp://127.0.0.1:x"),
        to("a@example.org", "smtps://u:bi-mat-ậ@mail.example.org"),
        {"TINHUYEN_DIGEST_WEBHOOK": "mailto:bi-mat@example.org"},
        {"TINHUYEN_DIGEST_WEBHOOK": "https:///bi-mat"},
    ],
)
def test_settings_that_cannot_work_are_said_without_their_secrets(
    environment: dict[str, str],
) -> None:
    with pytest.raises(UsageError) as told:
        channels(environment)
    assert "bi-mat" not in str(told.value)


def test_a_crawl_that_broke_is_told(desk: Desk) -> None:
    desk.ends()
    now = times.utc_text(times.now())
    row = {
        "site": "a",
        "mode": "update",
        "state": "done",
        "due_at": now,
        "not_before": now,
        "tries": 0,
    }
    with desk.engine.begin() as tx:
        for outcome, code in (("stopped with the scheduler", 1), ("killed by signal 9", -9)):
            tx.execute(
                insert(job), row | {"finished_at": now, "outcome": outcome, "exit_code": code}
            )
    with desk.archive.reading() as connection:
        [a] = make_digest(connection, times.now() - timedelta(hours=1), times.now()).sites
    assert a.broken == "killed by signal 9"


def test_the_schedule_sends_it_and_waits_for_no_server(
    archive: TestArchive, engine_of: Engine
) -> None:
    """The webhook is silent for ever; the mail comes, the crawl is made, and the end comes soon."""
    long_ago = times.now() - timedelta(days=2)
    with engine_of.begin() as tx:
        for name in ("email", "webhook"):
            save_told(tx, Told(name, long_ago))
    server = MailServer("smtp", auth=False, certificates=archive.folder / "ca.pem")
    with portals(archive, 1), server, silent_server() as port:
        assert archive.tinhuyen("schedule", "add", "p0", "--every", "6h").returncode == 0
        environment = to("a@example.org", f"smtp://127.0.0.1:{server.port}") | {
            "TINHUYEN_DIGEST_WEBHOOK": f"http://127.0.0.1:{port}/x", "TINHUYEN_LOG": "json",
        }  # fmt: skip
        command = [
            sys.executable,
            "-u",
            "-c",
            "from crawler.cli import main; main()",
            "schedule",
            "run",
        ]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            with started(archive, command) as process:
                until = time.monotonic() + 60
                while not server.mails and time.monotonic() < until:
                    time.sleep(0.05)
                code, errors = end(process, signal.SIGTERM)
    assert server.mails and code == 0, errors
    lines = [json.loads(line) for line in errors.splitlines()]
    assert any("sent to a@example.org" in line["message"] for line in lines), lines


@pytest.fixture
def engine_of(archive: TestArchive) -> Iterator[Engine]:
    engine = archive.open().open_for_writing()
    yield engine
    engine.dispose()
