"""Two applications in one server, told apart by host name: the reading room and the replay.

The replay is at `replay.` before the room's own name. What a stored page thinks up belongs to
another origin than the room then, in the same server, and a name under `.localhost` needs no DNS.
"""

from __future__ import annotations

import ipaddress
import re

from starlette.datastructures import URL, Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

REPLAY = "replay."
AWAY = "the archive cannot reach its database or its store; try again later"
"""What both say then (503); the errors' own words name machines."""
_HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE)


class ByHost:
    """Hands each request to the application whose name it came under."""

    def __init__(self, room: ASGIApp, replay: ASGIApp) -> None:
        self._room, self._replay = room, replay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it. A request under no proper name is refused."""
        app = self._room
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            if not _HOST.fullmatch(host):
                app = PlainTextResponse("The Host header names no host.\n", 400)
            elif host.lower().startswith(REPLAY):
                app = self._replay
        await app(scope, receive, send)


def replay_of(room: URL) -> str | None:
    """Scheme, host and port of the replay beside a room's address.

    None if the room was reached by a number that is not this machine's: it has no name to stand
    a sibling beside.
    """
    host = room.hostname or ""
    if _is_number(host):
        if not ipaddress.ip_address(host).is_loopback:
            return None
        host = "localhost"
    return _origin(room, REPLAY + host)


def room_of(replay: URL) -> str:
    """Scheme, host and port of the room beside a replay's address."""
    return _origin(replay, (replay.hostname or "").removeprefix(REPLAY))


def _origin(url: URL, host: str) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{host}{port}"


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
