"""Measure the rate of false rejections in docs/intake.md: `python -m tools.refusals`.

Hashes every photo and scan that scikit-image and Matplotlib ship, in all views, and random crops
of each, of 15 to 90 % of either side, each in a random view. Images with a quality under 50 by
PDQ's reference are left out, as clients leave them out.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image
from unseen_service.models.hashes import LOWEST_QUALITY
from unseen_service.screening.degenerate import drawn_hashes, faults, margins

from .drawn import Luma, views

CROPS = 1_500
"""Per photo."""
_DRAWN = ("Minduka", "chessboard", "clock_motion", "color", "horse", "logo", "no_time", "phantom")
"""Files beside the photos that are no photos."""
_KINDS = {".png", ".jpg"}


def photos() -> Iterator[tuple[str, Luma]]:
    """Yield each photo's name and grey pixels."""
    for package, below in (("skimage", "data"), ("matplotlib", "mpl-data/sample_data")):
        for path in sorted((_folder(package) / below).iterdir()):
            if path.suffix in _KINDS and not path.name.startswith(_DRAWN):
                with Image.open(path) as picture:
                    yield path.name, np.asarray(picture.convert("L"), np.float64)


def measured() -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Return the hashes, uint8[n, 32], and the name of the photo of each."""
    random, hashes, names = np.random.default_rng(0), [], []
    for name, luma in photos():
        crops = (list(views(_crop(luma, random)))[random.integers(8)] for _ in range(CROPS))
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


def _rgb(luma: Luma) -> npt.NDArray[np.uint8]:
    grey = np.clip(np.rint(luma), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))


def main() -> None:
    """Measure and print."""
    hashes, names = measured()
    refused = [name for name, fault in zip(names, faults(hashes), strict=True) if fault]
    drawn = drawn_hashes()
    nearest = [int(np.bitwise_count(drawn ^ each).sum(axis=1).min()) for each in hashes]
    print(f"{len(set(names))} photos, {len(hashes)} hashes")
    print(f"rejected by the three rules: {len(refused)} {sorted(set(refused))}")
    print(f"within 31 bits of what can be drawn: {sum(each <= 31 for each in nearest)}")
    for name, values in {**margins(hashes), "distance to what can be drawn": nearest}.items():
        print(
            f"{name}: {np.min(values):.2f} to {np.max(values):.2f}, median {np.median(values):.2f}"
        )


if __name__ == "__main__":
    main()
