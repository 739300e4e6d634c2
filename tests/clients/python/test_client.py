"""The SDK on a real connection: requests, retries and the handling of responses.

Every test runs the blocking and the asynchronous client; they share all but the sending.
"""

import json
from typing import Any

import httpx
import pytest
from unseen import (
    AccessRefusedError,
    Case,
    CaseNotFoundError,
    Client,
    Fingerprint,
    ImageNotFoundError,
    InputError,
    KeyReusedError,
    RequestRefusedError,
    Retry,
    ServerUnreachableError,
    ServiceError,
    Submission,
    TooManyGuessesError,
    UnavailableError,
    UnexpectedAnswerError,
)

from .both_clients import QUICK, Run
from .servers import CASE, Act, problem, scripted

PIN = "7K4M-9QTX-2HBD"
PRINT = Fingerprint("5a" * 32, 100)
SUBMISSION = Submission.of([[PRINT]], adult=True, depicted=True, without_consent=True)


def test_status_carries_the_pin_in_a_header_and_reads_the_case(run: Run) -> None:
    with scripted(Act(200, CASE)) as server:
        case: Case = run(server.url, "status", "un 7k4m9qtx", "7k4m 9qtx 2hbd")
    assert (case.case, case.images[0].hashes, case.platforms) == ("UN-7K4M-9QTX", 8, ())
    assert case.submitted_at
    assert case.submitted_at.tzinfo
    [request] = server.seen
    assert (request.method, request.path) == ("GET", "/v1/cases/UN-7K4M-9QTX")
    assert request.headers["unseen-pin"] == PIN
    assert PIN not in request.path


def test_withdraw_of_one_image_names_it(run: Run) -> None:
    with scripted(Act(200, CASE)) as server:
        run(server.url, "withdraw", "UN-7K4M-9QTX", PIN, 1)
        run(server.url, "withdraw", "UN-7K4M-9QTX", PIN)
    assert [(seen.method, seen.path) for seen in server.seen] == [
        ("DELETE", "/v1/cases/UN-7K4M-9QTX/images/1"),
        ("DELETE", "/v1/cases/UN-7K4M-9QTX"),
    ]


def test_match_sends_32_bytes_per_hash_in_calls_of_ten_thousand(run: Run) -> None:
    hit = {"query": 1, "record": "r", "distance": 4, "view": "mirror", "standing": "unreviewed"}
    marked = {**hit, "suspect": True}
    answers = [
        Act(200, {"generation": 9, "hits": [hit]}),
        Act(200, {"generation": 8, "hits": [marked]}),
    ]
    with scripted(*answers) as server:
        asked = [PRINT, *["5A" * 32] * 10_004]
        answer = run(server.url, "match", asked, 16, key="secret")
    assert [hit.query for hit in answer.hits] == [1, 10_001]
    assert [hit.suspect for hit in answer.hits] == [False, True]
    assert answer.generation == 8
    assert [len(seen.body) for seen in server.seen] == [320_000, 160]
    assert {seen.path for seen in server.seen} == {"/v1/match?max_distance=16"}
    assert {seen.headers["authorization"] for seen in server.seen} == {"Bearer secret"}


@pytest.mark.parametrize(
    "failure", [Act(drop=True), Act(503, {}), problem(502, "x", "y"), Act(504, b"<html>")]
)
def test_a_temporary_failure_is_retried_with_the_same_key(run: Run, failure: Act) -> None:
    with scripted(failure, failure, Act(200, CASE)) as server:
        assert run(server.url, "submit", SUBMISSION).case == "UN-7K4M-9QTX"
    assert len(server.seen) == 3
    assert {seen.headers["idempotency-key"] for seen in server.seen} == {SUBMISSION.idempotency_key}
    assert {seen.body for seen in server.seen} == {server.seen[0].body}
    assert json.loads(server.seen[0].body) == SUBMISSION.body


def test_a_server_that_never_answers_is_unreachable(run: Run) -> None:
    with scripted(Act(drop=True)) as server, pytest.raises(ServerUnreachableError) as caught:
        run(server.url, "submit", SUBMISSION)
    assert len(server.seen) == QUICK.attempts
    assert caught.value.hint


def test_a_slow_server_times_out(run: Run) -> None:
    with (
        scripted(Act(200, CASE, delay=0.5)) as server,
        pytest.raises(ServerUnreachableError, match=r"in time|too slowly"),
    ):
        run(server.url, "status", CASE["case"], PIN, timeout=0.05, retry=Retry(attempts=1))


def test_a_long_retry_after_is_reported_instead_of_waited_for(run: Run) -> None:
    busy = problem(503, "unavailable", "Loading.", headers={"Retry-After": "600"})
    with scripted(busy) as server, pytest.raises(UnavailableError) as caught:
        run(server.url, "status", CASE["case"], PIN)
    assert (len(server.seen), caught.value.retry_after) == (1, 600.0)


@pytest.mark.parametrize(
    ("status", "slug", "error"),
    [
        (401, "not-authenticated", AccessRefusedError),
        (403, "scope-missing", AccessRefusedError),
        (404, "case-not-found", CaseNotFoundError),
        (404, "image-not-found", ImageNotFoundError),
        (409, "idempotency-key-reused", KeyReusedError),
        (413, "body-too-large", RequestRefusedError),
        (422, "invalid-request", RequestRefusedError),
        (422, "quality-too-low", RequestRefusedError),
        (429, "too-many-guesses", TooManyGuessesError),
        (500, "internal", UnavailableError),
    ],
)
def test_a_problem_becomes_its_error_without_a_retry(
    run: Run, status: int, slug: str, error: type[ServiceError]
) -> None:
    fields = [{"at": "images.0.hashes.2.pdq", "detail": "Not hexadecimal."}]
    with (
        scripted(problem(status, slug, "Do this.", errors=fields)) as server,
        pytest.raises(error, match="Do this") as caught,
    ):
        run(server.url, "status", CASE["case"], PIN)
    assert len(server.seen) == 1
    assert type(caught.value) is error
    assert (caught.value.slug, caught.value.status) == (slug, status)
    assert caught.value.errors[0].at == "images.0.hashes.2.pdq"
    assert caught.value.hint


@pytest.mark.parametrize(
    "act",
    [
        Act(200, b"<html>a captive portal</html>"),
        Act(200, {"hello": "world"}),
        Act(200, []),
        Act(200, {**CASE, "submitted_at": "yesterday"}),
        Act(302, b"", {"Location": "https://elsewhere.example/"}),
        Act(404, b"Not Found"),
        Act(200, b"no gzip", {"Content-Encoding": "gzip"}),
    ],
)
def test_an_unexpected_response_is_an_error(run: Run, act: Act) -> None:
    expected = (UnexpectedAnswerError, ServerUnreachableError)
    with scripted(act) as server, pytest.raises(expected):
        run(server.url, "status", CASE["case"], PIN)


def test_connections_are_reused() -> None:
    with scripted(Act(200, CASE)) as server, Client(server.url) as client:
        for _ in range(3):
            client.status(CASE["case"], PIN)
    assert len({seen.connection for seen in server.seen}) == 1


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("status", ("UN-7K4M", PIN)),
        ("status", (CASE["case"], "1234")),
        ("withdraw", (CASE["case"], PIN, 0)),
        ("match", (["5a" * 31],)),
        ("match", (["zz" * 32],)),
        ("match", ([PRINT], 32)),
        ("match", ([PRINT], -1)),
    ],
)
def test_bad_input_is_never_sent(run: Run, call: str, arguments: tuple[Any, ...]) -> None:
    with scripted(Act(200, CASE)) as server, pytest.raises(InputError) as caught:
        run(server.url, call, *arguments, key="secret")
    assert server.seen == []
    assert caught.value.hint
    assert PIN not in str(caught.value)


def test_a_lookup_without_a_key_is_never_sent(run: Run) -> None:
    with scripted(Act(200, CASE)) as server, pytest.raises(InputError):
        run(server.url, "match", [PRINT])
    assert server.seen == []


@pytest.mark.parametrize(
    "url", ["", "unseen.example", "ftp://unseen.example", "https://", "https://x:port", "http://["]
)
def test_a_malformed_server_address_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        Client(url)


def test_plain_http_to_another_machine_needs_insecure() -> None:
    with pytest.raises(InputError):
        Client("http://unseen.example")
    for url, insecure in (("http://unseen.example", True), ("http://[::1]:8000", False)):
        Client(url, insecure=insecure).close()


def test_a_transport_can_be_given() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=CASE)

    with Client("https://unseen.example", transport=httpx.MockTransport(answer)) as client:
        assert client.status(CASE["case"], PIN).status == "active"


def test_no_repr_contains_a_secret() -> None:
    shown = repr(SUBMISSION)
    assert SUBMISSION.pin not in shown
    assert PRINT.pdq not in shown
