"""Response times must not reveal secrets: medians of many requests, sent in turns.

The compared requests take the same steps; these tests fail if someone adds a shortcut. A
difference of a hundredth of a scrypt is visible neither here nor through a network.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest
from unseen_service.credentials import key_digest
from unseen_service.live.clock import Clock
from unseen_service.live.keys import LiveKeys

from tests.support.hashes import random_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService
from tests.support.submissions import PIN, post_submission, submission

KEY = "one-of-a-persons-own-keys"
GENEROUS = 1.5
"""The largest allowed ratio of two medians; scrypt takes most of the time."""
TRIES = 3
"""A shortcut shows in every try; a busy machine does not."""


def medians(
    requests: Mapping[str, Callable[[int], httpx.Response]], rounds: int
) -> dict[str, float]:
    """Return the median seconds of each request; they take turns, so that load affects all."""
    durations: dict[str, list[float]] = {name: [] for name in requests}
    for n in range(rounds):
        for name, ask in requests.items():
            begun = time.perf_counter()
            ask(n)
            durations[name].append(time.perf_counter() - begun)
    return {name: statistics.median(each) for name, each in durations.items()}


def assert_alike(requests: Mapping[str, Callable[[int], httpx.Response]], rounds: int = 25) -> None:
    """Measure up to three times, until the requests take about equally long."""
    measured = []
    for _ in range(TRIES):
        measured.append(medians(requests, rounds))
        if max(measured[-1].values()) < GENEROUS * min(measured[-1].values()):
            return
    raise AssertionError(measured)


def test_wrong_pins_are_slowed_down_for_unknown_cases_too(service: RunningService) -> None:
    """If only guesses at existing cases were delayed, the sixth would reveal that one exists."""
    known = post_submission(service, submission(random_pdq(1))).json()["case"]

    def guess(number: str) -> float:
        begun = time.monotonic()
        for n in range(6):
            headers = {"Unseen-Pin": f"2222-2222-{2000 + n}"}
            answer = httpx.get(f"{service.url}/v1/cases/{number}", headers=headers, timeout=60)
            assert problem_slug(answer) == "case-not-found"
        return time.monotonic() - begun

    with ThreadPoolExecutor(2) as pool:
        waited = list(pool.map(guess, (known, "UN-2222-2222")))
    assert min(waited) > 0.5, waited


@pytest.mark.slow
def test_unknown_case_and_wrong_pin_take_equally_long(service: RunningService) -> None:
    """Each guess is at another case, so that none is delayed."""
    with httpx.Client(base_url=service.url, timeout=60) as client:
        cases = [
            post_submission(service, submission(random_pdq(n))).json()["case"] for n in range(25)
        ]
        wrong = {"Unseen-Pin": "2222-2222-2222"}
        assert_alike(
            {
                "wrong PIN": lambda n: client.get(f"/v1/cases/{cases[n]}", headers=wrong),
                "unknown case": lambda n: client.get(
                    f"/v1/cases/UN-2222-{3000 + n}", headers=wrong
                ),
                "withdrawal": lambda n: client.delete(
                    f"/v1/cases/UN-2222-{4000 + n}", headers=wrong
                ),
            }
        )


@pytest.mark.slow
def test_time_of_a_repeated_submission_does_not_reveal_its_images(service: RunningService) -> None:
    """Anyone who found an Idempotency-Key cannot test, without the PIN, which images it is of."""
    post_submission(service, submission(random_pdq(1)), **{"Idempotency-Key": KEY})
    other_pin = "2345-2PQR-7WXY"

    def again(pdq: str, pin: str) -> Callable[[int], httpx.Response]:
        def ask(_: int) -> httpx.Response:
            answer = post_submission(service, submission(pdq, pin=pin), **{"Idempotency-Key": KEY})
            assert answer.status_code == 409
            return answer

        return ask

    assert_alike(
        {
            "same images": again(random_pdq(1), other_pin),
            "other images": again(random_pdq(2), other_pin),
            "other images, right PIN": again(random_pdq(2), PIN),
        }
    )


@pytest.mark.slow
def test_time_of_a_submission_does_not_reveal_stored_hashes(service: RunningService) -> None:
    post_submission(service, submission(random_pdq(0)))
    seeds = count(100)
    assert_alike(
        {
            "stored": lambda _: post_submission(service, submission(random_pdq(0))),
            "new": lambda _: post_submission(service, submission(random_pdq(next(seeds)))),
        }
    )


@pytest.mark.slow
def test_nearly_correct_key_takes_equally_long(service: RunningService) -> None:
    key = service.key("match")

    def asking(wrong: str) -> Callable[[int], httpx.Response]:
        headers = {"Authorization": f"Bearer {wrong}"}

        def ask(_: int) -> httpx.Response:
            answer = client.post("/v1/match", json={"hashes": [random_pdq(1)]}, headers=headers)
            assert answer.status_code == 401
            return answer

        return ask

    with httpx.Client(base_url=service.url) as client:
        nearly = key[:-1] + ("A" if key[-1] != "A" else "B")
        requests = {"nearly": asking(nearly), "not at all": asking("unseen_" + "x" * 43)}
        assert_alike(requests, rounds=300)
    """An attacker cannot choose digests, so comparing them in variable time reveals nothing."""


def test_keys_are_looked_up_by_digest(service: RunningService) -> None:
    key = service.key("match")
    keys = LiveKeys(Clock())
    service.flow(keys.reload)
    assert set(keys._by_digest or ()) == {key_digest(key)}
