"""What every response has in common, whatever the request."""

import httpx
import pytest

from tests.support.problems import problem_slug
from tests.support.running_service import RunningService


def test_unknown_paths_and_methods_return_problems(any_service: RunningService) -> None:
    unknown_path = httpx.get(f"{any_service.url}/v1/nowhere")
    assert (unknown_path.status_code, problem_slug(unknown_path)) == (404, "not-found")
    wrong_method = httpx.put(f"{any_service.url}/v1/match")
    assert (wrong_method.status_code, problem_slug(wrong_method)) == (405, "method-not-allowed")
    slash = httpx.get(f"{any_service.url}/healthz/")
    assert slash.status_code == 404, "no redirects: clients would send their keys along"


@pytest.mark.parametrize("path", ["/", "/staff", "/docs", "/openapi.json", "/healthz", "/readyz"])
def test_head_is_get_without_the_body(any_service: RunningService, path: str) -> None:
    """Monitors send it, and link checkers."""
    got, head = httpx.get(any_service.url + path), httpx.head(any_service.url + path)
    assert (head.status_code, head.content) == (200, b"")
    same = ("content-type", "content-length", "etag", "content-security-policy")
    assert [head.headers.get(each) for each in same] == [got.headers.get(each) for each in same]


def test_head_reads_nothing_for_a_platform(any_service: RunningService) -> None:
    with any_service.client("feed") as platform:
        assert platform.head("/v1/hashes").status_code == 405


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/cases/UN-7K4M-9QTX", "DELETE, GET, OPTIONS"),
        ("/v1/webhooks", "GET, OPTIONS, POST"),
        ("/v1/match", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_lists_every_method(any_service: RunningService, path: str, methods: str) -> None:
    options = httpx.options(any_service.url + path)
    assert (options.status_code, options.headers["allow"]) == (204, methods)
    assert not [name for name in options.headers if name.startswith("access-control")]
    assert httpx.patch(any_service.url + path).headers["allow"] == methods
    assert httpx.options(f"{any_service.url}/v1/nowhere").status_code == 404


def test_every_response_has_security_headers(any_service: RunningService) -> None:
    for path in ("/healthz", "/readyz", "/v1/nowhere", "/v1/audit"):
        headers = httpx.get(any_service.url + path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_health_and_readiness(service: RunningService) -> None:
    assert httpx.get(f"{service.url}/healthz").json() == {"status": "alive"}
    assert service.ready() == {"status": "ready", "reasons": [], "generation": 0, "hashes": 0}


def test_api_reference_lists_every_path_and_loads_nothing(any_service: RunningService) -> None:
    schema = httpx.get(f"{any_service.url}/openapi.json").json()
    page = httpx.get(f"{any_service.url}/docs")
    for path in schema["paths"]:
        assert path in page.text
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "http:" not in page.text
