"""The pages: one HTML file each, assembled from clients/browser and clients/staff."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

__all__ = ["Page", "person_page", "staff_page"]

_META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


@dataclass(frozen=True, slots=True)
class Page:
    """A page to serve: its bytes, the same compressed, and the headers that go with it."""

    html: bytes
    gzipped: bytes
    headers: Mapping[str, str]


def person_page() -> Page:
    """Return the person's page."""
    return _load("person.html")


def staff_page() -> Page:
    """Return the staff page."""
    return _load("staff.html")


@cache
def _load(name: str) -> Page:
    """Load a page. Its policy is the one that it carries, and no framing on top."""
    html = files(__name__).joinpath(name).read_bytes()
    found = _META.search(html.decode())
    if found is None:
        raise RuntimeError(f"{name} carries no policy; run `make page` to assemble it again.")
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        # A page may not be framed; this one directive is not allowed in a <meta>.
        "Content-Security-Policy": f"{found[1]}; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
        "Vary": "Accept-Encoding",
    }
    return Page(html, gzip.compress(html, mtime=0), MappingProxyType(headers))
