"""Allowed destinations of webhooks: public addresses only (protection against SSRF).

A platform chooses the URL that this service requests. So the host is resolved once, all of its
addresses must be public, and the connection goes to an address that was checked. If the name
resolves differently a moment later (DNS rebinding), that changes nothing.
"""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ..errors import InvalidRequest

_FIELD = "url"
_IPV4_INSIDE = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
"""IPv6 networks whose addresses contain an IPv4 address, and the number of bits below it."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TargetForbidden(Exception):
    """A webhook may not be sent to this target, or its host cannot be resolved."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, its host, and the address to connect to."""

    url: str
    host: str
    address: str


def check_url(url: str, *, private: bool) -> None:
    """Check that a URL is plain https; `private` allows http too. Raises InvalidRequest."""
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        is_plain = False
    if not is_plain or parts.username is not None or parts.password is not None:
        raise InvalidRequest("Give a full URL, without a user, a password or a #fragment.", _FIELD)
    if parts.scheme not in (("https", "http") if private else ("https",)):
        raise InvalidRequest("A webhook's URL must begin with https.", _FIELD)


async def resolve(url: str, *, private: bool) -> Target:
    """Resolve the address to send to; `private` allows any address. Raises TargetForbidden."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    addresses = await _resolve_host(host, parts)
    if not private and not all(map(is_public, addresses)):
        raise TargetForbidden("the host is, or may be, in a private network")
    return Target(url, host, str(addresses[0]))


def is_public(address: Address) -> bool:
    """Return whether an address is public; checks an IPv4 address inside an IPv6 one as well."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        for network, below in _IPV4_INSIDE:
            if address in network:
                inner = (int(address) >> below) & 0xFFFFFFFF
                return is_public(ipaddress.IPv4Address(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


async def _resolve_host(host: str, parts: SplitResult) -> list[Address]:
    port = parts.port or {"http": 80}.get(parts.scheme, 443)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise TargetForbidden("the host has no address")
    # A scope, as in fe80::1%eth0, names a network interface; public addresses have none.
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
