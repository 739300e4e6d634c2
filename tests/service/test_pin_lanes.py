"""Wrong PINs for any number of cases do not delay submissions, repeats or the service itself."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from unseen_service import credentials
from unseen_service.errors import Overloaded
from unseen_service.runtime.background_threads import background_threads
from unseen_service.usecases import pin_hashing
from unseen_service.usecases.pin_hashing import MAX_WAITING, MAX_WAITING_FOR_ONE, Lane

from tests.support.databases import unencrypted_database
from tests.support.hashes import new_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService, serving
from tests.support.submissions import PIN_HEADERS, post_submission, submission, submit
from tests.support.waiting import PATIENCE_S, wait_until

KEY = {"Idempotency-Key": "0123456789abcdef0123456789abcdef"}
WRONG = {"Unseen-Pin": "2222-2222-2222"}
GUESSES = 200


class HeldUp:
    """scrypt for the wrong PIN: it does not return until the test says so, and it is counted."""

    def __init__(self) -> None:
        self.proceed = threading.Event()
        self.started = itertools.count()
        self.computed = 0
        self._real = credentials.pin_digest

    def __call__(self, pin: str, salt: bytes) -> bytes:
        if pin == "222222222222":
            self.computed += 1
            self.proceed.wait(PATIENCE_S)
        return self._real(pin, salt)


@pytest.fixture
def service(postgres: str) -> Iterator[RunningService]:
    """A service that is not encrypted: a guess costs scrypt, as where PINs have no tags yet."""
    with unencrypted_database(postgres) as url, serving(url) as running:
        yield running


@pytest.fixture
def held_up(monkeypatch: pytest.MonkeyPatch) -> HeldUp:
    held = HeldUp()
    monkeypatch.setattr(credentials, "pin_digest", held)
    return held


def guess(service: RunningService, number: str) -> httpx.Response:
    return httpx.get(f"{service.url}/v1/cases/{number}", headers=WRONG, timeout=PATIENCE_S)


def test_wrong_pins_do_not_delay_submissions_and_repeats(
    service: RunningService, held_up: HeldUp
) -> None:
    """With all guesses held up for good, honest people open cases and repeat submissions."""
    known = submit(service, new_pdq())["case"]
    numbers = [known] + [credentials.new_case_number() for _ in range(GUESSES - 1)]
    with ThreadPoolExecutor(GUESSES) as pool:
        guesses = [pool.submit(guess, service, number) for number in numbers]
        try:
            # Those beyond the queue are refused while the first is still being computed.
            wait_until(lambda: sum(each.done() for each in guesses) == GUESSES - MAX_WAITING)
            body = submission(new_pdq())
            assert post_submission(service, body, **KEY).status_code == 201
            assert post_submission(service, body, **KEY).status_code == 200
            assert held_up.computed == 1
        finally:
            held_up.proceed.set()
        answers = [each.result() for each in guesses]
    refused = [each for each in answers if each.status_code == 503]
    assert len(refused) == GUESSES - MAX_WAITING
    assert {(problem_slug(each), each.headers["retry-after"]) for each in refused} == {
        ("unavailable", "3")
    }
    assert held_up.computed == MAX_WAITING, "those that were refused computed nothing"
    assert {each.status_code for each in answers} == {404, 503}


def test_guesses_for_one_number_leave_room_for_others(
    service: RunningService, held_up: HeldUp
) -> None:
    mine = submit(service, new_pdq())["case"]
    with ThreadPoolExecutor(GUESSES) as pool:
        guesses = [pool.submit(guess, service, "UN-2222-2222") for _ in range(GUESSES)]
        wait_until(lambda: sum(each.done() for each in guesses) == GUESSES - MAX_WAITING_FOR_ONE)
        address = f"{service.url}/v1/cases/{mine}"
        status = pool.submit(httpx.get, address, headers=PIN_HEADERS, timeout=PATIENCE_S)
        held_up.proceed.set()
        assert status.result().status_code == 200
    assert held_up.computed == MAX_WAITING_FOR_ONE


def test_refusal_says_nothing_about_the_case(service: RunningService, held_up: HeldUp) -> None:
    """A full queue refuses guesses for a case, and for a number without one, in the same words."""
    known, unknown = submit(service, new_pdq())["case"], credentials.new_case_number()
    with ThreadPoolExecutor(GUESSES) as pool:
        for number in (known, unknown):
            guesses = [pool.submit(guess, service, number) for _ in range(30)]
            wait_until(lambda: sum(each.done() for each in guesses) == 30 - MAX_WAITING_FOR_ONE)  # noqa: B023
        refused = {
            (each.status_code, each.text)
            for each in (guess(service, known), guess(service, unknown))
        }
        held_up.proceed.set()
    assert len(refused) == 1
    assert refused.pop()[0] == 503


def test_lane_is_empty_again_after_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that is cancelled, or whose digest fails, leaves its place to others."""

    def fail(*_: Any) -> bytes:
        raise MemoryError

    async def fill(lane: Lane) -> None:
        calls = [lane.digest("PIN", bytes(16), n % 8) for n in range(2 * MAX_WAITING)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(each) for each in found} == {MemoryError, Overloaded}

    async def run() -> None:
        lane = Lane(background_threads(1))
        await fill(lane)
        waiting = [asyncio.ensure_future(lane.digest("PIN", bytes(16), n)) for n in range(9)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await fill(lane)

    monkeypatch.setattr(credentials, "pin_digest", fail)
    monkeypatch.setattr(pin_hashing, "REFUSAL_DELAY_S", 0)
    asyncio.run(run())
