"""Pictures drawn by code, like photos in what matters here: detail at every scale."""

import io

import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image

Pixels = npt.NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""


def scene(seed: int, height: int, width: int) -> Pixels:
    """Draw noise at four scales, the coarser the stronger."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for scale in (2, 9, 21, 60):
        coarse = rng.random((height // scale + 2, width // scale + 2, 3)).astype(np.float32)
        for i in range(3):
            layer = Image.fromarray(coarse[:, :, i]).resize(
                (width, height), Image.Resampling.BICUBIC
            )
            total[:, :, i] += np.asarray(layer) * scale
    total -= total.min()
    return (total * (255 / total.max())).astype(np.uint8)


def encoded(pixels: Pixels, kind: str = "PNG", **how: int) -> bytes:
    """Encode pixels as a file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


def photo(seed: int) -> bytes:
    """Give a JPEG of 640 x 480."""
    return encoded(scene(seed, 480, 640), "JPEG", quality=90)


def views(pixels: Pixels) -> dict[str, Pixels]:
    """Turn and mirror pixels, on the pixels themselves."""
    mirror = pixels[:, ::-1]
    found = {"original": pixels, "mirror": mirror}
    for quarters in (1, 2, 3):
        found[f"turn-{90 * quarters}"] = np.rot90(pixels, -quarters)
        found[f"mirror-turn-{90 * quarters}"] = np.rot90(mirror, -quarters)
    return found


def expected(pixels: Pixels) -> dict[str, tuple[str, int]]:
    """Hash each view by Meta's C++: view to hash and quality."""
    found = {}
    for view, turned in views(pixels).items():
        bits, quality = pdqhash.compute(np.ascontiguousarray(turned))
        found[view] = (np.packbits(bits).tobytes().hex(), quality)
    return found
