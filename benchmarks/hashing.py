"""Hashing an upload: `fingerprint` compared with threatexchange's hasher.

The photos of scikit-image and Matplotlib are scaled to 12 megapixels and saved as JPEG, quality 90;
each figure is a median over them, and the hashers take turns. The second part counts wrong bits for
kinds of files that a plain decoder gets wrong.
"""

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

from .support.command import benchmark_parser, write_results

VECTORS = Path(__file__).parents[1] / "tests" / "contract" / "pixels" / "vectors.json"
PIXELS = 12_000_000
# Neither photos nor single images.
NOT_PHOTOS = ("multipage", "chessboard", "horse", "phantom", "logo", "text", "page", "no_time")

Hasher = Callable[[bytes], Any]


def threatexchange(data: bytes) -> Fingerprint:
    return Fingerprint(*pdq_from_bytes(data))


HASHERS: dict[str, Hasher] = {
    "threatexchange": threatexchange,
    "fingerprint": fingerprint,
    "fingerprint, fast": lambda data: fingerprint(data, fast=True),
    "all eight views": fingerprint_views,
}


def main(arguments: list[str]) -> None:
    benchmark_parser("hashing", __doc__).parse_args(arguments)
    write_results("hashing", {"photos": measure_photos(), "files": measure_files()})


def measure_photos() -> dict[str, Any]:
    """Time each hasher on each photo, and count the bits by which it differs from `fingerprint`."""
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
    print(f"\n{len(bits['fingerprint'])} photos as 12-megapixel JPEGs")
    base = statistics.median(seconds["threatexchange"])
    table = {}
    for name, times in seconds.items():
        median, most = statistics.median(times), max(bits[name])
        mean = statistics.mean(bits[name])
        table[name] = {"median ms": median * 1000, "mean bits off": mean, "max bits off": most}
        print(
            f"  {name:18} {median * 1000:7.1f} ms  {base / median:5.1f} x  "
            f"{mean:4.1f} bits off on average, {most} at most"
        )
    return table


def measure_files() -> dict[str, list[int]]:
    """Count each hasher's wrong bits for the files of the pixel convention's test vectors."""
    print("\nwrong bits by kind of file, if threatexchange is wrong (-: it failed)")
    table = {}
    for entry in json.loads(VECTORS.read_text("utf-8")):
        data, expected = base64.b64decode(entry["base64"]), Fingerprint(entry["pdq"], 100)
        other = wrong_bits(threatexchange, data, expected)
        row = [other, wrong_bits(fingerprint, data, expected)]
        row.append(wrong_bits(HASHERS["fingerprint, fast"], data, expected))
        table[entry["name"]] = row
        if other is None or other > entry["tolerance_bits"]:
            shown = "  ".join("  -" if bits is None else f"{bits:3}" for bits in row)
            print(f"  {entry['name']:45} threatexchange, fingerprint, fast: {shown}")
    return table


def wrong_bits(hasher: Hasher, data: bytes, expected: Fingerprint) -> int | None:
    """Return how many bits of a hash are wrong; None if the hasher fails."""
    try:
        return expected.distance(hasher(data))
    except Exception:  # noqa: BLE001 - whatever it raises, it returned no hash
        return None


def photos() -> Iterator[bytes]:
    """Yield the photos that come with the locked requirements, scaled to 12 megapixels."""
    for package, folder in (("skimage", "data"), ("matplotlib", "mpl-data/sample_data")):
        spec = importlib.util.find_spec(package)
        assert spec
        assert spec.origin
        for path in sorted((Path(spec.origin).parent / folder).iterdir()):
            if path.suffix in (".png", ".jpg") and not path.name.startswith(NOT_PHOTOS):
                yield scaled_jpeg(path)


def scaled_jpeg(path: Path) -> bytes:
    image = Image.open(path).convert("RGB")
    scale = (PIXELS / (image.width * image.height)) ** 0.5
    size = (round(image.width * scale), round(image.height * scale))
    file = io.BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()
