"""Text of attachments: read by their bytes, found with their page, and harmless whatever they are."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from sqlalchemy import insert, select, text

from crawler.attachments.document import MAX_PAGES, answer
from crawler.attachments.read import MAX_BYTES, read_attachments, read_document
from crawler.demo.files import PLAN, pdf
from storage import child
from storage.archive import Archive
from storage.database.attachments import Document, save_document, unread_attachments
from storage.database.connect import writing
from storage.database.images import bind_files
from storage.database.schema import attachment, capture, run
from storage.records import Attachment
from tests.conftest import TestArchive
from tests.kept import AT, article, keep, open_attachments

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="a" Target="word/document.xml" Type='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)


def docx(body: str, **parts: str) -> bytes:
    """A Word file of this body (ECMA-376)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("_rels/.rels", RELS)
        document = f"<w:document {W} {MC}><w:body>{body}</w:body></w:document>"
        package.writestr("word/document.xml", parts.pop("document", document))
        for name, content in parts.items():
            package.writestr(f"word/{name}.xml", content)
    return out.getvalue()


def p(words: str) -> str:
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


BREAK = "<w:p><w:r><w:lastRenderedPageBreak/></w:r></w:p>"


def read(data: bytes) -> tuple[list[Any], dict[str, Any]]:
    """Pages and end, read in this process: quicker."""
    *pages, end = answer(data)
    return pages, end


def test_a_pdf_page_by_page() -> None:
    pages, end = read(pdf())
    assert pages == [[1, PLAN[0]], [2, PLAN[1]]]
    assert end == {"kind": "pdf", "state": "read", "problem": None}


def test_a_word_file_with_everything_that_stands_in_its_text() -> None:
    body = (
        "<w:tbl><w:tr><w:tc>" + p("UBND HUYỆN") + "</w:tc><w:tc>" + p("CỘNG HOÀ") + "</w:tc></w:tr></w:tbl>"
        + "<w:sdt><w:sdtContent>" + p("Điều 1") + "</w:sdtContent></w:sdt>"
        + "<w:p><w:ins><w:r><w:t>thêm</w:t></w:r></w:ins><w:del><w:r><w:delText>bớt</w:delText></w:r></w:del></w:p>"
        + f"<w:p><w:r><mc:AlternateContent><mc:Choice>{p('khung')}</mc:Choice>"
        + f"<mc:Fallback>{p('khung cũ')}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
        + BREAK + "<w:p><w:r><w:t>trang</w:t><w:tab/><w:t>hai</w:t><w:br/><w:t>x</w:t></w:r></w:p>"
    )  # fmt: skip
    notes = f"<w:footnotes {W}>{p('chú thích')}</w:footnotes>"
    pages, end = read(docx(body, footnotes=notes))
    assert [page for page, _ in pages] == [1, 2, None] and end["state"] == "read"
    for words in ("UBND HUYỆN", "CỘNG HOÀ", "Điều 1", "thêm", "khung"):
        assert words in pages[0][1]
    assert "bớt" not in pages[0][1] and "khung cũ" not in pages[0][1]
    assert pages[1][1].strip() == "trang\thai\nx" and pages[2][1] == "chú thích"


def test_a_word_file_without_marks_has_no_pages() -> None:
    pages, _ = read(docx(p("một") + p("hai")))
    assert pages == [[None, "một\nhai"]]


def encrypted() -> bytes:
    writer, out = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf()))), io.BytesIO()
    writer.encrypt("user", algorithm="AES-256")
    writer.write(out)
    return out.getvalue()


def empty_pages(count: int) -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    for _ in range(count):
        writer.add_blank_page(100, 100)
    writer.write(out)
    return out.getvalue()


def damaged_page() -> bytes:
    """Its first page says that its content is compressed, and it is not."""
    start = pdf().index(b"7 0 obj")
    return pdf()[:start] + pdf()[start:].replace(b"/Length", b"/Filter /FlateDecode /Length", 1)


LAUGHS = (
    '<!DOCTYPE w [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + f"]><w:document {W}><w:body><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>"
)

NOT_READ = [
    (b"", "unsupported", "no known kind"),
    (b"<html>not found</html>", "unsupported", "no known kind"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "unsupported", "old Office"),
    (b"{\\rtf1 a}", "unsupported", "RTF"),
    (b"PK\x03\x04" + bytes(50), "unsupported", "damaged ZIP"),
    (b"%PDF-1.4\n", "failed", "damaged"),
    (b"%PDF-1.4\n" + bytes(range(256)) * 40, "failed", "damaged"),
    (pdf()[:400], "failed", "damaged"),
    (encrypted(), "failed", "password"),
    (empty_pages(1), "no_text", "scan"),
    (docx("", document="<w:document"), "failed", "damaged"),
    (docx("", document=LAUGHS), "failed", "document type"),
    (docx(""), "no_text", "scan"),
    (docx(p("x")).replace(b"_rels/.rels", b"_rels/.rals"), "failed", "damaged"),
]


@pytest.mark.parametrize(("data", "state", "why"), NOT_READ)
def test_what_cannot_be_read_says_why(data: bytes, state: str, why: str) -> None:
    pages, end = read(data)
    assert end["state"] == state and why in end["problem"], end
    assert not any(words.strip() for _, words in pages)


def test_the_beginning_of_a_long_file_is_read() -> None:
    pages, end = read(docx((BREAK + p("x")) * (MAX_PAGES + 5)))
    assert len(pages) == MAX_PAGES and f"first {MAX_PAGES} pages" in end["problem"]


@given(
    data=st.binary(max_size=300), where=st.integers(0, 2000), what=st.sampled_from(["pdf", "docx"])
)
@settings(max_examples=60)
def test_any_damage_ends_in_a_state(data: bytes, where: int, what: str) -> None:
    whole = pdf() if what == "pdf" else docx(p("chữ") * 50)
    *_, end = answer(whole[:where] + data + whole[where + len(data) :])
    assert end["state"] in ("read", "no_text", "failed", "unsupported")


def zip_bomb() -> bytes:
    """80 MB of one letter in 80 KB."""
    return docx("", document=f"<w:document {W}><w:body>{p('a' * (80 << 20))}")


def pdf_bomb() -> bytes:
    """A page whose content unpacks to 2 GB: compressed twice."""
    packed = zlib.compress(zlib.compress(bytes(1 << 28), 9) * 8, 9)
    body = b"<< /Filter [/FlateDecode /FlateDecode] /Length %d >>\nstream\n" % len(packed)
    return pdf().replace(
        b"7 0 obj\n<< ", b"7 0 obj\n" + body + packed + b"\nendstream\nendobj\n99 0 obj\n<< ", 1
    )


@pytest.mark.parametrize("data", [zip_bomb, pdf_bomb])
def test_a_bomb_is_ended(data: Any) -> None:
    """Whatever it takes, it takes it from a process of its own, and says so."""
    document = read_document(data(), child.Limits(seconds=10, memory_bytes=300 << 20))
    assert document.problem and all(len(words) < 1000 for _, words in document.pages)


def test_a_damaged_page_does_not_hide_the_others() -> None:
    pages, end = read(damaged_page())
    assert end["state"] == "read" and "page 1 is damaged" in end["problem"]
    assert [words for _, words in pages if words] == [PLAN[1]]


def test_a_file_too_large_is_not_begun() -> None:
    assert read_document(bytes(MAX_BYTES + 1)) == Document(None, "failed", "larger than 64 MB")


# What is read is found: rows in an archive.

SHA = hashlib.sha256(b"x").hexdigest()
URL = "http://thu.example/van-ban.pdf"


def kept_file(
    archive: Archive, url: str = URL, sha256: str = SHA, record: str = "<urn:file>"
) -> None:
    """A capture of a file, as saving a page leaves it."""
    engine = archive.open_for_writing()
    with writing(engine) as tx:
        of_run = tx.execute(select(run.c.id)).scalars().first()
        row = {
            "run": of_run, "site": "thu", "url": url, "urlkey": url, "fetched_at": AT, "status": 200,
            "mime": "application/pdf", "block_digest": "x", "warc_file": "f", "warc_offset": 0,
            "warc_length": 1, "record_id": record, "record_type": "response", "provenance": "own",
            "body_sha256": sha256, "reading": "none",
        }  # fmt: skip
        tx.execute(insert(capture), row)
        bind_files(tx, "thu", [url])
    engine.dispose()


def saved(archive: Archive, *pages: tuple[int | None, str], sha256: str = SHA) -> None:
    engine = archive.open_for_writing()
    with writing(engine) as tx:
        save_document(tx, sha256, Document("pdf", "read", None, pages))
    engine.dispose()


ARTICLES = [
    article(1, "Có tệp", "chữ", attachments=(Attachment(URL, "Văn bản.pdf"),), published_at="2023"),
    article(2, "Cũng có", attachments=(Attachment(URL, "như trên"),), published_at="2024"),
    article(3, "Không"),
]
PAGES = (
    (1, "Kế hoạch rà soát trạm bơm; gọi 0912 345 678"),
    (2, "Uỷ ban nhân dân huyện Bình Giang phân công"),
    (3, "a " * 9_000 + "cuối"),
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def archive_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    made = Archive(tmp_path, url)
    yield made
    made.close()


def test_a_page_finds_its_articles(archive_of: Archive) -> None:
    keep(archive_of, ARTICLES)
    kept_file(archive_of)
    saved(archive_of, *PAGES)
    saved(archive_of, (1, "second reading of the same content"))
    assert archive_of.search_attachments("tram bom") == [], "closed"
    open_attachments(archive_of, "thu")

    def found(words: str, **filters: Any) -> list[tuple[str, int | None]]:
        pages = archive_of.search_attachments(words, **filters)
        return [(one["title"], one["page"]) for one in pages]

    assert found("tram bom") == [("Cũng có", 1), ("Có tệp", 1)]
    assert found("trạm bơm") == found("TRẠM BƠM") == found('"rà soát" trạm') == found("tram bom")
    assert found("UBND huyện") == [("Cũng có", 2), ("Có tệp", 2)]
    assert found("cuối", limit=1) == [("Cũng có", 3)]
    assert found("huyện -Bình") == found("trạm huyện") == found("trăm bơm") == found("second") == []
    assert found("0912345678") == found("") == found("!!") == found("-trạm") == []
    assert found("trạm to:2023") == found("trạm", until="2023") == [("Có tệp", 1)]
    assert found("trạm site:khac") == []
    [_, hit] = archive_of.search_attachments("phân công")
    assert hit["attachment"] == {
        "url": URL,
        "name": "Văn bản.pdf",
        "mime": "application/pdf",
        "sha256": SHA,
    }
    assert "phân công" in hit["text"]
    for words in (
        '"x',
        "(",
        "a*",
        "NOT",
        "x:y",
        "tone:a",
        "\0",
        "\ud800",
        "'",
        "%s",
        ":match",
        "a' & b",
    ):
        archive_of.search_attachments(words)


def test_the_order_in_which_article_and_file_come_decides_nothing(tmp_path: Path) -> None:
    answers = []
    for order in ((0, 1), (1, 0)):
        archive = Archive(tmp_path / str(order))
        keep(archive, [ARTICLES[2]])
        for step in order:
            keep(archive, ARTICLES[:2]) if step else kept_file(archive)
        engine = archive.open_for_writing()
        with engine.connect() as connection:
            [unread] = unread_attachments(connection)
        engine.dispose()
        saved(archive, *PAGES)
        found = open_attachments(archive, "thu").search_attachments("trạm")
        answers.append((unread, [(one["title"], one["attachment"]) for one in found]))
        archive.close()
    assert answers[0] == answers[1] and len(answers[0][1]) == 2


def test_a_record_that_is_gone_is_a_finding(archive_of: Archive) -> None:
    keep(archive_of, ARTICLES)
    kept_file(archive_of)
    engine = archive_of.open_for_writing()
    done = [read_attachments(archive_of, engine) for _ in range(2)]
    engine.dispose()
    if archive_of.is_shared:
        assert done == [{}, {}], "another machine may have it"
        return
    assert done == [{"failed": 1}, {}], "a finding is not made twice"
    with archive_of.reading() as connection:
        rows = connection.execute(text("SELECT text_state, text_problem FROM attachments")).all()
    assert len(rows) == 2 and all(state == "failed" and "record" in why for state, why in rows)


@pytest.fixture
def copied(demo_archive: TestArchive, tmp_path: Path) -> TestArchive:
    archive = demo_archive.copy(tmp_path / "archive")
    open_attachments(archive.open())
    return archive


def test_a_crawl_reads_what_it_brought(copied: TestArchive) -> None:
    found = copied.open().search_attachments("rà soát trạm bơm", limit=100)
    assert len(found) == 7 and {one["page"] for one in found} == {1}
    told = copied.tinhuyen("search", "kênh mương")
    assert "Nothing found" in told.stdout and "Kế hoạch (PDF)" in told.stdout


def test_an_older_archive_is_read_on_request(copied: TestArchive) -> None:
    archive = copied
    engine = archive.open().open_for_writing()
    with writing(engine) as tx:
        for table in ("search_page", "attachment_page", "attachment_text"):
            tx.execute(text(f"DELETE FROM {table}"))
        assert tx.execute(select(attachment.c.sha256)).first()
    engine.dispose()
    assert archive.open().search_attachments("trạm bơm") == []
    told = archive.tinhuyen("attachments", "--json")
    assert told.stdout == '{"kind": "pdf", "state": "read", "problem": null, "count": 1}\n'
    assert archive.open().search_attachments("trạm bơm")
