"""The whole flow, and the shared vectors, in Firefox and in WebKit.

The other tests of this folder use Chromium.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from clients.browser.assemble import assemble, read_sources
from tests.support.running_service import RunningService
from tests.support.waiting import wait_until

from .drawn_images import encode, photo
from .driven_person import PICKER, DrivenPerson
from .person import EXIT_URL, TEXTS
from .shared_vectors import is_expected, refusal_texts, vectors
from .webdriver import Window

ONE, TWO = photo(31), photo(32)
IS_WHOLE = "return document.querySelector('main').getBoundingClientRect().height <= innerHeight"
PHONE, DESKTOP = (320, 900), (1200, 1000)


@pytest.fixture
def driven(window: Window, any_service: RunningService, tmp_path: Path) -> DrivenPerson:
    """Return a person at the start of the page, in each browser."""
    window.resize(*DESKTOP)
    person = DrivenPerson(window, any_service.url, tmp_path)
    person.open()
    return person


def test_the_whole_flow(driven: DrivenPerson, any_service: RunningService) -> None:
    window = driven.window
    window.resize(*PHONE)
    wait_until(lambda: window.run("return innerWidth") == 320)
    window.run("document.getElementById('language').value = 'fr'")
    window.run("document.getElementById('language').onchange()")
    wait_until(lambda: window.run("return document.documentElement.lang") == "fr")
    window.run("document.getElementById('language').value = 'en'")
    window.run("document.getElementById('language').onchange()")

    assert window.run("return document.querySelector('header').offsetHeight") < 70

    driven.start()
    rows = driven.choose({"one.jpg": ONE, "two.jpg": TWO, "three.txt": b"no image"})
    assert [kind for kind, _ in rows] == ["ready", "ready", "refused"]
    assert TEXTS["picker"]["refused-unreadable"] in rows[2][1]
    with window.frame(PICKER):
        # The frame is as high as what is in it, to a fraction of a pixel.
        wait_until(lambda: window.run(IS_WHOLE))
    shown = driven.review()
    assert [len(image["hashes"]) for image in shown["images"]] == [8, 8]
    number, pin = driven.submit()
    assert pin == shown["pin"]
    for code in ("number", "pin"):
        assert window.lines(f"//*[@id='{code}']") == 1

    window.back()
    wait_until(lambda: window.text("//*[@id='codes-status']") == TEXTS["done"]["unsaved"])
    driven.press(TEXTS["done"]["save"])
    saved = driven.saved_text()
    assert saved == TEXTS["done"]["text"].format(number=number, pin=pin)

    with any_service.client("match", platform="Photo site") as platform:
        any_service.wait_in_step()
        [hit] = match(platform, shown["images"][1], "mirror")
        assert hit["view"] == "mirror"
        driven.press(TEXTS["done"]["look"])
        driven.expect_heading(f"Case {number}")
        assert window.lines(f"//h1//*[text() = '{number}']") == 1
        assert "Found 1 time" in window.text("//*[@id='case-images']/li[2]")
        driven.press("Withdraw image 2")
        driven.press(TEXTS["case"]["yes"])
        wait_until(
            lambda: TEXTS["case"]["withdrawn"] in window.text("//*[@id='case-images']/li[2]")
        )
        any_service.wait_in_step()
        assert match(platform, shown["images"][1], "mirror") == []

    window.back()
    driven.expect_heading(TEXTS["start"]["title"])
    driven.press(TEXTS["start"]["have-file"])
    driven.expect_heading(TEXTS["open"]["title"])
    driven.choose_saved(saved)
    driven.expect_heading(f"Case {number}")
    driven.press(TEXTS["case"]["withdraw-all"])
    driven.press(TEXTS["case"]["yes"])
    wait_until(lambda: window.text("//*[@id='case-status']") == TEXTS["case"]["withdrawn"])


def test_shared_vectors(driven: DrivenPerson) -> None:
    driven.start()
    wrong = [
        entry["name"]
        for entry, data in vectors("vectors")
        if not is_expected(entry, driven.hash_file(data)[0])
    ]
    assert wrong == []


def test_shared_vectors_of_views(driven: DrivenPerson) -> None:
    driven.start()
    for entry, data in vectors("views"):
        hashes, _ = driven.hash_file(data)
        found = {each.pop("view"): each for each in hashes or []}
        assert found == entry["views"], entry["name"]


def test_shared_vectors_of_refused_files(driven: DrivenPerson) -> None:
    driven.start()
    for entry, data in vectors("refused"):
        hashes, shown = driven.hash_file(data)
        assert hashes is None, entry["name"]
        assert any(text in shown for text in refusal_texts(entry["reason"])), entry["name"]


ACCENT, CARD = (28, 93, 89), (255, 254, 251)  # --accent and --card of base.css


@pytest.mark.parametrize("screen", ["pick", "open"])
def test_the_button_in_the_frame_is_drawn_whole(
    driven: DrivenPerson, tmp_path: Path, screen: str
) -> None:
    driven.press(TEXTS["start"][{"pick": "adult", "open": "have-file"}[screen]])
    driven.expect_heading(TEXTS[screen]["title"])
    frame = driven.window.rectangle(PICKER)
    with driven.window.frame(PICKER):
        button = driven.window.rectangle("//label[@for='files']")
    x, y = frame.left + button.left, frame.top + button.top
    sides = [(0, 0.5), (1, 0.5), (0.5, 0), (0.5, 1)]
    middles = [(x + across * button.width, y + down * button.height) for across, down in sides]

    def colours(inward: int) -> list[Any]:
        """Return the colour so many pixels from the middle of each side."""
        path = tmp_path / "screen.png"
        driven.window.screenshot(path)
        with Image.open(path) as image:
            shown = image.convert("RGB")
        moves = [(inward, 0), (-inward, 0), (0, inward), (0, -inward)]
        return [
            shown.getpixel((round(left + dx), round(top + dy)))
            for (left, top), (dx, dy) in zip(middles, moves, strict=True)
        ]

    wait_until(lambda: colours(4) == [ACCENT] * 4)
    assert colours(-4) == [CARD] * 4


# What browsers have got since the oldest that docs/page.md names; without it the page must work.
NEWER_THAN_THE_OLDEST = """{
  const remove = (owner, ...names) => names.forEach((name) => owner && delete owner[name]);
  remove(Object, "hasOwn", "groupBy");
  remove(Promise, "withResolvers", "try");
  remove(Array, "fromAsync");
  for (const list of [Array.prototype, Object.getPrototypeOf(Int8Array.prototype)]) {
    remove(list, "at", "findLast", "findLastIndex", "toReversed", "toSorted", "toSpliced", "with");
  }
  remove(String.prototype, "at", "isWellFormed", "toWellFormed");
  remove(Map, "groupBy");
  remove(self, "structuredClone", "Iterator", "navigation");
  remove(self.AbortSignal, "timeout", "any");
  remove(self.AbortSignal?.prototype, "throwIfAborted");
  remove(self.Blob?.prototype, "bytes");
  remove(self.Crypto?.prototype, "randomUUID");
  remove(self.URL, "canParse", "parse");
  const ofElements = self.Element?.prototype;
  const labels = Object.keys(ofElements ?? {}).filter((name) => /^(aria|role)/.test(name));
  remove(ofElements, "checkVisibility", ...labels);
}
"""


def test_the_oldest_browsers_have_all_that_the_page_needs(window: Window, tmp_path: Path) -> None:
    sources = read_sources()
    sources["convention.js"] = NEWER_THAN_THE_OLDEST + sources["convention.js"]
    page = tmp_path / "page.html"
    page.write_text(assemble(sources), "utf-8")
    person = DrivenPerson(window, page.as_uri(), tmp_path)
    person.open()
    assert window.run("return 'ariaLabel' in document.body") is False
    for name in ("//header", "//*[@id='language']", "//*[@id='quick-exit']"):
        assert window.attribute(name, "aria-label")
    person.start()
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    rows = person.choose({"one.jpg": ONE, "64 x 64.png": encode(noise)})
    assert [kind for kind, _ in rows] == ["ready", "ready"]
    with window.frame(PICKER):
        assert window.attribute("//li/button", "aria-label") == "Remove one.jpg"
        assert window.attribute("//canvas", "aria-hidden") == "true"
    assert [len(image["hashes"]) for image in person.review()["images"]] == [8, 8]
    assert window.attribute("//li[@data-step='check']", "aria-current") == "step"


def match(platform: Any, image: dict[str, Any], view: str) -> list[Any]:
    [pdq] = [each["pdq"] for each in image["hashes"] if each["view"] == view]
    hits: list[Any] = platform.post("/v1/match", json={"hashes": [pdq]}).json()["hits"]
    return hits


def test_quick_exit_from_the_frame(driven: DrivenPerson) -> None:
    driven.start()
    driven.choose({"one.jpg": ONE})
    with driven.window.frame(PICKER):
        driven.window.press_escape()
    # There is no network here: the browser's own page about that comes instead.
    is_gone = "return document.readyState !== 'loading' && !document.getElementById('picker')"
    wait_until(lambda: driven.window.url == EXIT_URL and driven.window.run(is_gone))
