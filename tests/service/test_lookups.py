"""POST /v1/match: hits, invalid requests and the keys it requires."""

import json
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support.hashes import flipped, random_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService
from tests.support.submissions import submit_and_index


def test_hits_are_sorted_by_query_then_distance(service: RunningService) -> None:
    pdq = random_pdq(1)
    submit_and_index(service, pdq, flipped(pdq, 20), random_pdq(2))
    with service.client("match") as platform:
        answer = platform.post(
            "/v1/match", json={"hashes": [random_pdq(7), flipped(pdq, 5), pdq.upper()]}
        ).json()
    found = [(hit["query"], hit["distance"]) for hit in answer["hits"]]
    assert found == sorted(found)
    assert (1, 5) in found
    assert (2, 0) in found
    assert (2, 20) in found
    assert {query for query, _ in found} == {1, 2}
    assert pdq not in str(answer)


@pytest.mark.parametrize(("distance", "hits"), [(31, 1), (30, 0), (None, 1), (0, 0)])
def test_max_distance_is_inclusive(
    service: RunningService, distance: int | None, hits: int
) -> None:
    pdq = random_pdq(1)
    submit_and_index(service, pdq)
    body: dict[str, Any] = {"hashes": [flipped(pdq, 31)]}
    if distance is not None:
        body["max_distance"] = distance
    with service.client("match") as platform:
        assert len(platform.post("/v1/match", json=body).json()["hits"]) == hits


def test_raw_bytes_and_json_give_the_same_hits(service: RunningService) -> None:
    pdqs = [random_pdq(n) for n in range(200)]
    submit_and_index(service, *pdqs[:50])
    raw = bytes.fromhex("".join(pdqs))
    with service.client("match") as platform:
        as_json = platform.post("/v1/match", json={"hashes": pdqs, "max_distance": 9}).json()
        as_raw = platform.post(
            "/v1/match",
            content=raw,
            params={"max_distance": 9},
            headers={"Content-Type": "application/octet-stream"},
        ).json()
    assert as_raw == as_json
    assert [hit["query"] for hit in as_raw["hits"]] == list(range(50))


@pytest.mark.parametrize(
    "body",
    [
        {"hashes": []},
        {"hashes": ["ab" * 31]},
        {"hashes": ["ab" * 31 + "zz"]},
        {"hashes": ["ab" * 32 + "\n"]},
        {"hashes": ["ab" * 32] * 10_001},
        {"hashes": ["ab" * 32], "max_distance": 32},
        {"hashes": ["ab" * 32], "max_distance": -1},
        {"hashes": ["ab" * 32], "max_distance": 4.5},
        {"hashes": ["ab" * 32], "max_distance": True},
        {"hashes": "ab" * 32},
        {"hashes": [7]},
        {},
        {"hashes": ["ab" * 32], "distance": 3},
        [],
        "x",
        None,
    ],
)
def test_invalid_lookup_is_refused(any_service: RunningService, body: object) -> None:
    with any_service.client("match") as platform:
        refused = platform.post(
            "/v1/match",
            content=json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")


@pytest.mark.parametrize(
    ("content", "distance"),
    [(b"", None), (bytes(31), None), (bytes(33), None), (bytes(32), "32"), (bytes(32), "x")],
)
def test_invalid_raw_lookup_is_refused(
    any_service: RunningService, content: bytes, distance: str | None
) -> None:
    with any_service.client("match") as platform:
        refused = platform.post(
            "/v1/match",
            content=content,
            params={} if distance is None else {"max_distance": distance},
            headers={"Content-Type": "application/octet-stream"},
        )
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")


def test_unsupported_media_type_is_refused(any_service: RunningService) -> None:
    with any_service.client("match") as platform:
        refused = platform.post("/v1/match", content=b"x", headers={"Content-Type": "text/csv"})
    assert (refused.status_code, problem_slug(refused)) == (415, "unsupported-media-type")


@pytest.mark.parametrize("key", [None, "wrong", "unseen_" + "x" * 43])
def test_valid_key_is_required(any_service: RunningService, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    for path in ("/v1/match", "/v1/audit"):
        method = "POST" if path == "/v1/match" else "GET"
        refused = httpx.request(method, any_service.url + path, headers=headers)
        assert (refused.status_code, problem_slug(refused)) == (401, "not-authenticated")
        assert refused.headers["www-authenticate"] == "Bearer"


def test_missing_scope_is_named(any_service: RunningService) -> None:
    with any_service.client("audit") as staff:
        refused = staff.post("/v1/match", json={"hashes": ["ab" * 32]})
    assert (refused.status_code, problem_slug(refused)) == (403, "scope-missing")
    assert "'match'" in refused.json()["detail"]


def test_ten_thousand_hashes_in_one_call(service: RunningService) -> None:
    pdqs = [random_pdq(n) for n in range(10_000)]
    submit_and_index(service, *pdqs[:100])
    with service.client("match") as platform:
        answer = platform.post("/v1/match", json={"hashes": pdqs}).json()
    assert np.unique([hit["query"] for hit in answer["hits"]]).tolist() == list(range(100))
