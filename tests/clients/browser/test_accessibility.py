"""Accessibility: axe-core, keyboard only, zoom, live regions, reduced motion."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.running_service import RunningService

from .axe import find_violations
from .drawn_images import photo
from .person import TEXTS, Person, file


def violations(page: Page) -> list[Any]:
    """Run axe in the page, and separately in the picker's frame."""
    found = find_violations(page.main_frame)
    if page.locator("#picker").is_visible():
        # The heading is in the page around the frame.
        found += find_violations(page.frames[1], {"page-has-heading-one": {"enabled": False}})
    return found


def visit_screens(person: Person) -> Iterator[str]:
    """Visit every screen, with an error on it if it can have one."""
    yield "start"
    person.press(TEXTS["start"]["minor"])
    yield "minor"
    person.press(TEXTS["page"]["again"])
    person.find_case("UN-7K4M-9QTX", "7K4M-9QTX-2HBD")
    expect(person.page.locator("#find-error")).not_to_be_empty()
    yield "find"
    person.press(TEXTS["page"]["back"])
    person.press(TEXTS["start"]["have-file"])
    person.picker.locator("input[type=file]").set_input_files(file("two.txt", b"not saved here"))
    expect(person.page.locator("#open-error")).not_to_be_empty()
    yield "open"
    person.press(TEXTS["page"]["back"])
    person.start()
    person.choose(file("one.jpg", photo(1)), file("two.txt", b"no image"))
    yield "pick"
    person.review()
    person.page.locator("#exact-body summary").press("Enter")
    person.press(TEXTS["check"]["send"])
    yield "check"
    person.submit()
    person.page.locator("#name-images summary").press("Enter")
    yield "done"
    person.press(TEXTS["done"]["look"])
    person.press("Withdraw image 1")
    yield "case"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Browser, any_service: RunningService, scheme: Any) -> None:
    context = browser.new_context(locale="en", color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(any_service.url)
    for screen in visit_screens(Person(page)):
        assert violations(page) == [], screen
    context.close()


def test_axe_finds_a_missing_label(page: Page) -> None:
    page.locator("#language").evaluate("(select) => select.removeAttribute('aria-label')")
    assert [name for name, _ in violations(page)] == ["select-name"]


# 320 px is 1280 px at 400 % zoom, 640 px at 200 %.
@pytest.mark.parametrize("width", [320, 640])
def test_nothing_overflows_when_zoomed_in(
    browser: Browser, any_service: RunningService, width: int
) -> None:
    context = browser.new_context(
        locale="en", viewport={"width": width, "height": 600}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(any_service.url)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for screen in visit_screens(Person(page)):
        for language in ("de", "fr", "en"):
            page.get_by_role("combobox").select_option(language)
            assert page.evaluate(overflow) <= 0, (screen, language)
            if page.locator("#picker").is_visible():
                assert page.frames[1].evaluate(overflow) <= 0, (screen, language)
    context.close()


def test_many_images_do_not_make_the_page_long(person: Person, page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 600})
    person.start()
    person.choose(*(file(f"{n}.txt", b"no image") for n in range(200)))
    height = page.locator("#picker").evaluate("(frame) => frame.clientHeight")
    assert 500 < height < 900
    assert violations(page) == []
    last = person.picker.get_by_role("button", name="Remove 199.txt")
    last.focus()
    expect(last).to_be_in_viewport()
    scrolled = person.picker.locator("#images").evaluate("(list) => list.scrollTop")
    assert scrolled > 10_000


def test_a_case_can_be_submitted_by_keyboard_alone(person: Person, page: Page) -> None:
    def tab_to(name: str) -> None:
        for _ in range(15):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"
            )
            if focused == name:
                return
        raise AssertionError(f"{name!r} is not reached by pressing Tab")

    # Listen from the start: it takes a moment until the frame, in another process, knows of it.
    page.on("filechooser", lambda chooser: chooser.set_files(file("one.jpg", photo(1))))
    person.expect_heading(TEXTS["start"]["title"])
    tab_to(TEXTS["start"]["adult"])
    page.keyboard.press("Enter")
    person.expect_heading(TEXTS["pick"]["title"])
    page.keyboard.press("Tab")
    expect(person.picker.locator("input[type=file]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(person.picker.locator("li.ready")).to_have_count(1)
    for name in (TEXTS["picker"]["hide"], "Remove one.jpg"):
        page.keyboard.press("Tab")
        expect(person.picker.get_by_role("button", name=name)).to_be_focused()
    person.button(TEXTS["pick"]["go"]).focus()
    page.keyboard.press("Enter")
    person.expect_heading(TEXTS["check"]["title"])
    for name in ("adult", "depicted", "without_consent"):
        tab_to(TEXTS["check"][name])
        page.keyboard.press("Space")
    tab_to(TEXTS["check"]["send"])
    page.keyboard.press("Enter")
    person.expect_heading(TEXTS["done"]["title"])


def test_progress_is_announced(person: Person) -> None:
    person.start()
    status = person.page.locator("#pick-status")
    expect(status).to_have_role("status")
    expect(status).to_have_text(TEXTS["pick"]["none"])
    person.choose(file("one.jpg", photo(1)))
    expect(status).to_have_text("1 image is ready.")
    expect(person.picker.get_by_role("status")).to_have_text("1 of 1 ready.")


def test_reduced_motion_is_respected(person: Person, page: Page) -> None:
    animations = "document.getAnimations().length"
    assert page.evaluate(animations) == 0
    page.emulate_media(reduced_motion="no-preference")
    person.press(TEXTS["start"]["minor"])
    assert page.evaluate(animations) == 1
