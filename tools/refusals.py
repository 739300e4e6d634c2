"""Measure the rate of false rejections for docs/intake.md: `python -m tools.refusals`.

The images are every photo and scan that scikit-image and Matplotlib ship, in all views, and random
crops of each (15 to 90 % of each side) in a random view. Images with a PDQ quality under 50 are
left out, as clients do.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image
from unseen_service.models.hashes import LOWEST_QUALITY, MATCH_RADIUS
from unseen_service.screening.degenerate import load_drawn_hashes, measure, rejection_reasons

from .drawn import Luma, views

CROPS = 1_500
"""Per image."""
_DRAWN = ("Minduka", "chessboard", "clock_motion", "color", "horse", "logo", "no_time", "phantom")
"""Prefixes of the files that are not photos."""
_KINDS = {".png", ".jpg"}


def photos() -> Iterator[tuple[str, Luma]]:
    """Yield each photo's name and grey pixels (float64[height, width], from 0 to 255)."""
    for package, below in (("skimage", "data"), ("matplotlib", "mpl-data/sample_data")):
        for path in sorted((_folder(package) / below).iterdir()):
            if path.suffix in _KINDS and not path.name.startswith(_DRAWN):
                with Image.open(path) as image:
                    yield path.name, np.asarray(image.convert("L"), np.float64)


def hash_photos() -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Return the hashes of all images (uint8[n, 32]), and the photo that each is from."""
    random, hashes, names = np.random.default_rng(0), [], []
    for name, luma in photos():
        crops = (_random_view(_crop(luma, random), random) for _ in range(CROPS))
        for each in (*views(luma), *crops):
            bits, quality = pdqhash.compute(_rgb(each))
            if quality >= LOWEST_QUALITY:
                hashes.append(np.packbits(bits.astype(np.uint8)))
                names.append(name)
    return np.array(hashes), names


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed: run 'make setup'")
    return Path(found.origin).parent


def _crop(luma: Luma, random: np.random.Generator) -> Luma:
    height, width = (max(64, int(side * random.uniform(0.15, 0.9))) for side in luma.shape)
    top = random.integers(max(1, luma.shape[0] - height))
    left = random.integers(max(1, luma.shape[1] - width))
    return luma[top : top + height, left : left + width]


def _random_view(luma: Luma, random: np.random.Generator) -> Luma:
    choices = list(views(luma))
    return choices[random.integers(len(choices))]


def _rgb(luma: Luma) -> npt.NDArray[np.uint8]:
    grey = np.clip(np.rint(luma), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))


def main() -> None:
    """Print the number of rejections, and how far the hashes are from each limit."""
    hashes, names = hash_photos()
    reasons = rejection_reasons(hashes)
    rejected = [name for name, reason in zip(names, reasons, strict=True) if reason]
    drawn = load_drawn_hashes()
    nearest = [int(np.bitwise_count(drawn ^ each).sum(axis=1).min()) for each in hashes]
    print(f"{len(set(names))} photos, {len(hashes)} hashes")
    print(f"rejected by the three rules: {len(rejected)} {sorted(set(rejected))}")
    near = sum(each <= MATCH_RADIUS for each in nearest)
    print(f"within {MATCH_RADIUS} bits of a drawn hash: {near}")
    for name, values in {**measure(hashes), "distance to drawn hashes": nearest}.items():
        print(
            f"{name}: {np.min(values):.2f} to {np.max(values):.2f}, median {np.median(values):.2f}"
        )


if __name__ == "__main__":
    main()
