"""PINs that a person made up are refused when a case is opened, and only then."""

import httpx
import pytest
from unseen.codes import make_pin
from unseen_service import credentials
from unseen_service.usecases.guessable_pins import is_guessable

from tests.support.hashes import new_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService
from tests.support.submissions import post_submission, submission
from tests.support.waiting import PATIENCE_S

GUESSABLE = [
    "0000-0000-0000",
    "OOOO-oooo-0000",
    "zzzz-zzzz-zzzz",
    "0101-0101-0101",
    "1231-2312-3123",
    "1111-2222-3333",
    "7K4M-7K4M-7K4M",
    "7K4M9Q-7K4M9Q",
    "0123-4567-8901",
    "1234-5678-9012",
    "1234-5678-9ABC",
    "ABCD-EFGH-IJKL",
    "ZYXW-VTSR-QPNM",
    "0246-8ACE-GJMP",
]


@pytest.mark.parametrize("pin", GUESSABLE)
def test_guessable_pin_is_refused_at_submission(any_service: RunningService, pin: str) -> None:
    refused = post_submission(any_service, submission(new_pdq(), pin=pin))
    assert (refused.status_code, problem_slug(refused)) == (422, "invalid-request")
    (error,) = refused.json()["errors"]
    assert error["at"] == "pin"
    assert "at random" in error["detail"]
    assert pin not in refused.text


@pytest.mark.parametrize("pin", GUESSABLE)
def test_guessable_pin_is_wrong_like_any_other_afterwards(
    any_service: RunningService, pin: str
) -> None:
    """A case of 0.1 may have one: it is opened with it, and others learn nothing about it."""
    address = f"{any_service.url}/v1/cases/{credentials.new_case_number()}"
    answer = httpx.get(address, headers={"Unseen-Pin": pin}, timeout=PATIENCE_S)
    assert (answer.status_code, problem_slug(answer)) == (404, "case-not-found")


def test_random_pins_are_accepted() -> None:
    pins = [credentials.read_pin(make_pin()) for _ in range(20_000)]
    assert not [pin for pin in pins if pin is None or is_guessable(pin)]
