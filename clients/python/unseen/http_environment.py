"""What the environment says about a connection: the proxy to use, the certificates to trust.

httpx reads the same variables, all of them for every client, and raises whatever its parsers do. A
client here has one server, so only what that needs is read, and an error names its variable. What a
variable holds is in no error: a proxy's URL can have a password in it.
"""

import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

import httpx

from .errors import InputError
from .server_address import is_host, is_local

_SOCKS: Final = ("socks5", "socks5h")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it."""

    url: str = field(repr=False)
    variable: str


def read_proxy(server: str) -> Proxy | None:
    """Return the proxy for a server; None if it is reached directly, as this machine always is.

    Raises InputError if it cannot be used.
    """
    if is_local(server):
        return None  # a proxy would see the PIN, in clear
    target = urlsplit(server)
    found = getproxies()
    scheme = target.scheme if found.get(target.scheme) else "all"
    if not found.get(scheme) or _is_bypassed(target, found.get("no", "")):
        return None
    return _check_proxy(found[scheme].strip(), _variable(scheme))


def make_tls_context(server: str) -> ssl.SSLContext:
    """Return how to verify a server: with SSL_CERT_FILE, else SSL_CERT_DIR, else certifi's roots.

    Raises InputError if there is no certificate in the file.
    """
    if urlsplit(server).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # unused, and would trust nobody
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file:
        _check_readable(file)
    elif folder and not any(Path(each).exists() for each in folder.split(os.pathsep)):
        raise _certificates_error("The folder in SSL_CERT_DIR does not exist.")
    try:
        if file:
            return ssl.create_default_context(cafile=file)
        if folder:
            return ssl.create_default_context(capath=folder)
        return httpx.create_ssl_context(trust_env=False)
    except ssl.SSLError as error:
        raise _certificates_error("The file in SSL_CERT_FILE holds no certificate.") from error
    except OSError as error:
        raise InputError(
            f"The file in SSLKEYLOGFILE cannot be written: {error.strerror}.",
            hint="Unset SSLKEYLOGFILE: it lets others read what is sent.",
        ) from error


def _check_proxy(value: str, variable: str) -> Proxy:
    url = value if "://" in value else f"http://{value}"
    if url.lower().startswith("socks"):
        if url.partition(":")[0].lower() in _SOCKS and find_spec("socksio"):
            return Proxy(url, variable)
        raise InputError(
            f"{variable} names a SOCKS proxy, which this client cannot use.",
            hint="Unset it, or set HTTPS_PROXY to the URL of an HTTP proxy.",
        )
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in _PORTS and is_host(parts.hostname) and parts.port != 0
        httpx.Proxy(url)
    except (ValueError, httpx.InvalidURL):
        is_valid = False
    if not is_valid:
        raise InputError(
            f"{variable} is not the URL of a proxy.",
            hint="It looks like http://proxy.example:3128. Unset it if you need no proxy.",
        )
    return Proxy(url, variable)


def _variable(scheme: str) -> str:
    """Return the name of the variable that `getproxies` read."""
    name = f"{scheme}_proxy"
    set_names = [each for each in os.environ if each.lower() == name and os.environ[each]]
    if name in set_names:
        return name
    return set_names[0] if set_names else "The proxy in the settings of this system"


def _is_bypassed(target: SplitResult, no_proxy: str) -> bool:
    """Return whether NO_PROXY lists a server, by its name, a domain, an address or a network."""
    return any(_is_listed(entry, target) for entry in _entries(no_proxy))


def _entries(no_proxy: str) -> Iterator[str]:
    for entry in re.split(r"[,\s]+", no_proxy.lower()):
        if entry:
            yield entry.rpartition("://")[2]


def _is_listed(entry: str, target: SplitResult) -> bool:
    host = target.hostname or ""
    if entry == "*":
        return True
    if with_port := re.fullmatch(r"(\[.*\]|[^:]*):([0-9]+)", entry):
        entry = with_port[1]
        if int(with_port[2]) != (target.port or _PORTS[target.scheme]):
            return False
    entry = entry.strip("[]")
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        name = entry.removeprefix("*").removeprefix(".").rstrip(".")
        return bool(name) and f".{host.rstrip('.')}".endswith(f".{name}")


def _check_readable(file: str) -> None:
    try:
        with Path(file).open("rb"):
            pass
    except OSError as error:
        raise _certificates_error(
            f"The file in SSL_CERT_FILE cannot be read: {error.strerror}."
        ) from error


def _certificates_error(message: str) -> InputError:
    return InputError(
        message, hint="Unset the variable, or name the certificates of the authorities to trust."
    )
