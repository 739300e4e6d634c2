"""The requests of the Python client are operations of openapi.yaml; its errors fit."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import yaml
from unseen import (
    FEEDBACK_VALUES,
    Feedback,
    Fingerprint,
    RequestRefusedError,
    Submission,
    UnexpectedAnswerError,
    api_calls,
    feed_calls,
    key_calls,
)
from unseen.feed_models import parse_entry
from unseen.problems import error_of
from unseen_service import errors
from unseen_service.api import problems

API = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text(encoding="utf-8"))
CASE, PIN = "UN-7K4M-9QTX", "7K4M-9QTX-2HBD"
PRINT = Fingerprint("5a" * 32, 100)
RECORD = "00000000-0000-0000-0000-000000000001"
SUBMISSION = Submission.of([[PRINT]], adult=True, depicted=True, without_consent=True)

CALLS = {
    "submit": api_calls.submit(SUBMISSION),
    "status": api_calls.status(CASE, PIN),
    "withdraw": api_calls.withdraw(CASE, PIN),
    "withdraw one": api_calls.withdraw(CASE, PIN, 1),
    "match": api_calls.match([PRINT], "key")[0],
    "feed": feed_calls.page("key", "cursor", wait=1.5),
    "feedback": feed_calls.feedback([Feedback(RECORD, "removed")], "key")[0],
    "own key": key_calls.own_key("key"),
    "activate": key_calls.activate_key("key"),
    "replace": key_calls.replace_key("key", f"sha256:{'5a' * 32}", 60),
    "confirm": feed_calls.confirm([RECORD], "key")[0],
}


def operation(request: api_calls.Request) -> dict[str, Any]:
    """Return the operation of openapi.yaml that a request calls."""
    path = request.path.partition("?")[0]
    for template, operations in API["paths"].items():
        if re.fullmatch(re.sub(r"\\\{.+?\\\}", "[^/]+", re.escape(template)), path):
            described: dict[str, Any] = operations[request.method.lower()]
            return described
    raise AssertionError(f"openapi.yaml has no {path}")


@pytest.mark.parametrize("name", CALLS)
def test_a_request_has_the_required_headers_and_only_known_parameters(name: str) -> None:
    request = CALLS[name].request
    described = operation(request)
    sent = {header.lower() for header in request.headers}
    parameters = described.get("parameters", [])
    required = {p["name"].lower() for p in parameters if p["in"] == "header" and p.get("required")}
    assert required <= sent
    query = parse_qs(request.path.partition("?")[2])
    assert set(query) <= {p["name"] for p in parameters if p["in"] == "query"}
    if request.content:
        assert request.headers["Content-Type"] in described["requestBody"]["content"]


def test_the_client_knows_every_feedback_value_and_field_of_an_entry() -> None:
    schemas = API["components"]["schemas"]
    assert list(FEEDBACK_VALUES) == schemas["Opinion"]["enum"]
    entry: dict[str, Any] = dict.fromkeys(schemas["EntryOut"]["properties"], "1")
    entry |= {"at": "2026-11-22T13:40:00Z", "status": "active", "pdq": "5a" * 32, "feedback": {}}
    entry |= {"suspect": True}
    entry |= {"position": 1, "quality": 90, "record": "6f1c0d5e-0000-4000-8000-000000000001"}
    assert {*asdict(parse_entry(entry)), "status"} == set(entry)


def problem_classes(
    root: type[errors.ServiceError] = errors.ServiceError,
) -> Iterator[type[errors.ServiceError]]:
    """Yield every class of error that has its own problem type."""
    for each in root.__subclasses__():
        if each.slug != errors.ServiceError.slug:
            yield each
        yield from problem_classes(each)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_every_problem_of_the_service_becomes_a_fitting_error(status: int) -> None:
    kinds = list(problem_classes())
    assert len(kinds) > 10
    for kind in kinds:
        slug = kind.slug
        answer = problems.problem(status, slug, kind.title, "Do this.")
        error = error_of(status, bytes(answer.body))
        assert not isinstance(error, UnexpectedAnswerError)
        assert (str(error), error.slug) == ("Do this.", slug)
        assert error.hint


def test_a_problem_of_a_newer_service_is_a_refusal() -> None:
    answer = problems.problem(418, "made-tomorrow", "New", "Do that.")
    assert type(error_of(418, bytes(answer.body))) is RequestRefusedError
