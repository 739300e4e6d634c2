"""What every answer has, whatever was asked."""

import httpx

from tests.support.problems import problem_slug
from tests.support.running_service import RunningService


def test_unknown_addresses_and_methods_are_problems(any_service: RunningService) -> None:
    nowhere = httpx.get(f"{any_service.url}/v1/nowhere")
    assert (nowhere.status_code, problem_slug(nowhere)) == (404, "not-found")
    not_this_way = httpx.put(f"{any_service.url}/v1/match")
    assert (not_this_way.status_code, problem_slug(not_this_way)) == (405, "method-not-allowed")
    slash = httpx.get(f"{any_service.url}/healthz/")
    assert slash.status_code == 404, "no redirects: they would carry keys along"


def test_every_answer_is_kept_close(any_service: RunningService) -> None:
    for path in ("/healthz", "/readyz", "/v1/nowhere", "/v1/audit"):
        headers = httpx.get(any_service.url + path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_it_says_that_it_is_alive_and_ready(service: RunningService) -> None:
    assert httpx.get(f"{service.url}/healthz").json() == {"status": "alive"}
    assert service.ready() == {"status": "ready", "reasons": [], "generation": 0, "hashes": 0}


def test_the_reference_names_every_call_and_loads_nothing(any_service: RunningService) -> None:
    schema = httpx.get(f"{any_service.url}/openapi.json").json()
    page = httpx.get(f"{any_service.url}/docs")
    for path in schema["paths"]:
        assert path in page.text
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "http:" not in page.text
