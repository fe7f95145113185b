"""Where a host's name leads, and whether a crawl may go there.

Every request passes here, whoever named its address: a page, a redirect, a feed, robots.txt, the
operator's CONNECT_TO. The address that passed is the very one that is connected to, so a name
that answers otherwise a moment later (DNS rebinding) gains nothing. What the text of the address
looks like (2130706433, 0x7f000001, 127.1, [::ffff:127.0.0.1]) plays no part.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Iterable

_KEPT_SECONDS = 60.0
_KEPT_MAX = 10_000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenAddress(OSError):
    """A host leads into a network that is not the public internet; there is nothing to retry."""


class Guard:
    """Resolves hosts; lets through public addresses, and those of the site's own networks."""

    def __init__(self, allowed: Iterable[str], resolve_seconds: float) -> None:
        """`allowed`: networks as in a site's `allow_addresses`."""
        self._allowed = [ipaddress.ip_network(network) for network in allowed]
        self._resolve_seconds = resolve_seconds
        self._kept: dict[str, tuple[float, list[Address]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """The addresses of a host that may be asked, in the resolver's order; at least one.

        Raises ForbiddenAddress if none may be, socket.gaierror or TimeoutError if there is none.
        """
        found = await self._resolve(host)
        passed = [address for address in found if self.is_own(str(address)) or _is_public(address)]
        if not passed:
            raise ForbiddenAddress(
                f"{host} leads to {found[0]}, which is not on the public internet, and the "
                "site's allow_addresses does not name it"
            )
        return [str(address) for address in passed]

    def is_own(self, address: str) -> bool:
        """Whether an address lies in the networks that the site's table allows."""
        ip = _plain(ipaddress.ip_address(address))
        return any(ip.version == network.version and ip in network for network in self._allowed)

    async def _resolve(self, host: str) -> list[Address]:
        until, found = self._kept.get(host, (0.0, []))
        if time.monotonic() < until:
            return found
        async with asyncio.timeout(self._resolve_seconds):
            answers = await asyncio.get_running_loop().getaddrinfo(
                host, None, type=socket.SOCK_STREAM
            )
        texts = dict.fromkeys(str(answer[4][0]) for answer in answers)
        found = [_plain(ipaddress.ip_address(text)) for text in texts]
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[host] = (time.monotonic() + _KEPT_SECONDS, found)
        return found


def _plain(address: Address) -> Address:
    """An IPv4 address in IPv6 clothes is that IPv4 address (RFC 4291 §2.5.5.2, RFC 3056)."""
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _is_public(address: Address) -> bool:
    """By the IANA registries; `is_global` alone says yes to multicast and to ::127.0.0.1."""
    special = (
        address.is_multicast or address.is_reserved or getattr(address, "is_site_local", False)
    )
    return address.is_global and not special
