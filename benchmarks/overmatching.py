"""How many different uploads a picture that goes around seems to be, against other pictures.

`python -m benchmarks overmatching [COPIES]`. The service counts different uploads by 16 bits of
their hashes (docs/review.md). Copies of one photo are changed as those that go around are: resized,
recompressed, brightened, cropped a little, stamped with one of three names. Other pictures are
modelled by points at a distance from a hash, which is where different pictures lie.
"""

import io
import json
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image, ImageDraw, ImageEnhance
from skimage import data
from unseen_service.usecases.lookups import sketches

RADIUS = 31
_PHOTOS = ("astronaut", "chelsea", "coffee", "camera", "cat")
_STAMPS = ("", "WWW.SITE.EXAMPLE", "@somebody", "shared by x")


def main(arguments: list[str]) -> None:
    """Print the table and write results/overmatching.json."""
    count = int(arguments[0]) if arguments else 2_000
    rows = [(name, *_copies(name, count)) for name in _PHOTOS]
    rows += [
        (f"others at {distance} bits", count, _others(distance, count)) for distance in (16, 24, 31)
    ]
    for name, finds, uploads in rows:
        print(f"{name:24} {finds:6} finds {uploads:6} different uploads")
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "overmatching.json").write_text(json.dumps(rows, indent=1))


def _copies(name: str, count: int) -> tuple[int, int]:
    """Hash changed copies of a photo: how many are found, and how many different they seem."""
    chance = random.Random(1)
    photo = Image.fromarray(getattr(data, name)()).convert("RGB")
    original = _hash(photo)
    hashes = np.stack([_hash(_changed(photo, chance)) for _ in range(count)])
    found = hashes[np.bitwise_count(hashes ^ original).sum(axis=1) <= RADIUS]
    return len(found), len(set(sketches(found).tolist()))


def _others(distance: int, count: int) -> int:
    """Count how many different uploads hashes at this distance from one seem to be."""
    chance = np.random.default_rng(1)
    flips = np.zeros((count, 256), np.uint8)
    for row in flips:
        row[chance.choice(256, distance, replace=False)] = 1
    return len(set(sketches(np.packbits(flips, axis=1)).tolist()))


def _changed(photo: Image.Image, chance: random.Random) -> Image.Image:
    width, height = photo.size
    copy = photo.copy()
    place, size = (width // 10, height * 9 // 20), max(12, width // 9)
    ImageDraw.Draw(copy).text(place, chance.choice(_STAMPS), fill=(255, 255, 255), font_size=size)
    cut = chance.uniform(0, 0.01) if chance.random() < 0.3 else 0.0
    copy = copy.crop(
        (int(width * cut), int(height * cut), int(width * (1 - cut)), int(height * (1 - cut)))
    )
    scale = chance.uniform(0.3, 1)
    copy = copy.resize((int(width * scale), int(height * scale)))
    copy = ImageEnhance.Brightness(copy).enhance(chance.uniform(0.8, 1.3))
    copy = ImageEnhance.Contrast(copy).enhance(chance.uniform(0.8, 1.3))
    written = io.BytesIO()
    copy.save(written, "JPEG", quality=chance.randint(20, 95))
    return Image.open(written)


def _hash(image: Image.Image) -> npt.NDArray[np.uint8]:
    bits, _ = pdqhash.compute(np.asarray(image.convert("RGB")))
    return np.packbits(bits)
