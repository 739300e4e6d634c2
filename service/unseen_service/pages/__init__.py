"""The web pages: one HTML file each, assembled from clients/browser and clients/staff."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

__all__ = ["Page", "person_page", "staff_page"]

_META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A page: its bytes, the same compressed with gzip, and its response headers."""

    html: bytes
    gzipped: bytes
    headers: Mapping[str, str]


def person_page() -> Page:
    """Return the page for people."""
    return _load("person.html")


def staff_page() -> Page:
    """Return the page for staff."""
    return _load("staff.html")


@cache
def _load(name: str) -> Page:
    """Load a page. Its content security policy is the one in its <meta>, plus a ban on framing."""
    html = files(__name__).joinpath(name).read_bytes()
    found = _META.search(html.decode())
    if found is None:
        raise RuntimeError(f"{name} has no content security policy; run `make page` to rebuild it.")
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        # Browsers ignore this one directive in a <meta>.
        "Content-Security-Policy": f"{found[1]}; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
    }
    return Page(html, gzip.compress(html, mtime=0), MappingProxyType(headers))
