"""The settings that decide what is fetched and when, as the values that the code works with."""

from __future__ import annotations

from scrapy.settings import BaseSettings

from crawler.frontier.pace import PaceLimits
from crawler.outcome import Limits
from storage.bounds import Bounds


def limits_of(settings: BaseSettings) -> Limits:
    """What decides whether an exchange is tried again and followed."""
    return Limits(
        max_tries=settings.getint("MAX_TRIES"),
        retry_seconds=settings.getfloat("RETRY_SECONDS"),
        retry_after_max_seconds=settings.getfloat("RETRY_AFTER_MAX_SECONDS"),
        max_redirects=settings.getint("MAX_REDIRECTS"),
    )


def bounds_of(settings: BaseSettings) -> Bounds:
    """What decides which links are left alone."""
    return Bounds(
        max_depth=settings.getint("MAX_DEPTH"),
        max_url_chars=settings.getint("URL_MAX_CHARS"),
        max_files=settings.getint("PAGE_MAX_FILES"),
        max_pattern=settings.getint("PATTERN_MAX_ADDRESSES"),
    )


def pace_limits_of(settings: BaseSettings) -> PaceLimits:
    """What decides how often a host is asked."""
    return PaceLimits(
        delay=settings.getfloat("DOWNLOAD_DELAY"),
        crawl_delay_max=settings.getfloat("CRAWL_DELAY_MAX_SECONDS"),
        slowest=settings.getfloat("SLOWEST_DELAY_SECONDS"),
        busy_answers=settings.getint("BUSY_ANSWERS_MAX"),
        turn=settings.getfloat("TURN_SECONDS"),
    )
