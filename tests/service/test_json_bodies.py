"""JSON that is expensive to parse or to refuse, or that two parsers would read differently."""

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from unseen_service.api import json_guard, json_routes
from unseen_service.api.json_routes import JsonRoute
from unseen_service.api.routes import routes
from unseen_service.errors import InvalidRequest
from unseen_service.models.hashes import View

from tests.support.hashes import new_pdq, random_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService
from tests.support.submissions import PIN, post_submission, submission
from tests.support.waiting import PATIENCE_S

JSON = {"Content-Type": "application/json"}
RECORD = "5b0c1c1e-6f5d-4b7e-9a55-0d6a1a1f6a0e"


def post(service: RunningService, path: str, body: bytes, **headers: str) -> httpx.Response:
    """Send a body as JSON, as it is."""
    url = service.url + path
    return httpx.post(url, content=body, headers=JSON | headers, timeout=PATIENCE_S)


@dataclass
class Allocated:
    """The most memory that was allocated at once, in bytes."""

    peak: int = 0


@contextmanager
def allocations() -> Iterator[Allocated]:
    """Count what this process, which is also the service, allocates in the block."""
    found = Allocated()
    tracemalloc.start()
    try:
        yield found
        found.peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def unknown_members(number: int) -> bytes:
    return json.dumps({f"k{n}": n for n in range(number)}, separators=(",", ":")).encode()


LARGE = {
    "unknown members": unknown_members(75_000),
    "empty arrays": b"[" + b"[]," * 400_000 + b"[]]",
    "empty objects": b'{"images":[' + b"{}," * 400_000 + b"{}]}",
    "deep arrays": b"[" * 1_000_000,
    "deep objects": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "wrong items": b'{"images":[' + b"1," * 500_000 + b"1]}",
    "long numbers": b"[" + (b"9" * 4_000 + b",") * 300 + b"1]",
    "long string": b'{"pin":"' + b"9" * 1_200_000 + b'"}',
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
def test_refusing_a_large_body_allocates_little(any_service: RunningService, body: bytes) -> None:
    """A refusal takes the body, its text and its values, and not an error for each of them."""
    post(any_service, "/v1/cases", b"{}")
    with allocations() as allocated:
        refused = post(any_service, "/v1/cases", body)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")
    assert len(refused.content) < 4_096
    assert allocated.peak < 5 * len(body)


@pytest.mark.parametrize("path", ["/v1/feedback", "/stopncii/v1/SubmitHashes"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer unseen_wrong"}])
def test_large_body_without_an_active_key_is_not_read(
    any_service: RunningService, path: str, headers: dict[str, str]
) -> None:
    """Refused by its declared size, so that nothing of it is kept, let alone parsed."""
    body = unknown_members(75_000)
    with allocations() as allocated:
        refused = post(any_service, path, body, **headers)
    assert (refused.status_code, problem_slug(refused)) == (401, "not-authenticated")
    # The client, in this process too, may copy the body once.
    assert allocated.peak < 2 * len(body)


def test_large_body_without_a_key_is_not_read_if_its_size_is_not_declared(
    any_service: RunningService,
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 16_384

    url = f"{any_service.url}/v1/feedback"
    refused = httpx.post(url, content=chunks(), headers=JSON, timeout=PATIENCE_S)
    assert (refused.status_code, problem_slug(refused)) == (401, "not-authenticated")


def test_every_json_body_is_limited() -> None:
    for route in routes:
        if isinstance(route, APIRoute) and route.body_field is not None:
            assert isinstance(route, JsonRoute), f"{route.path} parses a body without limits"


@pytest.mark.parametrize(
    ("path", "scopes"),
    [
        ("/v1/match", ["match"]),
        ("/v1/feedback", ["feedback"]),
        ("/v1/audit/references", ["audit"]),
        ("/v1/keys", ["admin"]),
    ],
)
@pytest.mark.parametrize("name", ["unknown members", "empty arrays", "deep arrays"])
def test_keys_cannot_send_expensive_json_either(
    any_service: RunningService, path: str, scopes: list[str], name: str
) -> None:
    with any_service.client(*scopes) as client, allocations() as allocated:
        refused = client.post(path, content=LARGE[name], headers=JSON)
    assert refused.status_code in (413, 422)
    assert len(refused.content) < 4_096
    assert allocated.peak < 5 * len(LARGE[name])


def test_one_wrong_item_is_named_however_many_there_are(any_service: RunningService) -> None:
    """Each list ends at its first wrong item; that item gets all of its errors."""
    wrong = submission(*(random_pdq(n) for n in range(200)))
    for image in wrong["images"]:
        image["hashes"][0] |= {"pdq": "none", "quality": "high"}
    refused = post_submission(any_service, wrong)
    spots = {each["at"] for each in refused.json()["errors"]}
    assert spots == {"images.0.hashes.0.pdq", "images.0.hashes.0.quality"}


def duplicated(body: dict[str, Any], name: str, first: str) -> bytes:
    """Return a body in which a member occurs twice, first with another value."""
    text = json.dumps(body)
    return text.replace(f'"{name}":', f'"{name}": {first}, "{name}":', 1).encode()


@pytest.mark.parametrize(
    ("name", "first"), [("adult", "false"), ("pin", '"7K4M-9QTX-2HBE"'), ("quality", "100")]
)
def test_duplicate_member_is_refused(any_service: RunningService, name: str, first: str) -> None:
    body = duplicated(submission(new_pdq()), name, first)
    refused = post(any_service, "/v1/cases", body)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")
    assert [each["at"] for each in refused.json()["errors"]] == [name]
    assert "twice" in refused.json()["detail"]


def test_duplicate_member_is_found_however_it_is_spelled(any_service: RunningService) -> None:
    body = duplicated(submission(new_pdq()), "pin", '"x"').replace(b'"pin"', b'"p\\u0069n"', 1)
    assert post(any_service, "/v1/cases", body).status_code == 422


def test_duplicate_member_of_a_lookup_is_refused(any_service: RunningService) -> None:
    body = duplicated({"hashes": [random_pdq(1)]}, "hashes", f'["{random_pdq(2)}"]')
    with any_service.client("match") as platform:
        refused = platform.post("/v1/match", content=body, headers=JSON)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")


def test_name_of_a_duplicate_member_is_cut(any_service: RunningService) -> None:
    secret = "unseen_" + "k" * 40
    refused = post(any_service, "/v1/cases", json.dumps({secret: 1})[:-1].encode() + b',"pin":1}')
    assert secret not in refused.text
    twice = f'{{"{secret}":1,"{secret}":2}}'.encode()
    refused = post(any_service, "/v1/cases", twice)
    assert refused.status_code == 422
    assert secret not in refused.text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "9" * 20, "1." + "0" * 40])
def test_number_that_is_no_json_or_too_long_is_refused(
    any_service: RunningService, value: str
) -> None:
    body = json.dumps(submission(new_pdq())).replace('"quality": 100', f'"quality": {value}')
    assert post(any_service, "/v1/cases", body.encode()).status_code == 422


@pytest.mark.parametrize("value", [1, "true", 1.0, "yes"])
def test_statement_must_be_a_literal_true(any_service: RunningService, value: object) -> None:
    """1 equals True in Python, but nobody confirmed anything with it."""
    body = submission(new_pdq())
    body["statements"]["adult"] = value
    refused = post_submission(any_service, body)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")
    assert refused.json()["errors"][0]["at"] == "statements.adult"


@pytest.mark.parametrize(
    ("path", "scopes", "body"),
    [
        ("/v1/match", ["match"], {"hashes": [random_pdq(1)], "max_distance": True}),
        ("/v1/match", ["match"], {"hashes": [random_pdq(1)], "max_distance": 8.0}),
        ("/v1/match", ["match"], {"hashes": [random_pdq(1)], "max_distance": "8"}),
        (
            "/v1/keys",
            ["admin"],
            {"platform": "P", "scopes": ["match"], "expires_at": 4_000_000_000},
        ),
        ("/v1/keys", ["admin"], {"platform": "P", "scopes": ["match"], "expires_at": "4000000000"}),
        ("/v1/keys", ["admin"], {"platform": "P", "scopes": "match"}),
        ("/v1/audit/verifications", ["audit"], {"fits": 1, "position": 1}),
        ("/v1/audit/verifications", ["audit"], {"fits": "true", "position": 1}),
        ("/v1/audit/verifications", ["audit"], {"fits": True, "position": True}),
        ("/v1/feedback", ["feedback"], {"feedback": {"record": RECORD, "value": "removed"}}),
    ],
)
def test_values_are_not_converted(
    any_service: RunningService, path: str, scopes: list[str], body: dict[str, Any]
) -> None:
    with any_service.client(*scopes) as client:
        refused = client.post(path, json=body)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request"), refused.text


def test_largest_submission_fits_its_limits() -> None:
    views = [each.value for each in View if not each.is_crop]
    hashes = [{"pdq": random_pdq(1), "quality": 100, "view": view} for view in views]
    image = {"hashes": hashes, "convention": "pdq-srgb-full-1"}
    body = submission() | {"images": [image] * 1_000}
    text = json.dumps(body).encode()
    assert len(text) < json_routes.CASES.bytes
    assert json_guard.parse(text, json_routes.CASES.values)["pin"] == PIN


def test_largest_stopncii_submission_fits_its_limits() -> None:
    said = {"feedbackValue": "Blocked", "tags": ["one", "two"]}
    record = {"signalType": "ImagePDQ", "hashValue": random_pdq(1), "CSPFeedbacks": [said]}
    text = json.dumps({"hashRecords": [record] * 10_000}, separators=(",", ":")).encode()
    assert len(text) < json_routes.STOPNCII.bytes
    assert len(json_guard.parse(text, json_routes.STOPNCII.values)["hashRecords"]) == 10_000


@pytest.mark.parametrize(
    ("largest", "beyond"),
    [
        (f"[{'1,' * 1_023}1]", f"[{'1,' * 1_024}1]"),
        (f"[{'[],' * 511}1]", f"[{'[],' * 512}1]"),
        (unknown_members(json_guard.MAX_MEMBERS), unknown_members(json_guard.MAX_MEMBERS + 1)),
        (f"[{'9' * 19},-{'9' * 19}]", f"[-{'9' * 20}]"),
        (f"[1.{'0' * 30}]", f"[1.{'0' * 31}]"),
        (b'\xef\xbb\xbf{"a":"\xc3\xa9"}', b'{"a":"\xe9"}'),
    ],
    ids=["items", "arrays", "members", "digits", "float", "UTF-8"],
)
def test_limits_of_json_are_exact(largest: str | bytes, beyond: str | bytes) -> None:
    def parse(body: str | bytes) -> object:
        return json_guard.parse(body if isinstance(body, bytes) else body.encode(), 1_024)

    assert parse(largest) is not None
    with pytest.raises(InvalidRequest):
        parse(beyond)


def test_at_most_twenty_errors_are_reported(any_service: RunningService) -> None:
    body = submission(new_pdq()) | {f"k{n}": n for n in range(50)}
    assert len(post_submission(any_service, body).json()["errors"]) == 20


def test_half_of_a_surrogate_pair_as_a_name_is_refused(any_service: RunningService) -> None:
    refused = post(any_service, "/v1/cases", b'{"\\ud800": 1, "\\ud800": 2}')
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")
    refused = post(any_service, "/v1/cases", b'{"\\ud800": 1}')
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")


SENT_ONCE = ["Authorization", "Unseen-Pin", "Idempotency-Key", "Unseen-Work", "Content-Type"]


@pytest.mark.parametrize("name", SENT_ONCE)
@pytest.mark.parametrize("path", ["/v1/cases", "/v1/match", "/v1/feedback"])
def test_header_that_decides_is_sent_once(
    any_service: RunningService, path: str, name: str
) -> None:
    """A proxy in front may read the other one."""
    headers = [("Content-Type", "application/json"), (name, "a"), (name.lower(), "b")]
    refused = httpx.post(any_service.url + path, content=b"{}", headers=headers)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")
    assert [each["at"] for each in refused.json()["errors"]] == [f"header.{name.lower()}"]
