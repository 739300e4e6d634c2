"""A person at the page: does what a person does, through what a person sees."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, FrameLocator, Locator, Page, expect

WORDS = json.loads(
    (Path(__file__).parents[3] / "clients" / "browser" / "texts" / "en.json").read_text("utf-8")
)

LISTEN = """() => {
    const told = {};
    addEventListener("message", ({ data }) => data.kind === "hashed" && Object.assign(told, data));
    return told;
}"""
CLEAR = "document.getElementById('frame').contentWindow.postMessage({ kind: 'clear' }, '*')"


def file(name: str, data: bytes) -> FilePayload:
    """A file to choose."""
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


class Person:
    """Walks through the screens; each method leaves the page where its name says."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frame: FrameLocator = page.frame_locator("#frame")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        # By keyboard: a click right after a scroll can reach the frame's old place, as the
        # sandboxed frame is drawn by another process.
        self.button(name).press("Enter")

    def heading(self, text: str | re.Pattern[str]) -> None:
        """See that this is the screen's heading, and that it has the focus."""
        heading = self.page.get_by_role("heading", level=1)
        expect(heading).to_have_text(text)
        expect(heading).to_be_focused()

    def begin(self) -> None:
        """Say that all were adults; come to the picker."""
        self.press(WORDS["start"]["adult"])
        self.heading(WORDS["pick"]["title"])

    def choose(self, *files: FilePayload) -> None:
        """Choose files, and wait until each is ready or refused."""
        rows = self.frame.get_by_role("listitem")
        before = rows.count()
        self.frame.locator("input[type=file]").set_input_files(files)
        expect(rows).to_have_count(before + len(files))
        done = self.frame.locator("li.ready, li.refused")
        expect(done).to_have_count(before + len(files), timeout=30_000)

    def reasons(self) -> list[str]:
        """Why files were refused, as the person reads it."""
        return self.frame.locator("li.refused .state").all_text_contents()

    def remove_all(self) -> None:
        """Take every file off the list."""
        while self.frame.get_by_role("listitem").count():
            self.frame.locator("li button").first.press("Enter")

    def review(self) -> dict[str, Any]:
        """Go on to what will be sent, and read it."""
        self.press(WORDS["pick"]["go"])
        self.heading(WORDS["check"]["title"])
        return self.about_to_send()

    def about_to_send(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.page.locator("#json").text_content() or "")
        return body

    def agree(self) -> None:
        """Tick the three statements."""
        for name in ("adult", "depicted", "without_consent"):
            box = self.page.get_by_label(WORDS["check"][name])
            if not box.is_checked():
                box.press("Space")  # by keyboard, as in press()

    def submit(self) -> tuple[str, str]:
        """Agree and send; read the case number and the PIN."""
        self.agree()
        self.press(WORDS["check"]["send"])
        return self.codes()

    def codes(self) -> tuple[str, str]:
        self.heading(WORDS["done"]["title"])
        return self.page.locator("#number").inner_text(), self.page.locator("#pin").inner_text()

    def look_up(self, number: str, pin: str) -> None:
        """From the start: find a case."""
        self.press(WORDS["start"]["have-case"])
        self.page.get_by_label(WORDS["case"]["number"]).fill(number)
        self.page.get_by_label(WORDS["case"]["pin"]).fill(pin)
        self.press(WORDS["case"]["look"])

    def hash_one(self, data: FilePayload) -> list[dict[str, Any]] | None:
        """Hash one file by itself: what the picker tells of it, or None where it is refused."""
        told = self.page.evaluate_handle(LISTEN)
        self.choose(data)
        found: list[dict[str, Any]] | None = told.evaluate("(told) => told.hashes ?? null")
        self.page.evaluate(CLEAR)
        expect(self.frame.get_by_role("listitem")).to_have_count(0)
        return found

    def hashes(self, data: Sequence[FilePayload]) -> list[dict[str, Any]]:
        """Hash files that are all good: the images as they would be sent."""
        self.choose(*data)
        assert self.reasons() == []
        images: list[dict[str, Any]] = self.review()["images"]
        self.press(WORDS["page"]["back"])
        return images
