"""Health, metrics and logs: what machines are told."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from storage.archive import Archive
from storage.database.connect import open_database
from storage.query.site_figures import site_figures
from storage.web.app import make_app
from tests.conftest import TestArchive
from tests.crawling import end, started


@pytest.fixture
def copy(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    return demo_archive.copy(tmp_path / "archive")


@contextmanager
def served(archive: Archive) -> Iterator[httpx.Client]:
    """The reading room on a real socket of this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(archive), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        archive.close()


def health_of(archive: TestArchive) -> tuple[int, dict[str, Any]]:
    with served(Archive(archive.folder)) as client:
        answer = client.get("/health")
    return answer.status_code, answer.json()


def test_a_sound_archive_is_well(demo_archive: TestArchive) -> None:
    status, told = health_of(demo_archive)
    assert status == 200 and told["ok"]
    assert set(told["checks"]) == {"database", "schema", "disk", "manifest"}


def test_each_check_fails_alone_where_something_is_wrong(
    copy: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwell() -> set[str]:
        status, told = health_of(copy)
        assert status == (200 if told["ok"] else 503)
        return {name for name, check in told["checks"].items() if not check["ok"]}

    monkeypatch.setenv("TINHUYEN_DISK_FLOOR_BYTES", str(1 << 60))
    assert unwell() == {"disk"}
    monkeypatch.delenv("TINHUYEN_DISK_FLOOR_BYTES")
    monkeypatch.setenv("TINHUYEN_DISK_FLOOR_BYTES", "1")
    manifest = copy.folder / "manifest.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole + b'{"file": "half')
    assert not unwell(), "a torn last line was never acknowledged"
    manifest.write_bytes(b"\0" * 100 + b"\n")
    assert unwell() == {"manifest"}
    manifest.unlink()
    assert unwell() == {"manifest"}
    manifest.write_bytes(whole)
    engine = open_database(copy.open().database_url)
    with engine.begin() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    assert "schema" in unwell()
    (copy.folder / "archive.db").write_bytes(b"no database at all" * 1000)
    assert {"database", "schema"} <= unwell()
    (copy.folder / "archive.db").unlink()
    assert "database" in unwell()


def test_the_schema_is_looked_at_anew(copy: TestArchive) -> None:
    """An upgrade beside a running `serve` is seen."""
    opened = Archive(copy.folder)
    with served(opened) as client:
        assert client.get("/health").status_code == 200
        engine = open_database(opened.database_url)
        with engine.begin() as tx:
            tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        answer = client.get("/health")
        assert answer.status_code == 503 and not answer.json()["checks"]["schema"]["ok"]


def samples(exposition: str) -> dict[tuple[str, ...], float]:
    """By name, site if there is one, and the other label's value."""
    return {
        (
            sample.name,
            *(sample.labels[name] for name in sorted(sample.labels, key="site".__ne__)),
        ): (sample.value)
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def test_metrics_say_what_status_says(demo_archive: TestArchive, tmp_path: Path) -> None:
    opened = demo_archive.open()
    [status] = opened.status()
    with served(opened) as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found = samples(answer.text)
    assert found["tinhuyen_articles", "demo", "live"] == status["articles"] == 60
    assert found["tinhuyen_warc_bytes", "demo"] == status["warc_bytes"]
    assert found["tinhuyen_failures", "demo", "not_an_image"] == status["failed"] == 1
    assert found["tinhuyen_captures", "demo"] == 133
    assert found["tinhuyen_runs", "demo", "finished"] == 1
    assert found[("tinhuyen_jobs", "queued")] == 0 and found[("tinhuyen_disk_free_bytes",)] > 0
    assert found["tinhuyen_last_good_capture_timestamp_seconds", "demo"] > 1.7e9
    target = tmp_path / "tinhuyen.prom"
    assert demo_archive.tinhuyen("metrics", "--file", str(target)).returncode == 0
    again = samples(target.read_text(encoding="utf-8"))
    assert again.keys() == found.keys() and list(tmp_path.iterdir()) == [target]
    refused = demo_archive.tinhuyen("metrics", "--file", str(tmp_path / "no" / "x"))
    assert refused.returncode == 2 and "cannot write" in refused.stderr


def test_a_run_under_way_and_what_waits_are_counted(copy: TestArchive) -> None:
    assert copy.scrapy("crawl", "demo", "-s", "RUN_MAX_REQUESTS=5").returncode == 4
    assert copy.tinhuyen("schedule", "add", "tinhuy-haiduong", "--every", "6h").returncode == 0
    opened = copy.open()
    with opened.reading() as connection:
        found = site_figures(connection)
    opened.close()
    assert found["demo"].runs == {"finished": 1, "under way": 1} and found["demo"].queued > 5
    assert 133 < found["demo"].captures < 145
    assert found["tinhuy-haiduong"].next_due and found["tinhuy-haiduong"].state is None


def log_of(errors: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in errors.splitlines()]
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)
    return lines


def test_the_log_of_a_crawl_is_json_if_asked(
    archive: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINHUYEN_LOG", "json")
    done = archive.tinhuyen("crawl", "demo", "--max-requests", "6")
    assert done.returncode == 4 and log_of(done.stderr)[-1]["level"] == "error"
    done = archive.scrapy("crawl", "demo")
    assert done.returncode == 0, done.stderr
    ours = [line for line in log_of(done.stderr) if line["logger"] == "crawler.events"]
    assert ours[0]["message"] == "demo: goes on" and ours[0]["run"].startswith("demo-")
    assert any(line.get("kind") == "not_an_image" for line in ours)
    assert ours[-1]["exit_code"] == 0 and ours[-1]["counts"]["articles"] == 60


def test_the_log_of_serve_is_json_if_asked(
    demo_archive: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINHUYEN_LOG", "json")
    command = [sys.executable, "-u", "-c", "from crawler.cli import main; main()", "serve"]
    with started(demo_archive, command) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[2]
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            assert client.get(f"{address}health").status_code == 200
        _, errors = end(process, signal.SIGINT)
    assert any("GET /health" in line["message"] for line in log_of(errors)), errors


def test_a_form_that_there_is_not_is_said(
    archive: TestArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINHUYEN_LOG", "xml")
    done = archive.tinhuyen("work")
    assert done.returncode == 2 and "there are text and json" in done.stderr
