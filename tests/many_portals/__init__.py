"""Many small news portals on a few loopback addresses, played by one process of their own.

    portals = draw_portals(700, seed=7)             # which there are, how big, how lively
    with served(portals, folder) as server:
        server.declare(archive.folder, delay)       # their tables, sites/*.toml
        environment |= server.environment           # where their hosts are: TINHUYEN_CONNECT_TO
        ...                                         # crawl them, by any number of processes
    asked = read_log(server.log)                    # one line a request
    assert not too_soon(asked, delay) and not at_once(asked) and not never_served(asked, portals)

`drawn` says what is drawn and from what, `pages` what they show, `server` how they answer, `log`
what their log tells of those who asked.
"""

from tests.many_portals.drawn import Portal, draw_portals
from tests.many_portals.log import Asked, at_once, never_served, read_log, smallest_gap, too_soon
from tests.many_portals.server import Served, served

__all__ = [
    "Asked",
    "Portal",
    "Served",
    "at_once",
    "draw_portals",
    "never_served",
    "read_log",
    "served",
    "smallest_gap",
    "too_soon",
]
