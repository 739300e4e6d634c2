"""The staff page: up to date, strict headers, sessions, accessibility."""

import re
from importlib.resources import files
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from clients.staff import assemble
from tests.clients.browser.axe import find_violations

from .conftest import REASON, History, StaffMember

PANELS = {
    "Overview": "Overview",
    "Review": "Review queue",
    "Audit log": "Audit log",
    "Integrity": "Log integrity",
    "Overdue": "Overdue responses",
    "Keys": "Platforms and keys",
}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_the_committed_page_is_up_to_date() -> None:
    fresh = assemble.assemble(assemble.read_sources())
    assert assemble.TARGET.read_text("utf-8") == fresh, "run `make page`, and commit the result"
    assert files("unseen_service.pages").joinpath("staff.html").is_file()


def test_the_headers_are_strict_and_nothing_else_is_loaded(history: History) -> None:
    answer = httpx.get(f"{history.service.url}/staff")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "trusted-types 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"unsafe|\*|https?:", policy)
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"(src|href)=[\"'](?!data:)", answer.text)
    assert len(answer.content) < 60_000


def test_requests_go_to_the_service_only_and_nothing_is_stored(
    visitor: StaffMember, history: History, context: BrowserContext
) -> None:
    requested: list[str] = []
    visitor.page.on("request", lambda request: requested.append(request.url))
    key = history.service.key("audit", "admin", platform="Staff")
    visitor.sign_in(key)
    for panel, heading in PANELS.items():
        visitor.open(panel, heading)
    page = visitor.page
    expect(page.locator("#platforms table").first).to_be_visible()
    assert all(url.startswith(f"{history.service.url}/v1/") for url in requested)
    assert not any(key in url for url in requested)
    assert key not in page.content()
    assert context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    typed = page.locator("input:not([type=checkbox])").evaluate_all(
        "(all) => all.map((e) => e.value)"
    )
    assert set(typed) == {""}


def test_signing_out_discards_everything(member: StaffMember) -> None:
    member.open("Keys", "Platforms and keys")
    expect(member.page.locator("#platforms table").first).to_be_visible()
    member.button("Sign out").click()
    expect(member.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(member.page.locator("#platforms")).to_be_empty()
    assert REASON not in member.page.content()


def test_inactive_staff_are_signed_out(context: BrowserContext, history: History) -> None:
    page = context.new_page()
    page.clock.install()
    page.goto(f"{history.service.url}/staff")
    member = StaffMember(page)
    member.sign_in(history.service.key("audit", "admin", platform="Staff"))
    member.open("Overdue", "Overdue responses")
    page.clock.fast_forward("14:00")
    member.open("Review", "Review queue")
    page.clock.fast_forward("14:00")
    expect(page.get_by_role("heading", level=1)).to_have_text("Review queue")
    page.clock.fast_forward("01:30")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.get_by_role("alert")).to_contain_text("15 minutes of inactivity")


def test_revoking_the_key_ends_the_session(visitor: StaffMember, history: History) -> None:
    visitor.sign_in(history.service.key("audit", platform="Gone"))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Overview")
    with history.service.client("audit", "admin", platform="Other staff") as other:
        keys = other.get("/v1/keys").json()["keys"]
        (gone,) = (each["id"] for each in keys if each["platform"] == "Gone")
        other.delete(f"/v1/keys/{gone}")
    visitor.page.wait_for_timeout(1_000)
    visitor.page.get_by_role("navigation").get_by_role("button", name="Overdue").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(visitor.page.get_by_role("alert")).to_contain_text("no longer active")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Browser, history: History, scheme: Any) -> None:
    record = history.add_disputed()
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{history.service.url}/staff")
    member = StaffMember(page)
    member.sign_in("unseen_wrong")
    expect(page.get_by_role("alert")).not_to_be_empty()
    assert find_violations(page) == [], "sign in"
    member.sign_in(history.service.key("audit", "admin", platform="Staff"))
    expect(page.locator("figure")).to_have_count(4)
    for panel, heading in PANELS.items():
        member.open(panel, heading)
        if panel == "Review":
            member.button(f"Remove {record}").click()
        if panel == "Integrity":
            member.button("Verify the log").click()
            expect(page.locator("#verification")).to_contain_text("verified:")
        page.wait_for_load_state("networkidle")
        assert find_violations(page) == [], panel
    context.close()


def test_axe_finds_a_missing_label(visitor: StaffMember) -> None:
    visitor.page.locator("label[for=key]").evaluate("(label) => label.remove()")
    assert "label" in [name for name, _ in find_violations(visitor.page)]


@pytest.mark.parametrize("width", [320, 640])
def test_nothing_overflows_on_a_phone_or_when_zoomed_in(
    browser: Browser, history: History, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 700}, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{history.service.url}/staff")
    assert page.evaluate(OVERFLOW) <= 0
    member = StaffMember(page)
    member.sign_in(history.service.key("audit", "admin", platform="Staff"))
    for panel, heading in PANELS.items():
        member.open(panel, heading)
        page.wait_for_load_state("networkidle")
        assert page.evaluate(OVERFLOW) <= 0, panel
    context.close()


def test_a_decision_can_be_made_by_keyboard_alone(visitor: StaffMember, history: History) -> None:
    record = history.add_disputed()
    keys = visitor.page.keyboard
    expect(visitor.page.get_by_label("Your key")).to_be_focused()
    keys.insert_text(history.service.key("audit", "admin", platform="Staff"))
    keys.press("Tab")
    keys.insert_text(REASON)
    keys.press("Enter")
    title = visitor.page.get_by_role("heading", level=1)
    expect(title).to_have_text("Overview")
    visitor.page.locator("[data-panel=overview]").focus()
    keys.press("Tab")
    keys.press("Enter")
    expect(title).to_have_text("Review queue")
    visitor.button(f"Keep {record}").focus()
    keys.press("Enter")
    keys.type("seen with the platforms")
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    expect(visitor.page.locator("#announcement")).to_have_text("Kept")
    expect(title).to_be_focused()
