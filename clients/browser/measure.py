"""Measures the page in Chromium: its size, and the time it takes to hash a photo.

`python -m clients.browser.measure` prints a table. The photo is a 12-megapixel JPEG, drawn by code;
the time runs from choosing the file until the picker shows that its hashes are ready.
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
    """Write a JPEG with detail at every scale."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (150, 200, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize(PHOTO, Image.Resampling.BICUBIC)
    noise = rng.integers(-12, 13, (PHOTO[1], PHOTO[0], 1))
    pixels = (np.asarray(smooth).astype(int) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, "JPEG", quality=90)


# Runs in the picker's frame: records when a file is chosen, marked as recognised, and ready.
RECORD_TIMES = """() => {
  self.times = {};
  addEventListener("change", () => (times.chosen = performance.now()), { capture: true });
  const look = () => {
    const row = document.querySelector("#images li");
    if (row?.querySelector(".icon").textContent === "✓") times.first ??= performance.now();
    if (row?.classList.contains("ready")) times.all ??= performance.now();
  };
  const watched = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document.getElementById("images"), watched);
}"""


def time_hashing(browser: Browser, photo: Path) -> tuple[float, float]:
    """Return the seconds to the first hash, and to those of all views, in a new page."""
    page = browser.new_page(locale="en", viewport={"width": 1000, "height": 1400})
    page.goto(TARGET.as_uri())
    page.locator("#start .primary").press("Enter")
    frame = page.frames[1]
    frame.wait_for_load_state()
    frame.evaluate(RECORD_TIMES)
    frame.set_input_files("#files", photo)
    frame.wait_for_selector("li.ready", timeout=60_000)
    times: dict[str, float] = frame.evaluate("times")
    page.close()
    return (times["first"] - times["chosen"]) / 1000, (times["all"] - times["chosen"]) / 1000


def summarize(times: Iterable[float]) -> str:
    """Return the median, the fastest and the slowest as text."""
    low, *_, high = ordered = sorted(times)
    return f"{statistics.median(ordered):.2f} s ({low:.2f} to {high:.2f})"


def main() -> None:
    """Print the table."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("Chromium not found: install Debian's `chromium`, or set CHROMIUM to its path.")
    html = TARGET.read_bytes()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        draw_photo(photo)
        flags = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        first, all_views = zip(*(time_hashing(browser, photo) for _ in range(RUNS)), strict=True)
        version, megabytes = browser.version, photo.stat().st_size / 1e6
        browser.close()
    lines = (
        ("Chromium", version),
        ("page as a file", f"{len(html) / 1000:.1f} kB"),
        ("page over the wire (gzip)", f"{len(gzip.compress(html, mtime=0)) / 1000:.1f} kB"),
        ("requests to load it", "1"),
        ("12 MP photo", f"{megabytes:.1f} MB"),
        ("time to its first hash", summarize(first)),
        ("time to the hashes of all views", summarize(all_views)),
        ("load average, cores", f"{os.getloadavg()[0]:.1f}, {os.cpu_count()}"),
    )
    sys.stdout.writelines(f"{name:32}{value}\n" for name, value in lines)


if __name__ == "__main__":
    main()
