"""Query parameters that a call does not have are refused, not ignored."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import yaml

from tests.support.hashes import flipped, random_pdq
from tests.support.running_service import RunningService
from tests.support.submissions import submit

ROOT = Path(__file__).parents[2]
PATHS: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))["paths"]
CALLS = [
    (method.upper(), path)
    for path, operations in PATHS.items()
    for method in operations
    if path.startswith("/v1/")
]


@pytest.fixture
def platform(service: RunningService) -> Iterator[httpx.Client]:
    submit(service, random_pdq(1))
    service.wait_in_step()
    with service.client("match") as client:
        yield client


def look_up(client: httpx.Client, query: str, **body: Any) -> httpx.Response:
    document = {"hashes": [flipped(random_pdq(1), 9)], **body}
    headers = {"Content-Type": "application/json"}
    return client.post(f"/v1/match{query}", content=json.dumps(document), headers=headers)


def test_distance_in_the_query_of_a_json_lookup_counts(platform: httpx.Client) -> None:
    """It was ignored without a word: the answer was that for 31 bits."""
    assert len(look_up(platform, "").json()["hits"]) == 1
    assert look_up(platform, "?max_distance=8").json()["hits"] == []
    assert len(look_up(platform, "?max_distance=9").json()["hits"]) == 1


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?max_distance=8", {"max_distance": 8}),
        ("?max_distance=8&max_distance=31", {}),
        ("?maxdistance=8", {}),
        ("?max_distance=-1", {}),
        ("?max_distance=32", {}),
        ("?max_distance=", {}),
        ("?max_distance=8&limit=1", {}),
    ],
)
def test_distance_that_is_not_clear_is_refused(
    platform: httpx.Client, query: str, body: dict[str, int]
) -> None:
    answer = look_up(platform, query, **body)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":invalid-request")


def test_every_call_refuses_unknown_parameters(service: RunningService) -> None:
    for method, path in CALLS:
        url = re.sub("{[^}]*}", str(UUID(int=1)), path)
        headers = {"Content-Type": "application/json"}
        answer = httpx.request(method, f"{service.url}{url}?no_such=1", headers=headers)
        assert "422" in PATHS[path][method.lower()]["responses"], path
        if path != "/v1/match":  # there, the key comes first
            assert answer.status_code == 422, (path, answer.text)
            assert answer.json()["errors"][0]["at"] == "query.no_such", path


def test_a_parameter_given_twice_is_refused(service: RunningService) -> None:
    with service.client("feed") as client:
        assert client.get("/v1/hashes?limit=1").status_code == 200
        assert client.get("/v1/hashes?limit=1&limit=9").status_code == 422
        assert client.get("/v1/hashes?LIMIT=1").status_code == 422


def test_a_secret_in_a_parameter_is_not_repeated(service: RunningService) -> None:
    answer = httpx.get(f"{service.url}/v1/hashes?unseen_0123456789abcdef=1")
    assert answer.status_code == 422
    assert "0123456789" not in answer.text


@pytest.mark.parametrize("path", ["/?fbclid=1", "/staff?x=1", "/healthz?x=1", "/readyz?x=1"])
def test_pages_and_probes_ignore_parameters(service: RunningService, path: str) -> None:
    assert httpx.get(service.url + path).status_code == 200


def test_the_exchange_protocol_ignores_parameters(service: RunningService) -> None:
    key = service.key("feed")
    headers = {"x-functions-key": key, "Ocp-Apim-Subscription-Key": key}
    answer = httpx.get(f"{service.url}/stopncii/v1/FetchHashes?x=1", headers=headers)
    assert answer.status_code == 200
