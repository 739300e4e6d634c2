"""The work that a service asks for in a flood: the page does it, and stays at hand meanwhile."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from clients.browser.assemble import read_sources
from tests.support import Service, random_pdq, serving, submission

from .person import WORDS, Person, file
from .pictures import photo
from .relay import Relay
from .test_page import EXIT

VECTORS = json.loads((Path(__file__).parents[2] / "contract" / "work.json").read_text("utf-8"))
ONE = file("one.jpg", photo(1))
SOLVE = """([source, prefix, target]) =>
    new Function("self", source + "; return solve")({ postMessage() {} })(prefix, target)"""


@pytest.fixture
def busy(database_url: str, relay: Relay) -> Iterator[Service]:
    """A service before the page that asks a million tries of whoever submits one image."""
    asking = {"work_free_hashes_per_minute": 4, "work_tries_per_hash": 20_000}
    with serving(database_url, **asking) as running:
        httpx.post(f"{running.url}/v1/cases", json=submission(random_pdq(0))).raise_for_status()
        relay.upstream = running.url
        yield running


def test_the_vectors_that_every_client_solves(browser: Browser) -> None:
    page = browser.new_page()
    source = read_sources()["puzzle.js"]
    for one in VECTORS:
        prefix = f"{one['challenge']}:{one['idempotency_key']}"
        found = [
            page.evaluate(SOLVE, [source, f"{prefix}:{puzzle}:", one["target"]])
            for puzzle in range(one["puzzles"])
        ]
        assert found == one["counters"]
    # At every length of what stands before the counter, about the ends of SHA-256's blocks.
    for length in (*range(40, 66), 118, 119, 120, 128):
        assert page.evaluate(SOLVE, [source, "x" * length, 1 << 32]) == 0
    page.close()


@pytest.mark.usefixtures("busy")
def test_what_is_asked_is_done_and_the_case_is_made(person: Person, relay: Relay) -> None:
    person.begin()
    person.choose(ONE)
    person.review()
    person.agree()
    person.press(WORDS["check"]["send"])
    expect(person.page.get_by_text(WORDS["check"]["work"])).to_be_visible()
    expect(person.page.get_by_role("progressbar")).to_be_visible()
    person.page.get_by_role("combobox").select_option("de")  # the page is not held up
    person.page.get_by_role("combobox").select_option("en")
    expect(person.button(WORDS["check"]["sending"])).to_be_disabled()
    expect(person.page.locator("#number")).to_have_text(re.compile("^UN-"), timeout=60_000)
    first, second = relay.calls("POST")
    assert first.body == second.body
    proofs = [re.findall(r"(?im)^unseen-work: (.*)$", each.headers) for each in (first, second)]
    assert proofs[0] == []
    assert re.fullmatch(r"\S+:\d+(,\d+){7}\r?", proofs[1][0])
    keys = {re.findall(r"(?i)idempotency-key: (\w+)", each.headers)[0] for each in (first, second)}
    assert len(keys) == 1


@pytest.mark.usefixtures("busy")
def test_it_can_be_left_in_the_middle(person: Person) -> None:
    person.page.context.route(EXIT, lambda route: route.fulfill(body="<h1>Elsewhere</h1>"))
    person.begin()
    person.choose(ONE)
    person.review()
    person.agree()
    person.press(WORDS["check"]["send"])
    expect(person.page.get_by_text(WORDS["check"]["work"])).to_be_visible()
    person.page.keyboard.press("Escape")
    expect(person.page).to_have_url(EXIT)


@pytest.mark.parametrize(("target", "posts"), [(1 << 32, 4), (1, 1), ("many", 1)])
def test_no_end_of_work_is_told_in_plain_words(page: Page, target: Any, posts: int) -> None:
    tried = []

    def ask(route: Any) -> None:
        tried.append(route.request.headers.get("unseen-work"))
        problem = {
            "type": "urn:unseen:problem:work-required",
            "detail": "Work is required.",
            "work": {"challenge": f"a.{len(tried)}", "puzzles": 8, "target": target},
        }
        route.fulfill(status=429, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/v1/cases", ask)
    person = Person(page)
    person.begin()
    person.choose(ONE)
    person.review()
    person.agree()
    person.press(WORDS["check"]["send"])
    expect(page.locator("#check-trouble")).to_contain_text(WORDS["trouble"]["work-required"])
    expect(page.get_by_text(WORDS["check"]["work"])).to_be_hidden()
    expect(person.button(WORDS["check"]["send"])).to_be_enabled()
    zeros = ",".join("0" * 8)
    assert tried == [None, *(f"a.{n}:{zeros}" for n in range(1, posts))]
