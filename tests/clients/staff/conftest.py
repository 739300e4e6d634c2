"""A real Chromium before a real service in which something has happened."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect

from tests.clients.browser.conftest import browser
from tests.mirror import submit
from tests.support import (
    Service,
    flipped,
    fresh_database,
    random_pdq,
    scratch_folder,
    serving,
    wait_until,
)

__all__ = ["browser"]

REASON = "Überblick der Woche, ticket 4711"


@dataclass
class Stage:
    """A service, and the records of its hashes by how many there are so far."""

    service: Service
    data: Path
    records: list[str] = field(default_factory=list)

    def found(self, platform: str = "Forum") -> str:
        """Submit a new hash and let a platform find it; answer its record."""
        pdq = random_pdq(len(self.records))
        submit(self.service, pdq)
        self.service.wait_in_step()
        with self.service.client("match", platform=platform) as client:
            (hit,) = client.post("/v1/match", json={"hashes": [flipped(pdq, 3)]}).json()["hits"]
        self.records.append(str(hit["record"]))
        return self.records[-1]

    def disputed(self) -> str:
        """Make a hash that two platforms have called not intimate; answer its record."""
        record = self.found()
        for platform in "Forum", "Board":
            with self.service.client("feedback", platform=platform) as client:
                body = {"feedback": [{"record": record, "value": "not-intimate"}]}
                assert client.post("/v1/feedback", json=body).json()["new"] == 1
        return record


class StaffMember:
    """Somebody at the page: does what staff do, through what they see."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def sign_in(self, key: str, reason: str = REASON) -> None:
        self.page.get_by_label("Your key").fill(key)
        self.page.get_by_label("Why you are looking").fill(reason)
        self.button("Sign in").click()

    def open(self, panel: str, heading: str) -> None:
        """Open a panel, and wait until what is in it is there."""
        tab = self.page.get_by_role("navigation").get_by_role("button", name=panel)
        tab.click()
        expect(tab).to_have_attribute("aria-current", "page")
        title = self.page.get_by_role("heading", level=1)
        expect(title).to_have_text(heading)
        expect(title).to_be_focused()


@pytest.fixture(scope="module")
def stage(postgres: str) -> Iterator[Stage]:
    """A service that every test of the module shares."""
    with (
        fresh_database(postgres) as url,
        scratch_folder() as data,
        serving(url, data=data, watch_every_ms=20, overmatch_floor=12) as running,
    ):
        made = Stage(running, data)
        made.found()
        with running.client("audit", platform="Staff") as staff:
            wait_until(lambda: _matched(staff.get("/v1/statistics").json()) == 1)
        yield made


def _matched(statistics: dict[str, Any]) -> int:
    return sum(each["matched"] for each in statistics["stretches"])


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile."""
    fresh = browser.new_context(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
    fresh.set_default_timeout(10_000)
    yield fresh
    fresh.close()


@pytest.fixture
def visitor(context: BrowserContext, stage: Stage) -> Iterator[StaffMember]:
    """Somebody who has opened the page; no error of a script passes unseen."""
    page = context.new_page()
    errors: list[Error] = []
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 - it wraps it
    page.goto(f"{stage.service.url}/staff")
    yield StaffMember(page)
    assert errors == []


@pytest.fixture
def member(visitor: StaffMember, stage: Stage) -> StaffMember:
    """Somebody who has signed in."""
    visitor.sign_in(stage.service.key("audit", "admin", platform="Staff"))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Overview")
    return visitor
