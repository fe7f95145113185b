"""The log of commands that run for long: text as ever, or with TINHUYEN_LOG=json one object a line.

{"at": "2024-03-01T03:00:00.000000Z", "level": "info", "logger": "crawler.events",
 "message": "demo: finished", "site": "demo", "run": "demo-…", "outcome": "finished"}
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from storage.errors import UsageError
from storage.output import errors, escape
from storage.times import utc_text


def are_json() -> bool:
    """Whether the log is of JSON lines. Raises UsageError for a form that there is not."""
    form = os.environ.get("TINHUYEN_LOG") or "text"
    if form not in ("text", "json"):
        raise UsageError(f"TINHUYEN_LOG={form!r}; there are text and json")
    return form == "json"


def begin(level: str = "INFO") -> None:
    """From now on the log goes to standard error as JSON lines, if it is to; else nothing changes.

    `level`: the least that is told.
    """
    if not are_json():
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.setLevel(level)
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level)
    logging.captureWarnings(True)


def complain(text: str) -> None:
    """Say to standard error what went wrong: as a line of the log, if that is of JSON lines."""
    if any(isinstance(handler.formatter, JsonLines) for handler in logging.root.handlers):
        logging.getLogger("tinhuyen").error(text)
    else:
        errors.print(escape(text))


def facts(**named: Any) -> dict[str, Any]:
    """For a log call's `extra`: what stands beside the message, in keys of its own."""
    return {"facts": named}


class JsonLines(logging.Formatter):
    """One object a line, whatever was logged: tracebacks are a string in it."""

    def format(self, record: logging.LogRecord) -> str:
        """As logging asks for it."""
        told = {
            "at": utc_text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        spider = getattr(record, "spider", None)  # Scrapy's own lines
        if spider is not None:
            told["site"] = getattr(spider, "name", str(spider))
        told |= getattr(record, "facts", {})
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)
