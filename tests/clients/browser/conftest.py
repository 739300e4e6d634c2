"""Fixtures: Chromium that reaches a real service through a recording proxy; Firefox and WebKit."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from clients.browser.assemble import TARGET
from tests.support.running_service import RunningService
from tests.support.selection import is_root

from .person import Person
from .recording_proxy import RecordingProxy, run_proxy
from .webdriver import BROWSERS, Window, run_browser

# What Chromium would ask Google for by itself.
FEATURES_OFF = (
    "AimEnabled",
    "AimServerEligibilityEnabled",
    "AimServerRequestOnStartupEnabled",
    "AutofillServerCommunication",
    "MediaRouter",
    "OptimizationHints",
    "PreconnectToSearch",
)
FLAGS = [
    "--disable-background-networking",
    f"--disable-features={','.join(FEATURES_OFF)}",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Yield Chromium, per module: its event loop would disturb the tests of other modules."""
    chromium = pytestconfig.getoption("chromium") or shutil.which("chromium")
    if not chromium:
        pytest.skip("no Chromium here: install Debian's `chromium`, or name one with --chromium")
    # Chromium's own sandbox does not run as root.
    flags = [*FLAGS, "--no-sandbox"] if is_root() else FLAGS
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield launched
        launched.close()


@pytest.fixture(scope="module", params=BROWSERS)
def window(request: pytest.FixtureRequest) -> Iterator[Window]:
    """Yield the window of Firefox, then of WebKit: the browsers that Playwright does not drive."""
    chosen = BROWSERS[request.param]
    given = request.config.getoption(request.param)
    program = str(given) if given else shutil.which(chosen.program)
    if not program:
        pytest.skip(
            f"no {chosen.program} here: install Debian's `{chosen.package}`, "
            f"or name one with --{request.param}"
        )
    with run_browser(request.param, program) as opened:
        yield opened


@pytest.fixture
def proxy(any_service: RunningService) -> Iterator[RecordingProxy]:
    """Yield a proxy of this test's own, in front of a real service."""
    with run_proxy() as running:
        running.upstream = any_service.url
        yield running


@pytest.fixture
def context(browser: Browser, proxy: RecordingProxy) -> Iterator[BrowserContext]:
    """Yield a fresh English profile that sends everything through the proxy."""
    fresh = browser.new_context(
        # Chromium would otherwise connect to a loopback address directly.
        proxy={"server": proxy.address, "bypass": "<-loopback>"},
        locale="en-GB",
        viewport={"width": 1200, "height": 1600},
        reduced_motion="reduce",
    )
    fresh.set_default_timeout(60_000)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext, proxy: RecordingProxy) -> Iterator[Page]:
    """Yield the page as the service serves it; fail on an uncaught error of a script."""
    opened = context.new_page()
    errors: list[Error] = []
    opened.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108 - Playwright wraps the handler
    opened.goto(f"{proxy.address}/")
    yield opened
    assert errors == []


@pytest.fixture
def person(page: Page) -> Person:
    """Return a person at the start of the page."""
    return Person(page)


@pytest.fixture
def offline(browser: Browser) -> Iterator[Person]:
    """Yield a person at the page opened from a file, without a network."""
    context = browser.new_context(
        locale="en-GB", offline=True, viewport={"width": 1200, "height": 1600}
    )
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.goto(TARGET.as_uri())
    yield Person(opened)
    context.close()
