"""Write service/unseen_service/screening/drawn.txt: `python -m tools.drawn > FILE`.

The file contains the hashes, by PDQ's reference implementation, of images that anyone can draw:
plain, shaded, striped and checkered ones, at common sizes, in all views. Of hashes within
`_MIN_DISTANCE` bits of each other one is kept, so every image drawn here is well within the match
radius of a line of the file.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt
import pdqhash

Luma = npt.NDArray[np.float64]

SIZES = [(128, 128), (200, 200), (256, 256), (400, 400), (512, 512), (1000, 1000), (480, 640)]
"""(height, width) in pixels; the views include the last one in portrait format."""

_MIN_DISTANCE = 15


def shapes(height: int, width: int) -> Iterator[Luma]:
    """Yield every shape at one size: float64[height, width], from 0 to 255."""
    y, x = np.mgrid[0:height, 0:width]
    x, y = (x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5
    yield from (np.full((height, width), level) for level in (0.0, 64.0, 128.0, 192.0, 255.0))
    yield from _gradients(x, y)
    yield from _stripes(x, y)
    for across, shift in product((1, 2, 4, 5, 8, 16, 32), (0.0, 0.5)):
        tiles = np.sin(2 * np.pi * (across * x + shift / 2)) * np.sin(2 * np.pi * across * y)
        yield np.where(tiles >= 0, 255.0, 0.0)


def _gradients(x: Luma, y: Luma) -> Iterator[Luma]:
    for degrees, gamma in product(range(0, 360, 15), (1.0, 2.2, 0.45)):
        angle = np.deg2rad(degrees)
        yield 255 * _normalise(np.cos(angle) * x + np.sin(angle) * y) ** gamma
    for cx, cy in product((-0.5, -0.25, 0.0), repeat=2):
        from_centre = _normalise(np.hypot(x - cx, y - cy))
        yield 255 * from_centre
        yield 255 - 255 * from_centre


def _stripes(x: Luma, y: Luma) -> Iterator[Luma]:
    for count, degrees, shift in product((1, 2, 4, 5, 8, 16, 32), (0, 45), (0.0, 0.25)):
        angle = np.deg2rad(degrees)
        wave = np.sin(2 * np.pi * (count * (np.cos(angle) * x + np.sin(angle) * y) + shift))
        yield 127.5 + 127.5 * wave
        yield np.where(wave >= 0, 255.0, 0.0)


def _normalise(values: Luma) -> Luma:
    return (values - values.min()) / (values.max() - values.min())


def views(luma: Luma) -> Iterator[Luma]:
    """Yield the eight views of an image."""
    for side in (luma, luma[:, ::-1]):
        yield from (np.rot90(side, turns) for turns in range(4))


def reference_hash(luma: Luma) -> bytes:
    """Return the hash (32 bytes) of grey pixels, by PDQ's reference implementation."""
    grey = np.clip(np.rint(luma), 0, 255).astype(np.uint8)
    bits, _ = pdqhash.compute(np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2)))
    return np.packbits(bits.astype(np.uint8)).tobytes()


def _thin(hashes: list[bytes]) -> list[bytes]:
    kept = np.empty((0, 32), np.uint8)
    for each in hashes:
        row = np.frombuffer(each, np.uint8)
        if not len(kept) or np.bitwise_count(kept ^ row).sum(axis=1).min() > _MIN_DISTANCE:
            kept = np.concatenate([kept, row[None]])
    return sorted(row.tobytes() for row in kept)


def main() -> None:
    """Draw all shapes, hash and thin them, and print the hashes in hexadecimal."""
    drawn = {
        reference_hash(view)
        for height, width in SIZES
        for shape in shapes(height, width)
        for view in views(shape)
    }
    print("\n".join(each.hex() for each in _thin(sorted(drawn))))


if __name__ == "__main__":
    main()
