"""Every kind of damage is named, at the right place; sound files of others are not called bad."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from fastwarc.stream_io import GzipWriter
from fastwarc.warc import WarcRecord, WarcRecordType
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.demo.portal import SamplePortal
from storage.archive import Archive
from storage.warc.index import index_file
from storage.warc.verify.one import check_file
from storage.warc.verify.round import Round
from storage.warc.verify.rules import Rule
from tests.conftest import ROOT
from tests.damage.changes import tally
from tests.damage.kinds import KINDS
from tests.damage.verify import verify
from tests.damage.writer import PAGE, URL, Damaged, packed, plain, response, sha1, sound

PLAIN = "thu-20240301030000-00000-may.warc"


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named_where_it_is(tmp_path: Path, kind: str) -> None:
    damaged = KINDS[kind]()
    verdict = verify(tmp_path, damaged)
    said = [(flaw.rule.slug, flaw.offset) for flaw in verdict.flaws]
    assert (damaged.rule, damaged.offset) in said
    errors = {flaw.rule for flaw in verdict.flaws if flaw.rule.severity == "error"}
    if Rule[damaged.rule.upper()].severity == "finding":
        assert not errors, "what is no error brings none with it"


def test_sound_files_have_no_flaw(tmp_path: Path) -> None:
    assert verify(tmp_path, Damaged(packed(sound()), "", 0)).flaws == ()
    records = [r.set("WARC-Filename", PLAIN) if n == 0 else r for n, r in enumerate(sound())]
    assert verify(tmp_path, Damaged(plain(records), "", 0, PLAIN)).flaws == ()


# Files of other writers that are not sound, and why.
NOT_SOUND = {
    "clipped.warc.gz": "cut short on purpose",
    "clueweb-quirk.warc.gz": "its dates are none (2008-10-294), its payload digests fit nothing",
    "cdxj-indexer/test/data/example.warc.gz": "edited: its block digests fit nothing",
    "example-wrong-chunks.warc.gz": "lengths that lie, on purpose",
    "example-bad-non-chunked.warc.gz": "one gzip stream, on purpose",
    "example-trunc.warc": "a block cut short, on purpose",
    "example-digest.warc": "four records with one id",
    "/invalid-": "named so by jwat",
}
WRITERS = [
    "cdxj-indexer", "commoncrawl-whirlwind", "fastwarc-testdata", "jwarc-test-resources", "jwat",
    "py-wacz", "warc-specifications", "warcio-testdata",
]  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("writer", WRITERS)
def test_sound_files_of_other_writers_have_at_most_findings(
    shared_data: Path, tmp_path: Path, writer: str
) -> None:
    files = [p for p in sorted((shared_data / "warc" / writer).rglob("*.w*")) if is_warc(p)]
    sound_ones = [p for p in files if not any(part in str(p) for part in NOT_SOUND)]
    assert sound_ones
    for path in sound_ones:
        [verdict] = Round(Archive(tmp_path / "no-archive")).named([str(path)])
        assert not verdict.errors, (path, verdict)


@pytest.mark.shared
@pytest.mark.parametrize("part", NOT_SOUND)
def test_unsound_files_of_other_writers_have_errors(
    shared_data: Path, tmp_path: Path, part: str
) -> None:
    files = [p for p in sorted((shared_data / "warc").rglob("*.w*")) if part in str(p)]
    verdicts = Round(Archive(tmp_path / "no-archive")).named([str(p) for p in files if is_warc(p)])
    assert any(verdict.errors for verdict in verdicts)


def is_warc(path: Path) -> bool:
    return path.name.endswith((".warc", ".warc.gz", ".warc.wet.gz", ".warc.wat.gz"))


@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
def test_what_wget_writes_is_sound(tmp_path: Path) -> None:
    """An independent writer over a live crawl."""
    with SamplePortal() as portal:
        address = f"http://127.0.0.1:{portal.port}/"
        options = ["--quiet", "--recursive", "--level=1", "--warc-file=w"]
        subprocess.run(["wget", *options, address], cwd=tmp_path, timeout=60)
    [verdict] = Round(Archive(tmp_path / "no-archive")).named([str(tmp_path / "w.warc.gz")])
    assert verdict.records > 10 and not verdict.errors, verdict


def test_what_warcio_and_fastwarc_write_is_sound(tmp_path: Path) -> None:
    write_by_warcio(tmp_path / "warcio.warc.gz")
    write_by_fastwarc(tmp_path / "fastwarc.warc.gz")
    for path in tmp_path.glob("*.warc.gz"):
        [verdict] = Round(Archive(tmp_path / "no-archive")).named([str(path)])
        assert verdict.records == 3 and not verdict.errors, verdict


def write_by_warcio(path: Path) -> None:
    with path.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        info = writer.create_warcinfo_record(path.name, {"software": "warcio", "format": "WARC"})
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], "HTTP/1.1")
        page = writer.create_warc_record(
            URL, "response", payload=io.BytesIO(PAGE), http_headers=headers
        )
        digest, date = (
            page.rec_headers.get_header(f"WARC-{n}") for n in ("Payload-Digest", "Date")
        )
        again = writer.create_revisit_record(URL, digest or sha1(PAGE), URL, date, headers)
        for record in (info, page, again):
            writer.write_record(record)
        page.raw_stream.close()


def write_by_fastwarc(path: Path) -> None:
    with path.open("wb") as file:
        out = GzipWriter(file)
        kinds = [WarcRecordType.warcinfo, WarcRecordType.request, WarcRecordType.response]
        blocks = [
            b"software: FastWARC\r\n",
            b"GET / HTTP/1.1\r\nHost: a.vn\r\n\r\n",
            response(PAGE),
        ]
        for kind, block in zip(kinds, blocks, strict=True):
            record = WarcRecord()
            record.init_headers(kind, content_length=len(block))
            if kind is not WarcRecordType.warcinfo:
                record.headers["WARC-Target-URI"] = URL
            record.set_bytes_content(block)
            record.write(out, checksum_data=True)
            out.finish()
        out.close()


def test_no_single_byte_changes_unseen(tmp_path: Path) -> None:
    """The short form of `python -m tests.damage --changes 10000`."""
    counts = tally(tmp_path, 200, seed=1)
    assert not [what for what in counts if what.startswith("MISSED")]
    assert sum(n for what, n in counts.items() if what.startswith("error")) > 100


SOUND = (packed(sound()), plain(sound()))


@settings(max_examples=100)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=9)), max_size=4),
    st.integers(0, 4000),
)
def test_no_bytes_are_too_much(data: bytes, changes: list[tuple[int, bytes]], end: int) -> None:
    """Whatever stands in a file: it is walked to its end, verified and indexed without an error."""
    for at, new in changes:
        data = data[:at] + new + data[at + len(new) // 2 :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.warc.gz"
        path.write_bytes(data[:end] or b"")
        checked = check_file(path, ours=False)
        assert index_file(path, path.name) is not None
    assert all(0 <= flaw.offset <= len(data) for flaw in checked.flaws)


def test_every_rule_stands_in_the_docs_with_its_own_words() -> None:
    page = (ROOT / "docs" / "verify-rules.md").read_text(encoding="utf-8")
    for rule in Rule:
        assert f"| `{rule.slug}` | {rule.severity} | {rule.meaning} | {rule.advice} |" in page


def test_every_rule_about_files_has_a_kind_of_damage() -> None:
    """The others, about archives, are proven in tests/test_verify.py."""
    of_the_store = {
        "missing_file", "size_differs", "sha256_differs", "not_listed", "record_without_row",
        "row_without_record", "row_differs", "index_differs", "replica_missing", "replica_differs",
        "dangling_revisit", "unreadable", "no_metadata", "too_large",
    }  # fmt: skip
    kinds = {make().rule for make in KINDS.values()}
    assert {rule.slug for rule in Rule} - kinds - of_the_store == set()
