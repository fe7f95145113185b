"""From a found page to one that can be kept: pure functions, in this order.

Pipelines (live) and whoever reads what is stored (recovery, rebuild, import, re-extraction) call
the same ones.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from crawler.images import read_image
from crawler.normalise import normalise
from crawler.outcome import Limits, body_sha256, is_file, read_capture
from crawler.sites import Site
from storage.errors import DecodeError
from storage.records import Article, Capture, Failure, FrontierRow, Link, Page


def add_article(page: Page) -> Page:
    """The article of a page that is one, with its files queued before anything else."""
    if page.found is None or page.found.kind != "article":
        return page
    article = normalise(page.found)
    files = [Link(image.url, "image", "E") for image in article.images]
    files += [Link(file.url, "attachment", "E") for file in article.attachments]
    return replace(page, article=article, links=(*files, *page.links))


def check_fields(page: Page) -> Page:
    """An article without title or text was not read: said, and kept for what there is of it."""
    failures = list(page.failures)
    if page.found is not None and page.found.too_deep:
        failures.append(Failure("read", "nested_too_deep", "read without its deepest tags"))
    if page.article is not None:
        failures += _missing(page.article)
    return replace(page, failures=tuple(failures))


def _missing(article: Article) -> list[Failure]:
    return [
        Failure("read", f"no_{field}", f"the article has no {field} where its family has one")
        for field in ("title", "text")
        if getattr(article, field) is None
    ]


def add_image(page: Page) -> Page:
    """The image that a fetched file is; one that was to be an image and is none is a failure."""
    capture = page.capture
    if capture is None or capture.status != 200 or page.row.role not in ("image", "requisite"):
        return page
    if page.row.role == "requisite" and not capture.mime.startswith("image/"):
        return page
    try:
        image = read_image(capture.body())
    except DecodeError as error:
        return _no_image(page, str(error))
    if image is None:
        return _no_image(page, f"not an image but {capture.mime or 'something without a type'}")
    return replace(page, image=image, body_sha256=image.sha256)


def _no_image(page: Page, message: str) -> Page:
    return replace(page, failures=(*page.failures, Failure("image", "not_an_image", message)))


STEPS = (add_article, check_fields, add_image)


def read_stored(row: FrontierRow, capture: Capture, site: Site, limits: Limits) -> Page:
    """A capture that is kept, read as live ones are, to the end. Raises: nothing.

    `row`: what it was fetched for; `limits`: as of the crawl, or of a last try.
    """
    page = read_capture(row, capture, site, limits)
    if page.body_sha256 is None and is_file(row, capture):
        page = replace(page, body_sha256=body_sha256(capture.headers, (capture.raw_body,)))
    return reduce(lambda read, step: step(read), STEPS, page)
