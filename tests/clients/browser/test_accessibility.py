"""For everybody: axe finds nothing, the keyboard is enough, nothing is cut off when enlarged."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.support import Service

from .person import WORDS, Person, file
from .pictures import photo

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RUN = """(rules) => axe.run(document, { iframes: false, resultTypes: ["violations"], rules })
    .then((found) => found.violations.map((each) =>
        [each.id, each.nodes.map((node) => node.html + " " + node.failureSummary)]))"""


def violations(page: Page) -> list[Any]:
    """Run axe in the page and, on its own, in the picker's frame."""

    def run(frame: Frame, rules: dict[str, Any]) -> list[Any]:
        frame.evaluate(AXE)
        found: list[Any] = frame.evaluate(RUN, rules)
        return found

    found = run(page.main_frame, {})
    if page.locator("#frame").is_visible():
        # The page around the frame has the heading.
        found += run(page.frames[1], {"page-has-heading-one": {"enabled": False}})
    return found


def screens(person: Person) -> Iterator[str]:
    """Go through every screen, with an error where there can be one."""
    yield "start"
    person.press(WORDS["start"]["minor"])
    yield "minor"
    person.press(WORDS["page"]["again"])
    person.look_up("UN-7K4M-9QTX", "7K4M-9QTX-2HBD")
    expect(person.page.locator("#find-trouble")).not_to_be_empty()
    yield "find"
    person.press(WORDS["page"]["back"])
    person.begin()
    person.choose(file("one.jpg", photo(1)), file("two.txt", b"no image"))
    yield "pick"
    person.review()
    person.page.locator("#exact summary").press("Enter")
    person.press(WORDS["check"]["send"])
    yield "check"
    person.submit()
    yield "done"
    person.press(WORDS["done"]["look"])
    person.press("Withdraw image 1")
    yield "case"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, any_service: Service, scheme: Any) -> None:
    context = browser.new_context(locale="en", color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(any_service.url)
    for screen in screens(Person(page)):
        assert violations(page) == [], screen
    context.close()


def test_axe_would_find_something(page: Page) -> None:
    page.locator("#language").evaluate("(select) => select.removeAttribute('aria-label')")
    assert [name for name, _ in violations(page)] == ["select-name"]


# 320 px is 1280 px at 400 %, and 640 px is 1280 px at 200 %; the language is the longest one.
@pytest.mark.parametrize("width", [320, 640])
def test_nothing_is_cut_off_when_it_is_enlarged(
    browser: Browser, any_service: Service, width: int
) -> None:
    context = browser.new_context(
        locale="en", viewport={"width": width, "height": 600}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(any_service.url)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for screen in screens(Person(page)):
        for language in ("de", "fr", "en"):
            page.get_by_role("combobox").select_option(language)
            assert page.evaluate(overflow) <= 0, (screen, language)
            if page.locator("#frame").is_visible():
                assert page.frames[1].evaluate(overflow) <= 0, (screen, language)
    context.close()


def test_the_keyboard_is_enough(person: Person, page: Page) -> None:
    def tab_to(name: str) -> None:
        for _ in range(15):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"
            )
            if focused == name:
                return
        raise AssertionError(f"the Tab key does not lead to {name!r}")

    # Listening from the start: the frame, a process of its own, is told of it a moment later.
    page.on("filechooser", lambda chooser: chooser.set_files(file("one.jpg", photo(1))))
    person.heading(WORDS["start"]["title"])
    tab_to(WORDS["start"]["adult"])
    page.keyboard.press("Enter")
    person.heading(WORDS["pick"]["title"])
    page.keyboard.press("Tab")
    expect(person.frame.locator("input[type=file]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(person.frame.locator("li.ready")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(person.frame.get_by_role("button", name="Remove one.jpg")).to_be_focused()
    person.button(WORDS["pick"]["go"]).focus()
    page.keyboard.press("Enter")
    person.heading(WORDS["check"]["title"])
    for name in ("adult", "depicted", "without_consent"):
        tab_to(WORDS["check"][name])
        page.keyboard.press("Space")
    tab_to(WORDS["check"]["send"])
    page.keyboard.press("Enter")
    person.heading(WORDS["done"]["title"])


def test_what_happens_is_announced(person: Person) -> None:
    person.begin()
    status = person.page.locator("#picked")
    expect(status).to_have_role("status")
    expect(status).to_have_text(WORDS["pick"]["none"])
    person.choose(file("one.jpg", photo(1)))
    expect(status).to_have_text("1 image is ready.")
    expect(person.frame.get_by_role("status")).to_have_text("1 of 1 ready.")


def test_motion_is_left_out_when_asked(person: Person, page: Page) -> None:
    moving = "document.getAnimations().length"
    assert page.evaluate(moving) == 0
    page.emulate_media(reduced_motion="no-preference")
    person.press(WORDS["start"]["minor"])
    assert page.evaluate(moving) == 1
