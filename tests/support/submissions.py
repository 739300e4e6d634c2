"""People who submit hashes, look at their case and withdraw it."""

from typing import Any

import httpx

from .running_service import RunningService
from .waiting import PATIENCE_S

PIN = "7K4M-9QTX-2HBD"
PIN_HEADERS = {"Unseen-Pin": PIN}


def submission(*pdqs: str, pin: str = PIN) -> dict[str, Any]:
    """Return the body of a submission: one image per hash."""
    return {
        "images": [
            {
                "hashes": [{"pdq": pdq, "quality": 100, "view": "original"}],
                "convention": "pdq-srgb-full-2",
            }
            for pdq in pdqs
        ],
        "statements": {"adult": True, "depicted": True, "without_consent": True},
        "pin": pin,
    }


def post_submission(service: RunningService, body: Any, **headers: str) -> httpx.Response:
    """Send a body as a submission; return the response, whatever it is."""
    url = f"{service.url}/v1/cases"
    return httpx.post(url, json=body, headers=headers, timeout=PATIENCE_S)


def post_hashes(service: RunningService, *pdqs: str) -> httpx.Response:
    """Submit hashes; return the response, whatever it is."""
    return post_submission(service, submission(*pdqs))


def submit(service: RunningService, *pdqs: str) -> dict[str, Any]:
    """Submit hashes, which must be accepted; return the case."""
    answer = post_hashes(service, *pdqs)
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


def submit_and_index(service: RunningService, *pdqs: str) -> None:
    """Submit hashes, and wait until the index holds them."""
    submit(service, *pdqs)
    service.wait_in_step()


def withdraw(service: RunningService, case: dict[str, Any]) -> dict[str, Any]:
    """Withdraw a case, which must succeed; return the withdrawn case."""
    url = f"{service.url}/v1/cases/{case['case']}"
    answer = httpx.delete(url, headers=PIN_HEADERS, timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    withdrawn: dict[str, Any] = answer.json()
    return withdrawn


def case_platforms(service: RunningService, case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a case shows about each platform."""
    answer = httpx.get(f"{service.url}/v1/cases/{case['case']}", headers=PIN_HEADERS)
    platforms: list[dict[str, Any]] = answer.json()["platforms"]
    return platforms
