"""Check the address of a service."""

import re
from ipaddress import ip_address
from typing import Final, TypeGuard
from urllib.parse import urlsplit

from .errors import InputError

_HOST: Final = re.compile(rb"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)


def read_server(url: str, *, insecure: bool = False) -> str:
    """Return a server's address without a trailing slash: https, or http to this machine.

    `insecure` allows http to any machine, for a private network. Raises InputError.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    if not is_host(host) or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise InputError(
            "The server's address is not a URL.", hint="It looks like https://unseen.example."
        )
    if parts.scheme == "http" and not insecure and not _is_local(host):
        raise InputError(
            "The server's address is not encrypted: anyone on the network could read the PIN.",
            hint="Use its https:// address.",
        )
    return url.strip().rstrip("/")


def is_host(host: str | None) -> TypeGuard[str]:
    """Return whether a text is an IP address, or a name that can be looked up."""
    if not host:
        return False
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return True
    try:
        return bool(_HOST.fullmatch(host.encode("idna")))
    except UnicodeError:  # an empty label, or one of more than 63 bytes
        return False


def is_local(server: str) -> bool:
    """Return whether a server's address is one of this machine."""
    return _is_local(urlsplit(server).hostname or "")


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
