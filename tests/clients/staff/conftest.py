"""Fixtures: a real Chromium with the staff page of a service that has some history."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect

from tests.clients.browser.conftest import browser
from tests.support.databases import fresh_database
from tests.support.disks import scratch_folder
from tests.support.hashes import flipped, random_pdq
from tests.support.running_service import RunningService, serving
from tests.support.submissions import submit
from tests.support.waiting import wait_until

__all__ = ["browser"]

REASON = "Wöchentlicher Überblick, ticket 4711"


@dataclass
class History:
    """A service, and the records of the hashes submitted to it so far."""

    service: RunningService
    data: Path
    records: list[str] = field(default_factory=list)

    def add_match(self, platform: str = "Forum") -> str:
        """Submit a new hash and match it on a platform; return its record."""
        pdq = random_pdq(len(self.records))
        submit(self.service, pdq)
        self.service.wait_in_step()
        with self.service.client("match", platform=platform) as client:
            (hit,) = client.post("/v1/match", json={"hashes": [flipped(pdq, 3)]}).json()["hits"]
        self.records.append(str(hit["record"]))
        return self.records[-1]

    def add_disputed(self) -> str:
        """Add a hash that two platforms report as not intimate; return its record."""
        record = self.add_match()
        pdq = random_pdq(len(self.records) - 1)
        for platform in "Forum", "Board":
            with self.service.client("feedback", "match", platform=platform) as client:
                client.post("/v1/match", json={"hashes": [pdq]}).raise_for_status()
                body = {"feedback": [{"record": record, "value": "not-intimate"}]}
                assert client.post("/v1/feedback", json=body).json()["new"] == 1
        return record


class StaffMember:
    """Drives the staff page in the way staff do: by the texts that are shown."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def sign_in(self, key: str, reason: str = REASON) -> None:
        self.page.get_by_label("Your key").fill(key)
        self.page.get_by_label("Reason for access").fill(reason)
        self.button("Sign in").click()

    def open(self, panel: str, heading: str) -> None:
        """Open a panel, and wait for its heading."""
        tab = self.page.get_by_role("navigation").get_by_role("button", name=panel)
        tab.click()
        expect(tab).to_have_attribute("aria-current", "page")
        title = self.page.get_by_role("heading", level=1)
        expect(title).to_have_text(heading)
        expect(title).to_be_focused()


@pytest.fixture(scope="module")
def history(postgres: str) -> Iterator[History]:
    """Yield a service that the tests of a module share."""
    with (
        fresh_database(postgres) as url,
        scratch_folder() as data,
        serving(url, data=data, watch_every_ms=20, overmatch_floor=12) as running,
    ):
        created = History(running, data)
        created.add_match()
        with running.client("audit", platform="Staff") as staff:
            wait_until(lambda: _matched_uploads(staff.get("/v1/statistics").json()) == 1)
        yield created


def _matched_uploads(statistics: dict[str, Any]) -> int:
    return sum(each["matched"] for each in statistics["stretches"])


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Yield a fresh profile."""
    fresh = browser.new_context(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
    fresh.set_default_timeout(60_000)
    yield fresh
    fresh.close()


@pytest.fixture
def visitor(context: BrowserContext, history: History) -> Iterator[StaffMember]:
    """Yield somebody at the sign-in; fail if a script raises an error."""
    page = context.new_page()
    errors: list[Error] = []
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 - Playwright wraps the handler
    page.goto(f"{history.service.url}/staff")
    yield StaffMember(page)
    assert errors == []


@pytest.fixture
def member(visitor: StaffMember, history: History) -> StaffMember:
    """Return somebody who has signed in."""
    visitor.sign_in(history.service.key("audit", "admin", platform="Staff"))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Overview")
    return visitor
