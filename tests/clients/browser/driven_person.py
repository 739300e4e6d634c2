"""Goes through the person's page in any browser that WebDriver drives, by the texts shown."""

import json
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until

from .person import TEXTS
from .webdriver import Window

PICKER = "//iframe[@id='picker']"
FILES = "//input[@type='file']"

# Keeps what the frame reports, and what the page saves as a file.
_RECORD = """
self.recorded = { hashed: [], pending: 0, saved: [] };
addEventListener("message", ({ data }) => {
  if (data.kind === "hashed") recorded.hashed.push(data.hashes);
  if (data.kind === "pending") recorded.pending = data.count;
});
const create = URL.createObjectURL;
URL.createObjectURL = (blob) => (recorded.saved.push(blob), create.call(URL, blob));
"""
_SAVED = "recorded.saved[recorded.saved.length - 1].text().then(arguments[0])"
_CLEAR = """
recorded.hashed = [];
document.getElementById("picker").contentWindow.postMessage({ kind: "clear" }, "*");
"""
_ROWS = """
const rows = [...document.querySelectorAll("#images li")];
return rows.map((row) => [row.className, row.innerText]);
"""
_OVERFLOW = """
const { scrollWidth, clientWidth } = document.documentElement;
return scrollWidth - clientWidth;
"""
_HEADING = """
const title = document.activeElement;
return title.tagName === "H1" ? title.textContent : null;
"""


def _button(name: str) -> str:
    return f'//button[normalize-space()="{name}" or @aria-label="{name}"]'


class DrivenPerson:
    """A person at the page of a service; each method waits for what it leads to."""

    def __init__(self, window: Window, url: str, folder: Path) -> None:
        self.window = window
        self._url = url
        self._folder = folder

    def open(self) -> None:
        """Load the page again."""
        self.window.open(self._url)
        self.expect_heading(TEXTS["start"]["title"])
        self.window.run(_RECORD)

    def press(self, name: str) -> None:
        """Click the button with this text or label."""
        self.window.click(_button(name))

    def expect_heading(self, text: str) -> None:
        """Wait for a screen with this heading, with the focus on it, that is not too wide."""
        wait_until(lambda: self.window.run(_HEADING) == text)
        assert self.window.run(_OVERFLOW) <= 0, text

    def start(self) -> None:
        """Answer that everyone was an adult; go to the picker."""
        self.window.tap(_button(TEXTS["start"]["adult"]))
        self.expect_heading(TEXTS["pick"]["title"])

    def choose(self, files: dict[str, bytes]) -> list[tuple[str, str]]:
        """Choose files by name; return class and text of every row when none is pending."""
        paths = []
        for name, data in files.items():
            path = self._folder / name
            path.write_bytes(data)
            paths.append(str(path))
        with self.window.frame(PICKER):
            before = len(self.window.run(_ROWS))
            self.window.type(FILES, "\n".join(paths))
            wait_until(lambda: len(self.rows()) == before + len(files) and self._is_idle())
            return self.rows()

    def rows(self) -> list[tuple[str, str]]:
        """Return class and text of every row; to be called in the picker's frame."""
        return [(kind, text) for kind, text in self.window.run(_ROWS)]

    def _is_idle(self) -> bool:
        return all(kind in {"ready", "refused"} for kind, _ in self.rows())

    def hash_file(self, data: bytes) -> tuple[list[dict[str, Any]] | None, str]:
        """Return the hashes that the frame sends for a file, and the text of its row."""
        [(kind, text)] = self.choose({"image": data})
        if kind == "ready":
            wait_until(lambda: self.window.run("return recorded.hashed.length === 1"))
        hashed = self.window.run("return recorded.hashed")
        self.window.run(_CLEAR)
        with self.window.frame(PICKER):
            wait_until(lambda: self.rows() == [])
        return hashed[0] if hashed else None, text

    def review(self) -> dict[str, Any]:
        """Go on to the check; return the body that will be sent."""
        self.press(TEXTS["pick"]["go"])
        self.expect_heading(TEXTS["check"]["title"])
        body: dict[str, Any] = json.loads(
            self.window.run("return document.getElementById('body-json').textContent")
        )
        return body

    def submit(self) -> tuple[str, str]:
        """Confirm the statements and send; return the case number and the PIN."""
        for name in ("adult", "depicted", "without_consent"):
            self.window.click(f"//input[@name='{name}']")
        self.press(TEXTS["check"]["send"])
        self.expect_heading(TEXTS["done"]["title"])
        return self.window.text("//*[@id='number']"), self.window.text("//*[@id='pin']")

    def choose_saved(self, text: str) -> None:
        """Choose a file that was saved."""
        path = self._folder / "saved.txt"
        path.write_text(text, "utf-8")
        with self.window.frame(PICKER):
            self.window.type(FILES, str(path))

    def saved_text(self) -> str:
        """Return the text of the file that the page saved last."""
        text: str = self.window.wait(_SAVED)
        return text
