"""What every response has in common, whatever the request."""

import httpx

from tests.support.problems import problem_slug
from tests.support.running_service import RunningService


def test_unknown_paths_and_methods_return_problems(any_service: RunningService) -> None:
    unknown_path = httpx.get(f"{any_service.url}/v1/nowhere")
    assert (unknown_path.status_code, problem_slug(unknown_path)) == (404, "not-found")
    wrong_method = httpx.put(f"{any_service.url}/v1/match")
    assert (wrong_method.status_code, problem_slug(wrong_method)) == (405, "method-not-allowed")
    slash = httpx.get(f"{any_service.url}/healthz/")
    assert slash.status_code == 404, "no redirects: clients would send their keys along"


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
