"""A real Chromium, before a real service, with a relay between them."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from clients.browser.assemble import TARGET
from tests.support import Service

from .person import Person
from .relay import Relay, relaying

FLAGS = [
    "--disable-background-networking",
    "--disable-features=AutofillServerCommunication",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Of a module, not of the session: its event loop would be in others' way."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium and not os.environ.get("CI"):
        pytest.skip("no Chromium here: install Debian's `chromium`, or set CHROMIUM to one")
    assert chromium, "in CI the browser tests may not be skipped; install `chromium`"
    # Chromium's own sandbox does not run as root.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield launched
        launched.close()


@pytest.fixture
def relay(any_service: Service) -> Iterator[Relay]:
    """A relay of this test's own, to a real service."""
    with relaying() as running:
        running.upstream = any_service.url
        yield running


@pytest.fixture
def context(browser: Browser, relay: Relay) -> Iterator[BrowserContext]:
    """A fresh profile, everything through the relay, in English."""
    proxy = {"server": relay.address, "bypass": "<-loopback>"}
    fresh = browser.new_context(
        proxy=proxy,  # type: ignore[arg-type]
        locale="en-GB",
        viewport={"width": 1200, "height": 1600},
        reduced_motion="reduce",
    )
    fresh.set_default_timeout(10_000)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext, relay: Relay) -> Iterator[Page]:
    """The page, as the service serves it; no error of a script passes unseen."""
    opened = context.new_page()
    errors: list[Error] = []
    opened.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 - it wraps it
    opened.goto(f"{relay.address}/")
    yield opened
    assert errors == []


@pytest.fixture
def person(page: Page) -> Person:
    """Somebody before the page, at its start."""
    return Person(page)


@pytest.fixture
def offline(browser: Browser) -> Iterator[Person]:
    """Somebody before the page opened from a file, without a network."""
    context = browser.new_context(
        locale="en-GB", offline=True, viewport={"width": 1200, "height": 1600}
    )
    context.set_default_timeout(10_000)
    opened = context.new_page()
    opened.goto(TARGET.as_uri())
    yield Person(opened)
    context.close()
