"""Images drawn by code. Like photos, they have detail at every scale."""

import io

import numpy as np
import numpy.typing as npt
import pdqhash
from PIL import Image

Pixels = npt.NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""


def scene(seed: int, height: int, width: int) -> Pixels:
    """Draw noise at four scales, the coarser the stronger; the same seed gives the same image."""
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


def encode(pixels: Pixels, kind: str = "PNG", **how: int) -> bytes:
    """Return pixels encoded as a file, in one of Pillow's formats."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


def photo(seed: int) -> bytes:
    """Return a JPEG of 640 x 480 pixels."""
    return encode(scene(seed, 480, 640), "JPEG", quality=90)


def turned_views(pixels: Pixels) -> dict[str, Pixels]:
    """Return the mirrored and turned pixels of each view, by view."""
    mirror = pixels[:, ::-1]
    found = {"original": pixels, "mirror": mirror}
    for quarters in (1, 2, 3):
        found[f"turn-{90 * quarters}"] = np.rot90(pixels, -quarters)
        found[f"mirror-turn-{90 * quarters}"] = np.rot90(mirror, -quarters)
    return found


def reference_hashes(pixels: Pixels) -> dict[str, tuple[str, int]]:
    """Return hash (64 hex digits) and quality by view, as Meta's C++ computes them."""
    found = {}
    for view, turned in turned_views(pixels).items():
        bits, quality = pdqhash.compute(np.ascontiguousarray(turned))
        found[view] = (np.packbits(bits).tobytes().hex(), quality)
    return found
