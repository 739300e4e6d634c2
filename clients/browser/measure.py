"""Measures the page in a real Chromium: its weight, and the time to the first hash of a photo.

Run as `python -m clients.browser.measure`; prints a table. The photo is a 12 megapixel JPEG,
drawn by code; the time runs from the choice of the file until the picker shows that
it has them.
"""

import gzip
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from .assemble import TARGET

PHOTO = (4000, 3000)
RUNS = 9


def draw_photo(path: Path) -> None:
    """Draw a JPEG with detail at every scale."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (150, 200, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize(PHOTO, Image.Resampling.BICUBIC)
    noise = rng.integers(-12, 13, (PHOTO[1], PHOTO[0], 1))
    pixels = (np.asarray(smooth).astype(int) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, "JPEG", quality=90)


# Runs in the picker's frame: notes when a file is chosen, when it is marked as recognised, and when
# it is ready.
STOPWATCH = """() => {
  self.times = {};
  addEventListener("change", () => (times.chosen = performance.now()), { capture: true });
  const look = () => {
    const row = document.querySelector("#images li");
    if (row?.querySelector(".mark").textContent === "✓") times.first ??= performance.now();
    if (row?.classList.contains("ready")) times.all ??= performance.now();
  };
  const watched = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document.getElementById("images"), watched);
}"""


def seconds(browser: Browser, photo: Path) -> tuple[float, float]:
    """Open the page afresh, choose the photo; the time to its first hash, and to all eight."""
    page = browser.new_page(locale="en", viewport={"width": 1000, "height": 1400})
    page.goto(TARGET.as_uri())
    page.locator("#start .main").press("Enter")
    frame = page.frames[1]
    frame.wait_for_load_state()
    frame.evaluate(STOPWATCH)
    frame.set_input_files("#files", photo)
    frame.wait_for_selector("li.ready", timeout=60_000)
    times: dict[str, float] = frame.evaluate("times")
    page.close()
    return (times["first"] - times["chosen"]) / 1000, (times["all"] - times["chosen"]) / 1000


def spread(times: Iterable[float]) -> str:
    """Write the median, the best and the worst."""
    low, *_, high = ordered = sorted(times)
    return f"{statistics.median(ordered):.2f} s ({low:.2f} to {high:.2f})"


def main() -> None:
    """Measure and print."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("No Chromium here: install Debian's `chromium`, or set CHROMIUM to one.")
    html = TARGET.read_bytes()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        draw_photo(photo)
        flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        first, every = zip(*(seconds(browser, photo) for _ in range(RUNS)), strict=True)
        version, megabytes = browser.version, photo.stat().st_size / 1e6
        browser.close()
    lines = (
        ("Chromium", version),
        ("page, as a file", f"{len(html) / 1000:.1f} kB"),
        ("page, over the wire (gzip)", f"{len(gzip.compress(html, mtime=0)) / 1000:.1f} kB"),
        ("requests to load it", "1"),
        ("12 MP photo, file", f"{megabytes:.1f} MB"),
        ("12 MP photo, its first hash", spread(first)),
        ("12 MP photo, all eight hashes", spread(every)),
        ("load of the machine, cores", f"{os.getloadavg()[0]:.1f}, {os.cpu_count()}"),
    )
    sys.stdout.writelines(f"{name:32}{value}\n" for name, value in lines)


if __name__ == "__main__":
    main()
