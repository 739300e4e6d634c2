"""Where a webhook may be sent: public addresses alone, and only the one that was looked at.

Whoever can name a URL can make this service ask for it. So the host is resolved once, every
address that it has must be a public one, and the connection goes to that very address: a name
that resolves differently a moment later leads nowhere else.
"""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ..errors import InvalidRequest

_FIELD = "url"
_TRANSLATED = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
"""IPv6 that carries an IPv4 address, and how many bits lie below that."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TargetForbidden(Exception):
    """The target is not one that a webhook may be sent to, or cannot be found."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart, and the address that stands for its host."""

    url: str
    host: str
    address: str


def check_form(url: str, *, private: bool) -> None:
    """Refuse what is no plain https URL; `private` lets http pass too. Raises InvalidRequest."""
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        is_plain = False
    if not is_plain or parts.username is not None or parts.password is not None:
        raise InvalidRequest("Give a whole URL, without a user, a password or a #part.", _FIELD)
    if parts.scheme not in (("https", "http") if private else ("https",)):
        raise InvalidRequest("A webhook is sent over https only.", _FIELD)


async def resolve(url: str, *, private: bool) -> Target:
    """Find the address to send to; `private` lets any pass. Raises Forbidden."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    addresses = await _look_up(host, parts)
    if not private and not all(map(is_public, addresses)):
        raise TargetForbidden("the host is, or may be, in a private network")
    return Target(url, host, str(addresses[0]))


def is_public(address: Address) -> bool:
    """Return whether an address is on the public internet, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        for network, below in _TRANSLATED:
            if address in network:
                inner = (int(address) >> below) & 0xFFFFFFFF
                return is_public(ipaddress.IPv4Address(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


async def _look_up(host: str, parts: SplitResult) -> list[Address]:
    port = parts.port or {"http": 80}.get(parts.scheme, 443)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise TargetForbidden("the host has no address")
    # A scope, as in fe80::1%eth0, names a network card: no address of the internet has one.
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
