"""POST, GET and DELETE /v1/cases: valid and invalid requests, and their responses."""

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.hashes import random_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN, post_submission, submission
from tests.support.waiting import wait_until

KEY = "0123456789abcdef0123456789abcdef"


def submission_with(path: str, value: object) -> dict[str, Any]:
    """Return a valid submission with one invalid value."""
    body = copy.deepcopy(submission(random_pdq(1)))
    at: Any = body
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in parents:
        at = at[step]
    at[last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        ("images", [], "images"),
        ("images", "none", "images"),
        ("images.0.hashes", [], "images.0.hashes"),
        ("images.0.hashes.0.pdq", "a" * 63, "images.0.hashes.0.pdq"),
        ("images.0.hashes.0.pdq", "a" * 64 + "\n", "images.0.hashes.0.pdq"),
        ("images.0.hashes.0.pdq", "g" * 64, "images.0.hashes.0.pdq"),
        ("images.0.hashes.0.pdq", " " + "a" * 63, "images.0.hashes.0.pdq"),
        ("images.0.hashes.0.quality", 101, "images.0.hashes.0.quality"),
        ("images.0.hashes.0.quality", "100", "images.0.hashes.0.quality"),
        ("images.0.hashes.0.view", "sideways", "images.0.hashes.0.view"),
        ("images.0.convention", "Not A Name", "images.0.convention"),
        ("images.0.name", "somebody.jpg", "images.0.name"),
        ("statements.adult", False, "statements.adult"),
        ("statements.depicted", None, "statements.depicted"),
        ("pin", "1234", "pin"),
        ("pin", "7K4M-9QTX-2HB\n", "pin"),
    ],
)
def test_invalid_submission_is_refused_with_the_path_of_the_error(
    any_service: RunningService, path: str, value: object, at: str
) -> None:
    refused = post_submission(any_service, submission_with(path, value))
    assert refused.status_code == 422
    assert problem_slug(refused) == "invalid-request"
    assert at in [spot["at"] for spot in refused.json()["errors"]]
    if isinstance(value, str) and len(value) > 5:
        assert value.strip() not in refused.text, "the response must not echo the value"


def test_low_quality_is_refused(any_service: RunningService) -> None:
    refused = post_submission(any_service, submission_with("images.0.hashes.0.quality", 49))
    assert (refused.status_code, problem_slug(refused)) == (422, "quality-too-low")
    assert refused.json()["errors"][0]["at"] == "images.0.hashes.0.quality"


def test_duplicate_view_of_an_image_is_refused(any_service: RunningService) -> None:
    original = {"pdq": random_pdq(1), "quality": 100, "view": "original"}
    refused = post_submission(any_service, submission_with("images.0.hashes", [original, original]))
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe"])
def test_malformed_body_is_refused(any_service: RunningService, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    refused = httpx.post(f"{any_service.url}/v1/cases", content=body, headers=headers)
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")


def test_unsupported_media_type_is_refused(any_service: RunningService) -> None:
    refused = httpx.post(
        f"{any_service.url}/v1/cases", content=b"{}", headers={"Content-Type": "x/y"}
    )
    assert (refused.status_code, problem_slug(refused)) == (415, "unsupported-media-type")


def test_oversized_body_is_refused(any_service: RunningService) -> None:
    def chunks() -> Any:
        for _ in range(40):
            yield b" " * 65_536

    url, headers = f"{any_service.url}/v1/cases", {"Content-Type": "application/json"}
    declared = httpx.post(url, content=b" " * (2 * 1024 * 1024 + 1), headers=headers)
    assert (declared.status_code, problem_slug(declared)) == (413, "body-too-large")
    undeclared = httpx.post(url, content=chunks(), headers=headers)
    assert (undeclared.status_code, problem_slug(undeclared)) == (413, "body-too-large")


def test_repeated_submission_returns_the_same_case(service: RunningService) -> None:
    body = submission(random_pdq(1), random_pdq(2))
    first = post_submission(service, body, **{"Idempotency-Key": KEY})
    again = post_submission(service, body, **{"Idempotency-Key": KEY})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_concurrent_repeats_open_one_case(service: RunningService) -> None:
    body = submission(random_pdq(1))
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: post_submission(service, body, **{"Idempotency-Key": KEY}), range(8))
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["case"] for answer in answers}) == 1


@pytest.mark.parametrize(
    "other",
    [submission(random_pdq(9)), submission(random_pdq(1), pin="2345-2PQR-7WXY")],
    ids=["other hash", "other PIN"],
)
def test_idempotency_key_of_another_submission_is_refused(
    service: RunningService, other: dict[str, Any]
) -> None:
    post_submission(service, submission(random_pdq(1)), **{"Idempotency-Key": KEY})
    refused = post_submission(service, other, **{"Idempotency-Key": KEY})
    assert (refused.status_code, problem_slug(refused)) == (409, "idempotency-key-reused")


def test_unknown_case_and_wrong_pin_get_the_same_response(service: RunningService) -> None:
    number = post_submission(service, submission(random_pdq(1))).json()["case"]
    wrong = [
        httpx.get(f"{service.url}/v1/cases/{number}", headers={"Unseen-Pin": "2222-2222-2222"}),
        httpx.get(f"{service.url}/v1/cases/UN-2222-2222", headers={"Unseen-Pin": PIN}),
        httpx.get(f"{service.url}/v1/cases/nonsense", headers={"Unseen-Pin": PIN}),
        httpx.delete(f"{service.url}/v1/cases/{number}", headers={"Unseen-Pin": "nonsense"}),
    ]
    assert {answer.status_code for answer in wrong} == {404}
    assert {problem_slug(answer) for answer in wrong} == {"case-not-found"}
    assert len({answer.text for answer in wrong}) == 1


def test_case_number_and_pin_may_be_typed_loosely(service: RunningService) -> None:
    number = post_submission(service, submission(random_pdq(1))).json()["case"]
    loose = number.lower().replace("-", "")
    pin = PIN.lower().replace("-", " ").replace("0", "o")
    assert (
        httpx.get(f"{service.url}/v1/cases/{loose}", headers={"Unseen-Pin": pin}).json()["case"]
        == number
    )


def test_wrong_pins_are_slowed_down_but_the_right_pin_always_works(service: RunningService) -> None:
    number = post_submission(service, submission(random_pdq(1))).json()["case"]
    address = f"{service.url}/v1/cases/{number}"

    def guess(n: int) -> int:
        headers = {"Unseen-Pin": f"2222-2222-{2000 + n}"}
        return httpx.get(address, headers=headers, timeout=60).status_code

    def is_open() -> bool:
        return httpx.get(address, headers={"Unseen-Pin": PIN}, timeout=60).status_code == 200

    with ThreadPoolExecutor(24) as pool:
        guesses = pool.map(guess, range(24))
        wait_until(is_open)
        answers = list(guesses)
    assert 404 in answers
    assert {429, 503} & set(answers)
    assert set(answers) <= {404, 429, 503}


def test_images_are_withdrawn_one_by_one(service: RunningService) -> None:
    number = post_submission(service, submission(random_pdq(1), random_pdq(2))).json()["case"]
    address, pin = f"{service.url}/v1/cases/{number}", {"Unseen-Pin": PIN}
    one = httpx.delete(f"{address}/images/2", headers=pin).json()
    assert [image["status"] for image in one["images"]] == ["active", "withdrawn"]
    assert one["status"] == "active"
    last = httpx.delete(f"{address}/images/1", headers=pin).json()
    assert last["status"] == "withdrawn"
    again = httpx.delete(address, headers=pin)
    assert (again.status_code, again.json()) == (200, last), "withdrawing again changes nothing"
    missing = httpx.delete(f"{address}/images/3", headers=pin)
    assert (missing.status_code, problem_slug(missing)) == (404, "image-not-found")


def test_hash_is_matched_while_any_case_holds_it(service: RunningService) -> None:
    pdq = random_pdq(1)
    first = post_submission(service, submission(pdq)).json()["case"]
    second = post_submission(service, submission(pdq, random_pdq(2))).json()["case"]

    with service.client("match") as platform:
        service.wait_in_step()

        def hits() -> int:
            return len(platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"])

        pin = {"Unseen-Pin": PIN}
        httpx.delete(f"{service.url}/v1/cases/{first}", headers=pin)
        assert hits() == 1
        httpx.delete(f"{service.url}/v1/cases/{second}", headers=pin)
        assert hits() == 0
        post_submission(service, submission(pdq))
        service.wait_in_step()
        assert hits() == 1, "a resubmitted hash is matched again"


def test_case_can_have_a_thousand_images_in_eight_views(database_url: str) -> None:
    with serving(database_url, work_free_hashes_per_minute=8_000) as service:
        submit_a_thousand_images(service)


def submit_a_thousand_images(service: RunningService) -> None:
    views = ["original", "mirror"] + [
        f"{mirror}turn-{turn}" for mirror in ("", "mirror-") for turn in (90, 180, 270)
    ]
    body = submission()
    body["images"] = [
        {
            "convention": "pdq-srgb-full-1",
            "hashes": [
                {"pdq": random_pdq(8 * i + j), "quality": 100, "view": view}
                for j, view in enumerate(views)
            ],
        }
        for i in range(1_000)
    ]
    case = post_submission(service, body)
    assert case.status_code == 201
    assert [image["hashes"] for image in case.json()["images"]] == [8] * 1_000
    service.wait_in_step()
    assert service.ready()["hashes"] == 8_000
