"""Hashing an upload: `fingerprint`, `fingerprint(fast=True)` and threatexchange's own hasher.

Photos of scikit-image and Matplotlib, brought to 12 megapixels and JPEG 90; each figure is a
median over them, the hashers taking turns. Then the kinds of file that a bare decoder gets wrong.
"""

import argparse
import base64
import importlib.util
import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from threatexchange.signal_type.pdq.pdq_hasher import pdq_from_bytes
from unseen import MIN_QUALITY, Fingerprint, fingerprint, fingerprint_views

RESULTS = Path(__file__).parent / "results" / "hashing.json"
VECTORS = Path(__file__).parents[1] / "tests" / "contract" / "pixels" / "vectors.json"
PIXELS = 12_000_000
# Not photos, or stacks of many images.
NO_PHOTOS = ("multipage", "chessboard", "horse", "phantom", "logo", "text", "page", "no_time")

Hasher = Callable[[bytes], Any]


def theirs(data: bytes) -> Fingerprint:
    return Fingerprint(*pdq_from_bytes(data))


HASHERS: dict[str, Hasher] = {
    "threatexchange": theirs,
    "fingerprint": fingerprint,
    "fingerprint, fast": lambda data: fingerprint(data, fast=True),
    "all eight views": fingerprint_views,
}


def main(arguments: list[str]) -> None:
    argparse.ArgumentParser(prog="benchmarks hashing", description=__doc__).parse_args(arguments)
    figures = {"photos": timed(), "kinds": kinds()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


def timed() -> dict[str, Any]:
    """Time each hasher on each photo, and count the bits from the full hash."""
    seconds: dict[str, list[float]] = {name: [] for name in HASHERS}
    bits: dict[str, list[int]] = {name: [] for name in HASHERS}
    for data in photos():
        full = fingerprint(data)
        if full.quality < MIN_QUALITY:
            continue
        for name, hasher in HASHERS.items():
            start = time.perf_counter()
            found = hasher(data)
            seconds[name].append(time.perf_counter() - start)
            bits[name].append(full.distance(found[0] if isinstance(found, tuple) else found))
    print(f"\n{len(bits['fingerprint'])} photos as JPEG of 12 megapixels")
    base = statistics.median(seconds["threatexchange"])
    table = {}
    for name, times in seconds.items():
        median, worst = statistics.median(times), max(bits[name])
        mean = statistics.mean(bits[name])
        table[name] = {"ms": median * 1000, "bits_mean": mean, "bits_most": worst}
        print(
            f"  {name:18} {median * 1000:7.1f} ms  {base / median:5.1f} x  "
            f"{mean:4.1f} bits off in the mean, {worst} at most"
        )
    return table


def kinds() -> dict[str, list[int]]:
    """Count the bits by which each hasher misses the pixels of the contract's files."""
    print("\nbits off, by kind of file (where threatexchange is off, or fails: -)")
    table = {}
    for entry in json.loads(VECTORS.read_text("utf-8")):
        data, pixels = base64.b64decode(entry["base64"]), Fingerprint(entry["pdq"], 100)
        other = missed(theirs, data, pixels)
        row = [other, missed(fingerprint, data, pixels)]
        row.append(missed(HASHERS["fingerprint, fast"], data, pixels))
        table[entry["name"]] = row
        if other is None or other > entry["tolerance_bits"]:
            shown = "  ".join("  -" if bits is None else f"{bits:3}" for bits in row)
            print(f"  {entry['name']:45} theirs, ours, fast: {shown}")
    return table


def missed(hasher: Hasher, data: bytes, pixels: Fingerprint) -> int | None:
    try:
        return pixels.distance(hasher(data))
    except Exception:  # noqa: BLE001 - whatever theirs raises, it gave no hash
        return None


def photos() -> Iterator[bytes]:
    """Read the photos that come with the locked requirements, at 12 megapixels."""
    for package, folder in (("skimage", "data"), ("matplotlib", "mpl-data/sample_data")):
        found = importlib.util.find_spec(package)
        assert found
        assert found.origin
        for path in sorted((Path(found.origin).parent / folder).iterdir()):
            if path.suffix in (".png", ".jpg") and not path.name.startswith(NO_PHOTOS):
                yield enlarged(path)


def enlarged(path: Path) -> bytes:
    image = Image.open(path).convert("RGB")
    scale = (PIXELS / (image.width * image.height)) ** 0.5
    size = (round(image.width * scale), round(image.height * scale))
    file = io.BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()
