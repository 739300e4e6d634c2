"""What must not be told by the time an answer takes: medians of many, asked in turns.

Each of these is of steps that are the same in number and kind; what they bound is that nobody
puts a short way in. A hundredth of a scrypt is not seen here, nor through a network.
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
"""How many times as long as another the median of one may take; scrypt is most of it."""
TRIES = 3
"""A way that is shorter is so each time, a machine that is busy is not."""


def medians(ways: Mapping[str, Callable[[int], httpx.Response]], rounds: int) -> dict[str, float]:
    """Give the median seconds of each way, asked in turns so that a busy moment is everybody's."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(rounds):
        for name, ask in ways.items():
            begun = time.perf_counter()
            ask(n)
            took[name].append(time.perf_counter() - begun)
    return {name: statistics.median(each) for name, each in took.items()}


def assert_alike(ways: Mapping[str, Callable[[int], httpx.Response]], rounds: int = 25) -> None:
    """Measure until the ways take about the same time, three times at the most."""
    measured = []
    for _ in range(TRIES):
        measured.append(medians(ways, rounds))
        if max(measured[-1].values()) < GENEROUS * min(measured[-1].values()):
            return
    raise AssertionError(measured)


def test_who_guesses_waits_as_long_where_there_is_no_case(service: RunningService) -> None:
    """Not longer from the sixth guess on, which would tell that the case is there."""
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
def test_an_unknown_case_and_a_wrong_pin_take_the_same_time(service: RunningService) -> None:
    """Each guess at a case of its own, so that none of them has to wait."""
    with httpx.Client(base_url=service.url, timeout=60) as client:
        cases = [
            post_submission(service, submission(random_pdq(n))).json()["case"] for n in range(25)
        ]
        wrong = {"Unseen-Pin": "2222-2222-2222"}
        assert_alike(
            {
                "wrong PIN": lambda n: client.get(f"/v1/cases/{cases[n]}", headers=wrong),
                "unknown": lambda n: client.get(f"/v1/cases/UN-2222-{3000 + n}", headers=wrong),
                "withdrawing": lambda n: client.delete(
                    f"/v1/cases/UN-2222-{4000 + n}", headers=wrong
                ),
            }
        )


@pytest.mark.slow
def test_a_repeated_submission_tells_no_pictures_by_time(service: RunningService) -> None:
    """Who found an Idempotency-Key, but has no PIN, cannot try which pictures it was for."""
    post_submission(service, submission(random_pdq(1)), **{"Idempotency-Key": KEY})
    other_pin = "2222-2222-2222"

    def again(pdq: str, pin: str) -> Callable[[int], httpx.Response]:
        def ask(_: int) -> httpx.Response:
            answer = post_submission(service, submission(pdq, pin=pin), **{"Idempotency-Key": KEY})
            assert answer.status_code == 409
            return answer

        return ask

    assert_alike(
        {
            "these pictures": again(random_pdq(1), other_pin),
            "others": again(random_pdq(2), other_pin),
            "others, right PIN": again(random_pdq(2), PIN),
        }
    )


@pytest.mark.slow
def test_a_submission_tells_not_by_time_whether_a_hash_is_kept(service: RunningService) -> None:
    post_submission(service, submission(random_pdq(0)))
    never = count(100)
    assert_alike(
        {
            "kept": lambda _: post_submission(service, submission(random_pdq(0))),
            "new": lambda _: post_submission(service, submission(random_pdq(next(never)))),
        }
    )


@pytest.mark.slow
def test_a_key_that_is_nearly_right_is_refused_as_fast_as_any(service: RunningService) -> None:
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
        ways = {"nearly": asking(nearly), "not at all": asking("unseen_" + "x" * 43)}
        assert_alike(ways, rounds=300)


def test_keys_are_found_by_a_digest_that_nobody_can_choose(service: RunningService) -> None:
    key = service.key("match")
    keys = LiveKeys(Clock())
    service.flow(keys.reload)
    assert set(keys._by_digest or ()) == {key_digest(key)}
