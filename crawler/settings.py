"""Scrapy's settings where ours differ, each with its unit and its reason.

What an operator sets by environment is listed in docs/operators.md.
"""

from __future__ import annotations

import getpass
import os
import socket
from importlib.metadata import version

from storage import logs
from storage.disk import floor_bytes

BOT_NAME = "tinhuyen"
VERSION = version("tinhuyen")
SPIDER_LOADER_CLASS = "crawler.spiderloader.SiteSpiderLoader"
SPIDER_MODULES: list[str] = []
COMMANDS_MODULE = "crawler.commands"

# Who we are: a portal's administrator must be able to reach the operator.
CONTACT = os.environ.get("TINHUYEN_CONTACT") or f"{getpass.getuser()}@{socket.gethostname()}"
USER_AGENT = f"tinhuyen/{VERSION} (archive of district news; {CONTACT})"
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "vi,en;q=0.5",
    "Accept-Encoding": "gzip",  # what every WARC reader can undo; br and zstd are read if they come
}

# Where the archive is (also --archive and --database of the `tinhuyen` command).
ARCHIVE = os.environ.get("TINHUYEN_ARCHIVE")
DATABASE = os.environ.get("TINHUYEN_DATABASE")
CRAWL_MODE = "full"

# Every byte passes through our own handler; no other scheme is fetched at all.
DOWNLOAD_HANDLERS = {
    "http": "crawler.capture.handler.CapturingHandler",
    "https": "crawler.capture.handler.CapturingHandler",
    "file": None,
    "ftp": None,
    "s3": None,
    "data": None,
}
DOWNLOAD_TIMEOUT = 180  # seconds for a whole response; what came by then is kept
CONNECT_TIMEOUT_SECONDS = 30
RESPONSE_MAX_BYTES = 256 << 20  # kept up to here, marked `WARC-Truncated: length`
# "host:port" -> "address:port", as JSON: for a portal whose name is gone and whose server stands.
CONNECT_TO = os.environ.get("TINHUYEN_CONNECT_TO") or "{}"
DNS_TIMEOUT = 20  # seconds
TLS_ROOTS_FILE = os.environ.get("TINHUYEN_TLS_ROOTS")  # PEM; None: Mozilla's roots (certifi)

# One request at a time and at most one a second to a host; a site's table may ask for less only
# where every address is the operator's own (crawler.sites).
CONCURRENT_REQUESTS = 16
CONCURRENT_REQUESTS_PER_DOMAIN = 16  # without a delay; with one, the frontier hands out one a host
DOWNLOAD_DELAY = 1.0  # seconds; the site's delay_seconds takes its place
DOWNLOAD_DELAY_JITTER = 0.0  # the delay is a promise, not an average
CRAWL_DELAY_MAX_SECONDS = 30.0  # robots.txt's Crawl-delay is obeyed up to this
SLOWEST_DELAY_SECONDS = 60.0  # 429 and 503 double a host's delay up to this
BUSY_ANSWERS_MAX = 20  # 429 and 503 in a row from a host of the site; then the run ends for now
TURN_SECONDS = 10.0  # a host is taken for so long at a time, against other processes

# The queue is in the database, and so are retries, redirects and robots.txt.
SCHEDULER = "crawler.frontier.scheduler.FrontierScheduler"
MAX_TRIES = 3
RETRY_SECONDS = 2.0  # before the second try; doubled before the third
RETRY_AFTER_MAX_SECONDS = 3600  # a server that asks for more is asked again after this
MAX_REDIRECTS = 10
MAX_DEPTH = 100  # links from a listing; to the next page of a list is none
URL_MAX_CHARS = 2048  # a longer address is a trap or a mistake
PAGE_MAX_FILES = 500  # images, attachments and requisites a page
PATTERN_MAX_ADDRESSES = 5000  # pages and lists whose addresses differ in numbers and values only
RUN_MAX_REQUESTS = 0  # 0: no end; what is left is fetched when the same command is given again
RUN_MAX_BYTES = 0  # as received; 0: no end
RUN_MAX_SECONDS = 0  # 0: no end
CLAIMED_PER_HOST = 4  # rows a host that wait in memory, with a delay
CLAIMED_PER_HOST_WITHOUT_DELAY = 64
UPDATE_NEWEST_ARTICLES = 20  # an update looks at these again: what changes is mostly new
UPDATE_OTHER_ARTICLES = 5  # and at so many of all others, each time others
UPDATE_UNMARKED_SHARE = 0.007  # of a site's articles, where the server gives no ETag or date
MAX_UNKEPT = 128  # pages fetched and not yet kept; beyond, nothing more is fetched

# Public web archives that `rescue` asks, and seconds between two requests to one of their hosts
# (as cdx_toolkit's authors found them to be tolerated: CC_INDEX_ and IA_MIN_RETRY_INTERVAL).
COMMONCRAWL_INDEX = os.environ.get("TINHUYEN_COMMONCRAWL_INDEX") or "https://index.commoncrawl.org/"
COMMONCRAWL_DATA = os.environ.get("TINHUYEN_COMMONCRAWL_DATA") or "https://data.commoncrawl.org/"
COMMONCRAWL_DELAY_SECONDS = float(os.environ.get("TINHUYEN_COMMONCRAWL_DELAY_SECONDS") or 1)
WAYBACK_INDEX = os.environ.get("TINHUYEN_WAYBACK_INDEX") or "https://web.archive.org/cdx/search/cdx"
WAYBACK_PAGES = os.environ.get("TINHUYEN_WAYBACK_PAGES") or "https://web.archive.org/web/"
WAYBACK_DELAY_SECONDS = float(os.environ.get("TINHUYEN_WAYBACK_DELAY_SECONDS") or 6)

# The keeper: how many exchanges share one fsync and one transaction.
KEEP_GROUP_EXCHANGES = 16
KEEP_GROUP_DELAY_SECONDS = 0.05
WARC_ROLL_BYTES = 10**9
# Free on the archive's disk; with less the crawl ends well, exit code 3.
DISK_FLOOR_BYTES = floor_bytes()

ITEM_PIPELINES = {
    "crawler.pipelines.Normalise": 100,
    "crawler.pipelines.CheckFields": 200,
    "crawler.pipelines.SaveImages": 300,
    "crawler.pipelines.SaveArticle": 900,
}
# Scrapy's middlewares would decide things that are decided and recorded elsewhere (redirects,
# retries, cookies, decoding); headers are written by the handler. Stats come from the run itself.
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
EXTENSIONS_BASE = {
    "crawler.progress.Progress": 0,
    "crawler.events.Events": 0,
}
COOKIES_ENABLED = False  # a reader without a past; and no download of a suffix list
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
ROBOTSTXT_OBEY = False  # obeyed by the frontier, which also archives it

CONCURRENT_ITEMS = 1  # Scrapy makes this many tasks for every response; a page is one item
WARN_ON_GENERATOR_RETURN_VALUE = False  # reads source code at every response
LOG_LEVEL = "INFO"
LOG_INSTALL_ROOT_HANDLER = not logs.are_json()  # else storage.logs has its own
