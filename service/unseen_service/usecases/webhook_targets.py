"""Allowed destinations of webhooks: public addresses only (protection against SSRF).

A platform chooses the URL that this service requests. So the host is resolved once, all of its
addresses must be public, and the connection goes to an address that was checked. If the name
resolves differently a moment later (DNS rebinding), that changes nothing.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ..errors import InvalidRequest
from . import name_lookups
from .special_addresses import Address, is_public

_FIELD = "url"
_URL = re.compile("[!-~]+")
"""`urlsplit` drops line breaks and tabs, but a header would have them."""


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
    if not _URL.fullmatch(url):
        raise InvalidRequest(
            "A URL has printable ASCII characters only; encode others (%C3%BC, xn--).", _FIELD
        )
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        is_plain = False
    if not is_plain or parts.username is not None or parts.password is not None:
        raise InvalidRequest("Give a full URL, without a user, a password or a #fragment.", _FIELD)
    if parts.scheme not in (("https", "http") if private else ("https",)):
        raise InvalidRequest("A webhook's URL must begin with https.", _FIELD)


async def resolve(url: str, *, private: bool, owner: int) -> Target:
    """Resolve the address to send to; `private` allows any address. Raises TargetForbidden.

    `owner` is the platform: its names do not hold up those of others.
    """
    if not _URL.fullmatch(url):  # from version 0.1, which did not look
        raise TargetForbidden("the URL has characters that no URL has")
    parts = urlsplit(url)
    host = parts.hostname or ""
    addresses = await _resolve_host(host, parts, owner)
    if not private and not all(map(is_public, addresses)):
        raise TargetForbidden("the host is, or may be, in a private network")
    return Target(url, host, str(addresses[0]))


async def _resolve_host(host: str, parts: SplitResult, owner: int) -> list[Address]:
    port = parts.port or {"http": 80}.get(parts.scheme, 443)
    found = await name_lookups.look_up(owner, host, port)
    if not found:
        raise TargetForbidden("the host has no address")
    # A scope, as in fe80::1%eth0, names a network interface; public addresses have none.
    return [ipaddress.ip_address(each.partition("%")[0]) for each in found]
