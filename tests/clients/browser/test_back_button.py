"""The browser's Back button shows the screen before, and does not lose the codes."""

import json
import re

from playwright.sync_api import Page, expect

from .drawn_images import photo
from .person import TEXTS, Person, file
from .recording_proxy import RecordingProxy

ONE = file("one.jpg", photo(41))
START, PICK, CHECK, DONE = (TEXTS[name]["title"] for name in ("start", "pick", "check", "done"))


def press_back(page: Page) -> None:
    # Not page.go_back(), which waits for a navigation that ends elsewhere.
    page.evaluate("history.back()")


def test_back_shows_the_screen_before(person: Person, page: Page, proxy: RecordingProxy) -> None:
    person.start()
    person.choose(ONE)
    person.review()
    for heading in (PICK, START):
        press_back(page)
        person.expect_heading(heading)
    for button in ("have-case", "have-file"):
        person.press(TEXTS["start"][button])
        expect(page.get_by_role("heading", level=1)).not_to_have_text(START)
        press_back(page)
        person.expect_heading(START)
    person.start()
    assert len(person.review()["images"]) == 1
    assert [each.path for each in proxy.requests if each.path == "/"] == ["/"]


def test_back_does_not_lose_the_codes(person: Person, page: Page) -> None:
    person.start()
    person.choose(ONE)
    person.review()
    codes = person.submit()
    for _ in range(3):
        press_back(page)
        expect(page.locator("#codes-status")).to_have_text(TEXTS["done"]["unsaved"])
        expect(person.button(TEXTS["done"]["save"])).to_be_focused()
        page.wait_for_function("history.state?.isOwn")
    assert (page.locator("#number").inner_text(), page.locator("#pin").inner_text()) == codes
    person.press(TEXTS["done"]["look"])
    person.expect_heading(f"Case {codes[0]}")
    press_back(page)
    assert person.read_codes() == codes
    with page.expect_download():
        person.press(TEXTS["done"]["save"])
    page.wait_for_function("history.state?.isOwn")
    press_back(page)
    person.expect_heading(START)


def test_back_waits_while_a_submission_is_sent(person: Person, page: Page) -> None:
    page.route("**/v1/cases", lambda _: None)
    person.start()
    person.choose(ONE)
    person.review()
    person.confirm_statements()
    with page.expect_request("**/v1/cases"):
        person.press(TEXTS["check"]["send"])
    press_back(page)
    page.wait_for_function("history.state?.isOwn")
    expect(page.get_by_role("heading", level=1)).to_have_text(CHECK)
    expect(page.locator("#send")).to_have_text(TEXTS["check"]["sending"])


def test_back_at_the_start_leaves(person: Person, page: Page) -> None:
    person.start()
    press_back(page)
    person.expect_heading(START)
    page.go_back()
    expect(page).not_to_have_url(re.compile("127.0.0.1"))


def test_back_on_a_page_opened_from_a_file(offline: Person) -> None:
    offline.start()
    offline.choose(ONE)
    offline.review()
    offline.confirm_statements()
    with offline.page.expect_download():
        offline.press(TEXTS["check"]["save"])
    offline.expect_heading(TEXTS["saved"]["title"])
    press_back(offline.page)
    offline.expect_heading(START)
    assert json.loads(offline.page.evaluate("JSON.stringify(history.state)")) is None
