"""How many distinct uploads the copies of one image count as, and how many other images do.

The service counts distinct uploads by 16 bits of their hashes (docs/review.md). Copies of a photo
are modified like those that circulate: resized, recompressed, brightened, slightly cropped, stamped
with one of three names. Other images are modelled as random hashes at a given distance.
"""

import io
import random

import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image, ImageDraw, ImageEnhance
from skimage import data
from unseen_service.usecases.lookups import sketches

from .support.command import benchmark_parser, write_results

RADIUS = 31
_PHOTOS = ("astronaut", "chelsea", "coffee", "camera", "cat")
_STAMPS = ("", "WWW.SITE.EXAMPLE", "@somebody", "shared by x")


def main(arguments: list[str]) -> None:
    parser = benchmark_parser("overmatching", __doc__)
    parser.add_argument("--copies", type=int, default=2_000, help="default: %(default)s")
    count = parser.parse_args(arguments).copies
    results = {f"copies of {name}": _measure_copies(name, count) for name in _PHOTOS}
    for distance in (16, 24, 31):
        name = f"others at {distance} bits"
        results[name] = {"matches": count, "distinct uploads": _measure_others(distance, count)}
    for name, counts in results.items():
        print(
            f"{name:24} {counts['matches']:6} matches "
            f"{counts['distinct uploads']:6} distinct uploads"
        )
    write_results("overmatching", results)


def _measure_copies(name: str, count: int) -> dict[str, int]:
    """Count the modified copies of a photo that match it, and the distinct uploads among them."""
    rng = random.Random(1)
    photo = Image.fromarray(getattr(data, name)()).convert("RGB")
    original = _hash(photo)
    hashes = np.stack([_hash(_modified_copy(photo, rng)) for _ in range(count)])
    matches = hashes[np.bitwise_count(hashes ^ original).sum(axis=1) <= RADIUS]
    return {"matches": len(matches), "distinct uploads": len(set(sketches(matches).tolist()))}


def _measure_others(distance: int, count: int) -> int:
    """Count the distinct uploads among random hashes at a distance from one hash."""
    rng = np.random.default_rng(1)
    flips = np.zeros((count, 256), np.uint8)
    for row in flips:
        row[rng.choice(256, distance, replace=False)] = 1
    return len(set(sketches(np.packbits(flips, axis=1)).tolist()))


def _modified_copy(photo: Image.Image, rng: random.Random) -> Image.Image:
    width, height = photo.size
    copy = photo.copy()
    place, size = (width // 10, height * 9 // 20), max(12, width // 9)
    ImageDraw.Draw(copy).text(place, rng.choice(_STAMPS), fill=(255, 255, 255), font_size=size)
    cut = rng.uniform(0, 0.01) if rng.random() < 0.3 else 0.0
    copy = copy.crop(
        (int(width * cut), int(height * cut), int(width * (1 - cut)), int(height * (1 - cut)))
    )
    scale = rng.uniform(0.3, 1)
    copy = copy.resize((int(width * scale), int(height * scale)))
    copy = ImageEnhance.Brightness(copy).enhance(rng.uniform(0.8, 1.3))
    copy = ImageEnhance.Contrast(copy).enhance(rng.uniform(0.8, 1.3))
    file = io.BytesIO()
    copy.save(file, "JPEG", quality=rng.randint(20, 95))
    return Image.open(file)


def _hash(image: Image.Image) -> npt.NDArray[np.uint8]:
    bits, _ = pdqhash.compute(np.asarray(image.convert("RGB")))
    return np.packbits(bits)
