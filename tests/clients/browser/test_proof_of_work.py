"""Proof of work under heavy load: the page does it and stays responsive."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from clients.browser.assemble import PROOF_OF_WORK_WORKER, read_sources
from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submission

from .drawn_images import photo
from .person import EXIT_URL, TEXTS, Person, file
from .recording_proxy import RecordingProxy

VECTORS = json.loads((Path(__file__).parents[2] / "contract" / "work.json").read_text("utf-8"))
ONE = file("one.jpg", photo(1))
SOLVE = """([source, prefix, target]) =>
    new Function("self", source + "; return solve")({ postMessage() {} })(prefix, target)"""


@pytest.fixture
def loaded_service(database_url: str, proxy: RecordingProxy) -> Iterator[RunningService]:
    """Yield a service that requires about a million tries for one image."""
    asking = {"work_free_hashes_per_minute": 8, "work_tries_per_hash": 20_000}
    with serving(database_url, **asking) as running:
        httpx.post(f"{running.url}/v1/cases", json=submission(random_pdq(0))).raise_for_status()
        proxy.upstream = running.url
        yield running


def test_shared_vectors(browser: Browser) -> None:
    page = browser.new_page()
    sources = read_sources()
    source = "".join(sources[name] for name in PROOF_OF_WORK_WORKER)
    for one in VECTORS:
        prefix = f"{one['challenge']}:{one['idempotency_key']}"
        found = [
            page.evaluate(SOLVE, [source, f"{prefix}:{puzzle}:", one["target"]])
            for puzzle in range(one["puzzles"])
        ]
        assert found == one["counters"]
    # Prefix lengths around the boundaries of SHA-256's blocks.
    for length in (*range(40, 66), 118, 119, 120, 128):
        assert page.evaluate(SOLVE, [source, "x" * length, 1 << 32]) == 0
    page.close()


@pytest.mark.parametrize(
    ("work", "is_feasible"),
    [
        ({"challenge": "1.2.3", "puzzles": 8, "target": 1 << 32}, True),
        ({"challenge": "1.2.3", "puzzles": 8, "target": (8 << 32) // (1 << 28)}, True),
        (
            {"challenge": "1.2.3", "puzzles": 8, "target": (8 << 32) // ((1 << 28) + 5_000_000)},
            False,
        ),
        ({"challenge": "1.2.3", "puzzles": 1, "target": 3}, False),
        ({"challenge": "1.2.3", "puzzles": 8, "target": 0}, False),
        ({"challenge": "1.2.3", "puzzles": 8, "target": None}, False),
        ({"challenge": "1.2.3", "puzzles": 8, "target": "4294967296"}, False),
        ({"challenge": "1.2.3", "puzzles": 65, "target": 1 << 32}, False),
        ({"challenge": "x" * 201, "puzzles": 8, "target": 1 << 32}, False),
        ({"challenge": ["1.2.3"], "puzzles": 8, "target": 1 << 32}, False),
        ({}, False),
    ],
)
def test_work_beyond_the_cap_is_not_begun(
    browser: Browser, work: dict[str, Any], is_feasible: bool
) -> None:
    """2^28 attempts: a hostile service could have a phone compute for hours."""
    source = read_sources()["page/proof-of-work.js"]
    page = browser.new_page()
    run = """([source, work]) => new Function(
        "workerFactory", "proofOfWorkWorker", source + "; return isFeasible")(() => 0, "")(work)"""
    assert page.evaluate(run, [source, work]) is is_feasible
    page.close()


@pytest.mark.usefixtures("loaded_service")
def test_required_work_is_done_and_the_case_opened(person: Person, proxy: RecordingProxy) -> None:
    person.start()
    person.choose(ONE)
    person.review()
    person.confirm_statements()
    person.press(TEXTS["check"]["send"])
    expect(person.page.get_by_text(TEXTS["check"]["work"])).to_be_visible()
    expect(person.page.get_by_role("progressbar")).to_be_visible()
    person.page.get_by_role("combobox").select_option("de")  # the page responds meanwhile
    person.page.get_by_role("combobox").select_option("en")
    expect(person.button(TEXTS["check"]["sending"])).to_be_disabled()
    expect(person.page.locator("#number")).to_have_text(re.compile("^UN-"), timeout=60_000)
    first, second = proxy.api_requests("POST")
    assert first.body == second.body
    proofs = [re.findall(r"(?im)^unseen-work: (.*)$", each.headers) for each in (first, second)]
    assert proofs[0] == []
    assert re.fullmatch(r"\S+:\d+(,\d+){7}\r?", proofs[1][0])
    keys = {re.findall(r"(?i)idempotency-key: (\w+)", each.headers)[0] for each in (first, second)}
    assert len(keys) == 1


@pytest.mark.usefixtures("loaded_service")
def test_the_page_can_be_left_while_working(person: Person) -> None:
    person.page.context.route(EXIT_URL, lambda route: route.fulfill(body="<h1>Elsewhere</h1>"))
    person.start()
    person.choose(ONE)
    person.review()
    person.confirm_statements()
    person.press(TEXTS["check"]["send"])
    expect(person.page.get_by_text(TEXTS["check"]["work"])).to_be_visible()
    person.page.keyboard.press("Escape")
    expect(person.page).to_have_url(EXIT_URL)


@pytest.mark.parametrize(("target", "posts"), [(1 << 32, 4), (1, 1), ("many", 1)])
def test_unreasonable_work_is_refused(page: Page, target: Any, posts: int) -> None:
    tried = []

    def challenge(route: Any) -> None:
        tried.append(route.request.headers.get("unseen-work"))
        problem = {
            "type": "urn:unseen:problem:work-required",
            "detail": "Work is required.",
            "work": {"challenge": f"a.{len(tried)}", "puzzles": 8, "target": target},
        }
        route.fulfill(status=429, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/v1/cases", challenge)
    person = Person(page)
    person.start()
    person.choose(ONE)
    person.review()
    person.confirm_statements()
    person.press(TEXTS["check"]["send"])
    expect(page.locator("#check-error")).to_contain_text(TEXTS["errors"]["work-required"])
    expect(page.get_by_text(TEXTS["check"]["work"])).to_be_hidden()
    expect(person.button(TEXTS["check"]["send"])).to_be_enabled()
    zeros = ",".join("0" * 8)
    assert tried == [None, *(f"a.{n}:{zeros}" for n in range(1, posts))]
