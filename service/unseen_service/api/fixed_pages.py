"""Answers that are the same for everyone until the next release: made once, kept compressed."""

import gzip
import hashlib
from collections.abc import Mapping

from fastapi import Request, Response

REVALIDATE = "no-cache"
"""A cache may keep it, and asks each time whether it is still the same."""


class FixedPage:
    """A page as bytes: as they are, and compressed with gzip. Its ETag is a digest of them."""

    def __init__(
        self, body: bytes, headers: Mapping[str, str], compressed: bytes | None = None
    ) -> None:
        self._body = body
        self._compressed = compressed or gzip.compress(body, mtime=0)
        digest = hashlib.sha256(body).hexdigest()[:32]
        # Each form has its own: an ETag names bytes.
        self._etag, self._compressed_etag = f'"{digest}"', f'"{digest}-gzip"'
        self._headers = {**headers, "Vary": "Accept-Encoding"}

    def answer(self, request: Request) -> Response:
        """Return the form that the client accepts, or 304 if it has that already."""
        is_compressed = accepts_gzip(request.headers.get("accept-encoding", ""))
        etag = self._compressed_etag if is_compressed else self._etag
        headers = {**self._headers, "ETag": etag}
        if etag in _listed(request.headers.get("if-none-match", "")):
            headers.pop("Content-Type", None)
            return Response(status_code=304, headers=headers)
        if is_compressed:
            headers["Content-Encoding"] = "gzip"
        return Response(self._compressed if is_compressed else self._body, headers=headers)


def accepts_gzip(header: str) -> bool:
    """Return whether an Accept-Encoding header allows gzip."""
    weights = {}
    for each in header.lower().split(","):
        name, _, parameters = each.partition(";")
        weights[name.strip()] = parameters.replace(" ", "").removeprefix("q=")
    weight = weights.get("gzip", weights.get("*"))
    # Without a weight it is 1; one of nothing but zeros forbids it.
    return weight is not None and (not weight or weight.strip("0.") != "")


def _listed(header: str) -> set[str]:
    """Return the ETags of an If-None-Match header; a weak one compares like a strong one."""
    return {each.strip().removeprefix("W/") for each in header.split(",")}
