"""Measures the page in a real Chromium: its weight, and the time to the first hash of a photo.

Run as `python -m clients.browser.measure`; prints a table. The photo is a 12 megapixel JPEG,
drawn by code; the time runs from the choice of the file until its eight hashes are shown.
"""

import gzip
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from .assemble import TARGET

PHOTO = (4000, 3000)
RUNS = 5


def draw_photo(path: Path) -> None:
    """Draw a JPEG with detail at every scale."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (150, 200, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize(PHOTO, Image.Resampling.BICUBIC)
    noise = rng.integers(-12, 13, (PHOTO[1], PHOTO[0], 1))
    pixels = (np.asarray(smooth).astype(int) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, "JPEG", quality=90)


def first_hash(browser: Browser, photo: Path) -> float:
    """Open the page afresh, choose the photo; the seconds until it is ready."""
    page = browser.new_page(locale="en", viewport={"width": 1000, "height": 1400})
    page.goto(TARGET.as_uri())
    page.locator("#start .main").press("Enter")
    frame = page.frames[1]
    frame.wait_for_load_state()
    started = time.perf_counter()
    frame.set_input_files("#files", photo)
    frame.wait_for_selector("li.ready", timeout=60_000)
    seconds = time.perf_counter() - started
    page.close()
    return seconds


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
        times = sorted(first_hash(browser, photo) for _ in range(RUNS))
        version, megabytes = browser.version, photo.stat().st_size / 1e6
        browser.close()
    lines = (
        ("Chromium", version),
        ("page, as a file", f"{len(html) / 1000:.1f} kB"),
        ("page, over the wire (gzip)", f"{len(gzip.compress(html, mtime=0)) / 1000:.1f} kB"),
        ("requests to load it", "1"),
        ("12 MP photo, file", f"{megabytes:.1f} MB"),
        ("12 MP photo, all eight hashes", f"{times[RUNS // 2]:.2f} s (slowest {times[-1]:.2f} s)"),
    )
    sys.stdout.writelines(f"{name:32}{value}\n" for name, value in lines)


if __name__ == "__main__":
    main()
