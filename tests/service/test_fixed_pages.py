"""Pages that are the same for everyone cost no work per request, and little traffic."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from unseen_service.api import fixed_pages
from unseen_service.api.fixed_pages import accepts_gzip
from unseen_service.api.routes import health

from tests.support.running_service import RunningService

PATHS = ["/", "/staff", "/docs", "/openapi.json"]
GZIP, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Count how often a page is made or compressed."""
    made: list[str] = []

    def counting(name: str, real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            made.append(name)
            return real(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(health, "reference", counting("reference", health.reference))
        patch.setattr(health.json, "dumps", counting("dumps", json.dumps))
        patch.setattr(fixed_pages.gzip, "compress", counting("compress", gzip.compress))
        yield made


@pytest.mark.parametrize("path", PATHS)
def test_page_is_made_and_compressed_at_most_once(
    any_service: RunningService, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with counted(monkeypatch) as made:
        httpx.get(any_service.url + path)
        made.clear()
        for headers in (GZIP, PLAIN) * 10:
            assert httpx.get(any_service.url + path, headers=headers).status_code == 200
    assert made == []


@pytest.mark.parametrize("path", PATHS)
def test_page_is_compressed_for_those_who_accept_it(any_service: RunningService, path: str) -> None:
    packed = httpx.get(any_service.url + path, headers=GZIP)
    plain = httpx.get(any_service.url + path, headers=PLAIN)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert packed.num_bytes_downloaded < len(plain.content) / 2
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", [GZIP, PLAIN])
def test_page_that_the_client_has_is_not_sent_again(
    any_service: RunningService, path: str, form: dict[str, str]
) -> None:
    first = httpx.get(any_service.url + path, headers=form)
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        again = httpx.get(any_service.url + path, headers=form | {"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "vary", "cache-control", "content-security-policy"):
            assert again.headers.get_list(name) == first.headers.get_list(name)
    other = httpx.get(any_service.url + path, headers=form | {"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_only_public_descriptions_may_be_cached(any_service: RunningService) -> None:
    """The person's page leaves no trace in the cache of a device that someone else uses, too."""
    found = {path: httpx.get(any_service.url + path).headers for path in (*PATHS, "/readyz")}
    assert {path: each.get_list("cache-control") for path, each in found.items()} == {
        "/": ["no-store"],
        "/staff": ["no-store"],
        "/docs": ["no-cache"],
        "/openapi.json": ["no-cache"],
        "/readyz": ["no-store"],
    }


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("x-gzip-like", False),
    ],
)
def test_accepted_encodings(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
