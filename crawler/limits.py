"""The settings that decide what is fetched and when, as the values that the code works with."""

from __future__ import annotations

from scrapy.settings import BaseSettings

from crawler.frontier.pace import PaceLimits
from crawler.outcome import Limits
from storage.bounds import Bounds
from storage.errors import UsageError


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


def connect_to_of(settings: BaseSettings) -> dict[str, str]:
    """Where to connect instead, `host:port` to `address:port`. Raises UsageError."""
    try:
        connect_to = dict(settings.getdict("CONNECT_TO"))
    except (ValueError, TypeError):
        connect_to = {"": ""}
    for server, address in connect_to.items():
        if not (_has_port(server) and isinstance(address, str) and _has_port(address)):
            raise UsageError(
                'CONNECT_TO (TINHUYEN_CONNECT_TO) is a JSON object, {"host:port": "address:port"}'
            )
    return connect_to


def _has_port(server: str) -> bool:
    host, _, port = server.rpartition(":")
    return bool(host) and port.isdecimal()
