"""Memento: TimeGate, mementos and TimeMap as RFC 7089 has them, over a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import pytest

from storage.times import parse_utc
from tests.conftest import TestArchive
from tests.serving import Served, served
from tests.stored import keeping

URL = "http://thu.vn/tin?id=1"
TIMES = ("2010-01-01T00:00:00Z", "2015-06-01T12:00:00Z", "2024-03-01T03:00:00Z")
STAMPS = ("20100101000000", "20150601120000", "20240301030000")
_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*\w+="[^"]*")*)')

Links = list[tuple[str, dict[str, str]]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("memento") / "archive"
    with keeping(folder) as keeper:
        for at in TIMES:
            keeper.keep(URL, f"<p>{at}</p>", at=at)
        keeper.keep("http://thu.vn/mot", "<p>1</p>")
        keeper.keep("http://thu.vn/di", "", status=302, headers=("Location: /mot",))
        keeper.keep("http://thu.vn/mat", "<p>404</p>", status=404)
    with served(TestArchive(folder)) as server:
        yield server


@pytest.fixture
def replay(server: Served) -> httpx.Client:
    return server.replay


def read_links(text: str) -> Links:
    """RFC 8288, as far as a TimeMap or Link header needs it; nothing may stand between links."""
    assert not _LINK.sub("", text).replace(",", "").strip()
    return [
        (url, dict(re.findall(r'(\w+)="([^"]*)"', attributes)))
        for url, attributes in _LINK.findall(text)
    ]


def by_relation(links: Links) -> dict[str, str]:
    return {word: url for url, told in links for word in told["rel"].split()}


@pytest.mark.parametrize(
    ("wanted", "stamp"),
    [
        ("Fri, 01 Jan 2010 00:00:00 GMT", STAMPS[0]),
        ("Mon, 01 Jan 1990 00:00:00 GMT", STAMPS[0]),  # before the first (§4.5.3)
        ("Wed, 01 Jun 2016 00:00:00 GMT", STAMPS[1]),
        ("Fri, 01 Jan 2055 00:00:00 GMT", STAMPS[2]),
        (None, STAMPS[2]),  # without Accept-Datetime the newest
    ],
)
def test_the_timegate_leads_to_the_nearest(
    replay: httpx.Client, server: Served, wanted: str | None, stamp: str
) -> None:
    """Pattern 2.1 (§4.2.1): a TimeGate of its own, 302, distinct URI-Ms."""
    answer = replay.get(f"/wayback/{URL}", headers={"Accept-Datetime": wanted} if wanted else {})
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/wayback/{stamp}/{URL}"
    assert "accept-datetime" in answer.headers["vary"].lower()
    assert "memento-datetime" not in answer.headers  # a TimeGate is no memento
    links = by_relation(read_links(answer.headers["link"]))
    assert links["original"] == URL
    assert links["timemap"] == f"{server.replay_url}/wayback/timemap/link/{URL}"
    assert replay.head(f"/wayback/{URL}").status_code == 302


def test_a_date_that_is_none_is_refused(replay: httpx.Client) -> None:
    for date in ("hôm qua", "Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 99 Dec 2020 00:00:00 GMT"):
        answer = replay.get(f"/wayback/{URL}", headers={b"Accept-Datetime": date.encode()})
        assert answer.status_code == 400 and "Accept-Datetime" in answer.text, date
    last = replay.get(
        f"/wayback/{URL}", headers={"Accept-Datetime": "Fri, 31 Dec 9999 23:59:59 GMT"}
    )
    assert last.status_code == 302


def test_a_memento_says_when_and_what_is_beside_it(replay: httpx.Client, server: Served) -> None:
    answer = replay.get(f"/wayback/{STAMPS[1]}/{URL}")
    assert answer.headers["memento-datetime"] == "Mon, 01 Jun 2015 12:00:00 GMT"
    assert "vary" not in answer.headers and "content-location" not in answer.headers
    links = by_relation(read_links(answer.headers["link"]))
    base = f"{server.replay_url}/wayback"
    assert links["original"] == URL and links["timegate"] == f"{base}/{URL}"
    assert (links["first"], links["prev"]) == (f"{base}/{STAMPS[0]}/{URL}",) * 2
    assert (links["last"], links["next"]) == (f"{base}/{STAMPS[2]}/{URL}",) * 2
    for url, told in read_links(answer.headers["link"]):
        if "memento" in told["rel"].split():
            stamp = url.split("/")[4]
            assert parsedate_to_datetime(told["datetime"]).strftime("%Y%m%d%H%M%S") == stamp


def test_a_moment_between_two_names_the_memento_it_shows(replay: httpx.Client) -> None:
    answer = replay.get(f"/wayback/2016/{URL}")
    assert answer.headers["content-location"] == f"/wayback/{STAMPS[1]}/{URL}"
    assert answer.headers["memento-datetime"] == "Mon, 01 Jun 2015 12:00:00 GMT"


def test_redirects_and_errors_that_were_kept_are_mementos(replay: httpx.Client) -> None:
    """§4.5.2 and §4.5.4: what was a redirect or an error then; not so what was not kept."""
    moved = replay.get("/wayback/20240301030000/http://thu.vn/di")
    assert moved.status_code == 302 and moved.headers["memento-datetime"]
    assert moved.headers["location"] == "/wayback/20240301030000/http://thu.vn/mot"
    gone = replay.get("/wayback/20240301030000/http://thu.vn/mat")
    assert gone.status_code == 404 and gone.headers["memento-datetime"]
    absent = replay.get("/wayback/20240301030000/http://thu.vn/khong-co")
    assert absent.status_code == 404 and "memento-datetime" not in absent.headers
    assert replay.get("/wayback/http://thu.vn/khong-co").status_code == 404


def test_the_timemap_lists_every_memento(replay: httpx.Client, server: Served) -> None:
    answer = replay.get(f"/wayback/timemap/link/{URL}")
    assert answer.headers["content-type"].startswith("application/link-format")
    links = read_links(answer.text)
    relations = by_relation(links)
    assert relations["original"] == URL
    assert relations["self"] == f"{server.replay_url}/wayback/timemap/link/{URL}"
    assert relations["timegate"] == f"{server.replay_url}/wayback/{URL}"
    mementos = [(url, told) for url, told in links if "memento" in told["rel"].split()]
    assert [url.split("/")[4] for url, _ in mementos] == list(STAMPS)
    assert [told["rel"] for _, told in mementos] == ["first memento", "memento", "last memento"]
    dates = [parsedate_to_datetime(told["datetime"]) for _, told in mementos]
    assert dates == [parse_utc(at) for at in TIMES]
    [span] = [told for _, told in links if told["rel"] == "self"]
    assert (span["from"], span["until"]) == (
        mementos[0][1]["datetime"],
        mementos[-1][1]["datetime"],
    )


def test_the_timemap_of_a_single_memento(replay: httpx.Client) -> None:
    links = read_links(replay.get("/wayback/timemap/link/http://thu.vn/mot").text)
    assert [told["rel"] for _, told in links][-1] == "first last memento"
    assert replay.get("/wayback/timemap/link/http://thu.vn/khong-co").status_code == 404
    assert replay.get("/wayback/timemap/link/x://y").status_code == 400
