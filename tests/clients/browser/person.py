"""Drives the person's page in the way a person does: by the texts that are shown."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, FrameLocator, Locator, Page, expect

TEXTS = json.loads(
    (Path(__file__).parents[3] / "clients" / "browser" / "texts" / "en.json").read_text("utf-8")
)
EXIT_URL = "https://www.wikipedia.org/"
"""Where the quick exit leads."""

RECORD_HASHES = """() => {
    const hashed = {};
    addEventListener("message", ({ data }) => {
        if (data.kind === "hashed") Object.assign(hashed, data);
    });
    return hashed;
}"""
CLEAR = "document.getElementById('picker').contentWindow.postMessage({ kind: 'clear' }, '*')"


def file(name: str, data: bytes) -> FilePayload:
    """Return a file for `Person.choose`."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


class Person:
    """Goes through the screens of a page; each method waits for the screen it leads to."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.picker: FrameLocator = page.frame_locator("#picker")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        # By keyboard: a click right after a scroll can hit the frame's old position, because
        # another process draws the sandboxed frame.
        self.button(name).press("Enter")

    def expect_heading(self, text: str | re.Pattern[str]) -> None:
        """Expect this heading on the screen, with the focus on it."""
        heading = self.page.get_by_role("heading", level=1)
        expect(heading).to_have_text(text)
        expect(heading).to_be_focused()

    def start(self) -> None:
        """Answer that everyone was an adult; go to the picker."""
        self.press(TEXTS["start"]["adult"])
        self.expect_heading(TEXTS["pick"]["title"])

    def choose(self, *files: FilePayload) -> None:
        """Choose files, and wait until each is ready or refused."""
        rows = self.picker.get_by_role("listitem")
        before = rows.count()
        self.picker.locator("input[type=file]").set_input_files(files)
        expect(rows).to_have_count(before + len(files))
        done = self.picker.locator("li.ready, li.refused")
        expect(done).to_have_count(before + len(files), timeout=30_000)

    def refusal_reasons(self) -> list[str]:
        """Return the texts that say why files were refused."""
        return self.picker.locator("li.refused .status").all_text_contents()

    def remove_all(self) -> None:
        """Remove every file from the list."""
        while self.picker.get_by_role("listitem").count():
            self.picker.locator("li button").first.press("Enter")

    def review(self) -> dict[str, Any]:
        """Go on to the check; return the body that will be sent."""
        self.press(TEXTS["pick"]["go"])
        self.expect_heading(TEXTS["check"]["title"])
        return self.shown_body()

    def shown_body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.page.locator("#body-json").text_content() or "")
        return body

    def confirm_statements(self) -> None:
        """Tick the three statements."""
        for name in ("adult", "depicted", "without_consent"):
            box = self.page.get_by_label(TEXTS["check"][name])
            if not box.is_checked():
                box.press("Space")  # by keyboard, as in press()

    def submit(self) -> tuple[str, str]:
        """Confirm the statements and send; return the case number and the PIN."""
        self.confirm_statements()
        self.press(TEXTS["check"]["send"])
        return self.read_codes()

    def read_codes(self) -> tuple[str, str]:
        self.expect_heading(TEXTS["done"]["title"])
        return self.page.locator("#number").inner_text(), self.page.locator("#pin").inner_text()

    def find_case(self, number: str, pin: str) -> None:
        """From the start, look up a case."""
        self.press(TEXTS["start"]["have-case"])
        self.page.get_by_label(TEXTS["case"]["number"]).fill(number)
        self.page.get_by_label(TEXTS["case"]["pin"]).fill(pin)
        self.press(TEXTS["case"]["look"])

    def hash_file(self, data: FilePayload) -> list[dict[str, Any]] | None:
        """Return the hashes that the picker sends for one file, or None if it refuses the file."""
        recorded = self.page.evaluate_handle(RECORD_HASHES)
        self.choose(data)
        found: list[dict[str, Any]] | None = recorded.evaluate("(hashed) => hashed.hashes ?? null")
        self.page.evaluate(CLEAR)
        expect(self.picker.get_by_role("listitem")).to_have_count(0)
        return found

    def hash_files(self, data: Sequence[FilePayload]) -> list[dict[str, Any]]:
        """Return the images of the submission for files of which none may be refused."""
        self.choose(*data)
        assert self.refusal_reasons() == []
        images: list[dict[str, Any]] = self.review()["images"]
        self.press(TEXTS["page"]["back"])
        return images
