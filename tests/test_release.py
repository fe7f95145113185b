"""Releases: frozen, checked, and the same when they are made again; and the datasheet."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from storage.errors import NotFound, UsageError
from storage.export.datasheet import Tally
from storage.export.datasheet_page import as_page
from storage.export.release import create_release, list_releases, verify_release
from storage.query.query import Query
from tests.conftest import TestArchive
from tests.test_export import made_up


@pytest.fixture
def copy(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    return demo_archive.copy(tmp_path / "archive")


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_release_made_twice_is_the_same_even_after_a_rebuild(copy: TestArchive) -> None:
    place = copy.folder / "releases" / "2026-11"
    made = []
    archive = copy.open()
    for _ in range(2):
        create_release(archive, "2026-11", Query())
        made.append(bytes_of(place))
        shutil.rmtree(place)
    archive.close()
    assert copy.tinhuyen("rebuild").returncode == 0
    create_release(copy.open(), "2026-11", Query())
    assert made[0] == made[1] == bytes_of(place)
    assert {path for path in made[0] if not path.startswith("data/")} == {
        "data-dictionary.md", "datasheet.md", "datasheet.json", "datacite.json", "release.json",
        "manifest-sha256.txt",
    }  # fmt: skip


def test_what_is_altered_is_named(copy: TestArchive) -> None:
    assert copy.here("release", "create", "2022", "--since", "2022", "--until", "2022").stdout
    place = copy.folder / "releases" / "2022"
    sums = subprocess.run(["sha256sum", "-c", "--quiet", "manifest-sha256.txt"], cwd=place)
    assert sums.returncode == 0 and copy.here("release", "verify", "2022").returncode == 0
    [path, *_] = (place / "data").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    (place / "datasheet.md").unlink()
    (place / "thêm.txt").write_text("x")
    done = copy.here("release", "verify", "2022", "--json")
    told = {one["file"]: one["problem"] for one in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 6
    assert told == {
        path.relative_to(place).as_posix(): "changed",
        "datasheet.md": "missing",
        "thêm.txt": "not listed",
    }


def test_a_release_says_what_it_is_of(copy: TestArchive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINHUYEN_NAME", "Thư viện tỉnh")
    query = Query.of("hội nghị", since="2022", site="demo")
    made = create_release(copy.open(), "hoi-nghi", query, "2026-12-31")
    place = copy.folder / "releases" / "hoi-nghi"
    assert made["command"] == "tinhuyen export --site=demo --since=2022 -- 'hội nghị'"
    assert made["articles"] == len(pd.read_parquet(place / "data"))
    assert made["articles"] == len(copy.open().find(query, None))
    datacite = json.loads((place / "datacite.json").read_text("utf-8"))
    assert (
        datacite["publicationYear"] == "2026" and datacite["publisher"]["name"] == "Thư viện tỉnh"
    )
    assert {"date": "2026-12-31", "dateType": "Issued"} in datacite["dates"]
    assert "doi" not in datacite and "rightsList" not in datacite
    page = (place / "datasheet.md").read_text("utf-8")
    assert "found by `tinhuyen search --site=demo" in page and f"{made['articles']:,} art" in page
    assert list_releases(copy.open().folder) == [made]


def test_names_and_days_that_are_none_are_refused(copy: TestArchive) -> None:
    archive = copy.open()
    for name in ("", "..", "a/b", "Mới", "a.unfinished"):
        with pytest.raises(UsageError, match="no name of a release"):
            create_release(archive, name, Query())
    with pytest.raises(UsageError, match="is no day"):
        create_release(archive, "a", Query(), "hôm qua")
    with pytest.raises(NotFound, match="nothing was written"):
        create_release(archive, "a", Query.of("khôngcótừnày"))
    assert not (copy.folder / "releases").exists()
    with pytest.raises(NotFound, match="tinhuyen release list"):
        list(verify_release(archive.folder, "a"))
    create_release(archive, "a", Query.of(since="2023"))
    with pytest.raises(UsageError, match="is there already"):
        create_release(archive, "a", Query.of(since="2023"))


# The datasheet


def told_of(*articles: dict[str, Any]) -> dict[str, Any]:
    counted = Tally()
    for article in articles:
        counted.take(article, "plain")
    return counted.as_json()


def test_the_datasheet_counts_what_search_finds(demo_archive: TestArchive) -> None:
    told = json.loads(demo_archive.here("datasheet", "--json").stdout)
    articles = demo_archive.open().search(limit=None)
    assert told["articles"] == len(articles) == 60
    for name, counts in told["by"].items():
        assert sum(counts.values()) == 60, name
    assert told["by"]["family"] == {"nukeviet": 22, "party_sharepoint": 38}
    assert told["has"]["author"] == sum(one["author"] is not None for one in articles)
    assert told["by"]["month"]["2023-01"] == len(
        demo_archive.open().search(since="2023-01", until="2023-01", limit=None)
    )
    assert [one["site"] for one in told["sites"]] == ["demo"]
    [here] = [one for one in told["districts"] if one["named"]]
    assert here == {"province": "Hải Dương", "districts": 12, "named": 1}
    page = demo_archive.here("datasheet").stdout
    assert page.startswith("# Datasheet of an archive of district news\n\n60 articles, captured")


def test_what_is_unknown_is_counted(tmp_path: Path) -> None:
    told = told_of(
        made_up(),
        made_up(published_at="2023-01", author="Hà Trang"),
        made_up(captured_at="2025-01-01T20:00:00.000000Z", published_at="2025-01-02", site="b"),
        made_up(site="b", absent={"absent_on": "2025", "why": "404"}),
    )
    assert told["by"]["month"] == {"2023-01": 1, "2025-01": 1, "unknown": 2}
    assert told["by"]["province"] == {"unknown": 4} and told["gone"] == {"b": 1}
    assert told["nulls_by_family_and_year"] == [
        {"family": "plain", "captured_in": "2024", "articles": 3, "no_date": 2, "no_author": 2},
        {"family": "plain", "captured_in": "2025", "articles": 1, "no_date": 0, "no_author": 1},
    ]
    # Published on the 2nd, captured at 3 in the morning of the 2nd in Việt Nam.
    assert told["capture_lag_days"] == dict.fromkeys(
        ("tenth", "median", "nine_tenths", "longest"), 0
    )
    page = as_page(told, "Bảng")
    assert "| plain | 2024 | 3 | 2 (66.7 %) | 2 (66.7 %) |" in page
    assert "No article has a known day" not in page and "| b | 1 |" in page


def test_lags_are_those_of_sorted_days() -> None:
    days = [*range(1, 21)]
    told = told_of(
        *(
            made_up(captured_at=f"2024-01-{day:02}T00:00:00Z", published_at="2024-01-01")
            for day in days
        ),
        made_up(captured_at="2024-01-01T00:00:00Z", published_at="2024-03-01"),
    )
    lag = told["capture_lag_days"]
    assert (lag["tenth"], lag["median"], lag["nine_tenths"], lag["longest"]) == (1, 9, 17, 19)
    assert told["captured_before_publication"] == 1


def test_imported_captures_bring_their_bias(demo_archive: TestArchive) -> None:
    warc = made_up()["warc"]
    told = told_of(made_up(warc=warc | {"provenance": "commoncrawl"}), made_up(site="a|b\nc"))
    page = as_page(told, "Bảng")
    assert "**commoncrawl.** Common Crawl takes some pages" in page and "Wayback" not in page
    assert "| a\\|b c | 1 |" in page
    assert "Nothing is known of how" in as_page(
        told_of(made_up(warc=warc | {"provenance": "khác"})), "Bảng"
    )


def test_filters_narrow_the_datasheet(demo_archive: TestArchive) -> None:
    told = json.loads(demo_archive.here("datasheet", "--since", "2023", "--json").stdout)
    assert told["articles"] == len(demo_archive.open().search(since="2023", limit=None))
    assert "sites" not in told and set(told["by"]["month"]) <= {
        f"2023-{n:02}" for n in range(1, 13)
    }
