"""Near-duplicates of texts and pictures."""

from __future__ import annotations

import random
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from storage.archive import Archive
from storage.database.images import save_images
from storage.database.likeness import ALIKE, difference_hash, signature, similarity
from storage.query.query import Query
from storage.records import Article, Image
from tests.conftest import TestArchive
from tests.kept import article, keep

WORDS = "huyện uỷ tổ chức hội nghị tổng kết công tác xây dựng đảng và phong trào thi đua".split()


def release(seed: int, words: int = 200) -> str:
    draw = random.Random(seed)
    return " ".join(f"{draw.choice(WORDS)} {draw.randrange(999)}" for _ in range(words // 2))


RELEASE, OTHER = release(1), release(2)
KEPT = [
    article(1, "Thông cáo", RELEASE, published_at="2023-01-01"),
    article(2, "Thông cáo báo chí", "Theo tỉnh: " + RELEASE.replace("uỷ", "ủy"), published_at="2023-01-03"),
    article(3, "Khác", OTHER, published_at="2023-01-02"),
    article(4, "Ngắn", "Chúc mừng năm mới"),
    article(5, "Ngắn nữa", "Chúc mừng năm mới"),
]  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    served = request.param == "postgresql"
    archive = Archive(tmp_path, request.getfixturevalue("postgres_url") if served else None)
    keep(archive, KEPT)
    keep(archive, [article(6, "In lại", RELEASE + " Hết.", published_at="2023-01-02")], site="khac")
    yield archive
    archive.close()


def numbers(archive: Archive, query: Query) -> list[int]:
    return [int(one["url"].rpartition("/")[2]) for one in archive.find(query)]


def similar(archive: Archive, number: int) -> list[int]:
    [id_] = [one["id"] for one in archive.search() if one["url"].endswith(f"/{number}")]
    return [int(one["url"].rpartition("/")[2]) for one in archive.similar(id_)]


def test_a_release_printed_three_times_is_one_cluster(archive: Archive) -> None:
    assert archive.uncompared() == 6 and similar(archive, 1) == []
    done = archive.update_likeness()
    assert (done.articles, done.clusters, done.in_clusters) == (6, 1, 3)
    assert archive.uncompared() == 0
    assert (
        sorted(similar(archive, 1)) == [2, 6] and similar(archive, 3) == similar(archive, 4) == []
    )
    assert numbers(archive, Query.of("uỷ")) == [2, 3, 6, 1]
    assert numbers(archive, Query.of("uỷ", alike_once=True)) == [2, 3]
    assert numbers(archive, Query.of("uỷ", alike_once=True, site="thu", until="2023-01-02")) == [
        3,
        1,
    ]


def test_only_what_is_new_is_compared_and_what_changed_leaves(archive: Archive) -> None:
    archive.update_likeness()
    assert archive.update_likeness().articles == 0
    keep(archive, [article(6, "In lại", OTHER)], site="khac", at="2024-04-01T03:00:00.000000Z")
    done = archive.update_likeness()
    assert (done.articles, done.clusters, done.in_clusters) == (1, 2, 4)
    assert similar(archive, 1) == [2] and similar(archive, 3) == [6]


def test_clusters_do_not_depend_on_the_order_of_arrival(tmp_path: Path) -> None:
    found = []
    for name, kept in (("a", KEPT), ("b", KEPT[::-1])):
        archive = Archive(tmp_path / name)
        keep(archive, kept)
        archive.update_likeness()
        found.append({number: similar(archive, number) for number in range(1, 6)})
        archive.close()
    assert found[0] == found[1]


@given(text=st.lists(st.sampled_from(WORDS), min_size=40, max_size=80), places=st.data())
@settings(max_examples=50)
def test_signatures_estimate_what_two_texts_share(text: list[str], places: st.DataObject) -> None:
    made = signature(None, " ".join(text))
    assert made is not None and len(made) == 512 and similarity(made, made) == 1
    assert signature(" ".join(text[:20]), " ".join(text[20:])) == made
    toneless = signature(None, " ".join(f"x{place}" for place in range(len(text))))
    assert toneless is not None and similarity(made, toneless) < ALIKE / 2


def picture(seed: int, quality: int = 90, width: int = 320) -> bytes:
    draw = random.Random(seed)
    small = Picture.new("RGB", (8, 6))
    small.putdata([tuple(draw.randrange(256) for _ in "rgb") for _ in range(48)])
    out = BytesIO()
    small.resize((width, width * 3 // 4), Picture.Resampling.BICUBIC).save(
        out, "JPEG", quality=quality
    )
    return out.getvalue()


def test_a_picture_scaled_and_pressed_again_keeps_its_hash() -> None:
    one, again, other = (int(difference_hash(data), 16) for data in (
        picture(1), picture(1, quality=40, width=200), picture(2),
    ))  # fmt: skip
    assert (one ^ again).bit_count() <= 4 and (one ^ other).bit_count() > 15


def test_what_is_no_picture_has_no_hash() -> None:
    plain = BytesIO()
    Picture.new("RGB", (50, 50), "red").save(plain, "PNG")
    for data in (b"", b"no picture", picture(1)[:100], plain.getvalue()):
        assert difference_hash(data) == ""


def test_articles_with_nearly_the_same_picture(archive: Archive) -> None:
    from storage.records import ArticleImage

    urls = [f"http://thu.example/{name}.jpg" for name in "abc"]
    shown = [article(10 + n, "Ảnh", images=(ArticleImage(url),)) for n, url in enumerate(urls)]
    keep_pictures(archive, shown, urls)
    assert archive.update_likeness().images == 3
    assert similar(archive, 10) == [11] and similar(archive, 12) == []


def keep_pictures(archive: Archive, shown: list[Article], urls: list[str]) -> None:
    from sqlalchemy import update

    from storage.database.schema import version_image

    keep(archive, shown)
    engine = archive.open_for_writing()
    with engine.begin() as tx:
        data = (picture(1), picture(1, quality=40, width=200), picture(2))
        save_images(
            tx, [Image(name, "image/jpeg", one) for name, one in zip("abc", data, strict=True)]
        )
        for url, sha256 in zip(urls, "abc", strict=True):
            tx.execute(update(version_image).where(version_image.c.url == url).values(image=sha256))
    engine.dispose()


def test_the_commands(demo_archive: TestArchive) -> None:
    assert "were not compared yet" in demo_archive.tinhuyen("search", "--alike-once").stderr
    assert "`tinhuyen alike`" in demo_archive.tinhuyen("show", "308bb", "--similar").stdout
