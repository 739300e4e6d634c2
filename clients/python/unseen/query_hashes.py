"""The hashes with which an upload is looked up: of the whole picture and of parts of it.

A stored hash is that of a whole picture. If its copy was framed, screenshotted, put into a collage
or turned to a negative, the copy's own hash is far away, but that of the right part is near. Parts
that are cut at fixed places find copies of what a bank stores as crops.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from .box_pdq import Box, BoxHasher
from .fast_pdq import upright
from .fingerprints import MIN_QUALITY, Fingerprint
from .hashing import fingerprint, hash_decoded, to_hex
from .inner_pictures import find_boxes
from .pixels import Source, decode
from .reduced import decode_reduced

MAX_QUERY_HASHES: Final = 32
"""The most hashes of one upload."""

Luma = npt.NDArray[np.float32]

_SIDE: Final = 256
"""Pixels of the shorter side at which parts are hashed, about."""
_SMALLEST: Final = 64
"""Pixels of a side that a part has at least."""
_WEIGHTS: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""PDQ's of R, G and B."""
_TURN: Final = 4.0
"""Degrees; the largest upright box within is hashed."""


class _Inset(NamedTuple):
    """What is left out at each side, as a fraction of the height or width."""

    top: float = 0.0
    left: float = 0.0
    bottom: float = 0.0
    right: float = 0.0


_PARTS: Final[Mapping[str, _Inset]] = {
    "left-half": _Inset(right=0.5),
    "right-half": _Inset(left=0.5),
    "top-half": _Inset(bottom=0.5),
    "bottom-half": _Inset(top=0.5),
    "top-left": _Inset(bottom=0.5, right=0.5),
    "top-right": _Inset(bottom=0.5, left=0.5),
    "bottom-left": _Inset(top=0.5, right=0.5),
    "bottom-right": _Inset(top=0.5, left=0.5),
    "sides-3": _Inset(0.03, 0.03, 0.03, 0.03),
    "sides-6": _Inset(0.06, 0.06, 0.06, 0.06),
    "top-4": _Inset(top=0.04),
    "top-10": _Inset(top=0.1),
    "left-4": _Inset(left=0.04),
    "left-10": _Inset(left=0.1),
    "bottom-4": _Inset(bottom=0.04),
    "bottom-10": _Inset(bottom=0.1),
    "right-4": _Inset(right=0.04),
    "right-10": _Inset(right=0.1),
    "left-right-10": _Inset(left=0.1, right=0.1),
}
"""By name: what is left out, in percent unless the name says what is kept."""
_IN_FIRST_BOX: Final = ("sides-3", "sides-6")


def query_fingerprints(source: Source, *, fast: bool = True) -> tuple[Fingerprint, ...]:
    """Hash an upload and its parts, to look all of them up: 1 to MAX_QUERY_HASHES hashes.

    `source` is an encoded image, as bytes or as a path. The first hash is that of the whole, as
    `fingerprint` returns it; the others have a quality of at least MIN_QUALITY. `view` names the
    part. `fast` decodes a large JPEG at a fraction of its size, and also hashes a damaged file, as
    in `fingerprint`. Raises ImageError.
    """
    if fast:
        reduced = decode_reduced(source)
        whole, luma = hash_decoded(source, reduced), upright(reduced)
    else:
        whole, luma = fingerprint(source), decode(source) @ _WEIGHTS
    found = {whole.pdq: whole}
    for part, (bits, quality) in _hash_parts(_shrunk(luma)):
        if quality >= MIN_QUALITY and len(found) < MAX_QUERY_HASHES:
            pdq = to_hex(bits)
            found.setdefault(pdq, Fingerprint(pdq, quality, view=part, complete=whole.complete))
    return tuple(found.values())


def _hash_parts(luma: Luma) -> Iterator[tuple[str, tuple[npt.NDArray[np.bool_], int]]]:
    hasher = BoxHasher(luma)
    rows, columns = luma.shape
    whole = Box(0, 0, rows, columns)
    bits, quality = hasher.hash_box(whole)
    yield "negative", (~bits, quality)
    boxes = find_boxes(luma)
    parts = {f"box-{number}": box for number, box in enumerate(boxes, start=1)}
    parts |= {f"box-1-{name}": boxes[0].inset(*_PARTS[name]) for name in _IN_FIRST_BOX if boxes}
    parts |= {name: whole.inset(*inset) for name, inset in _PARTS.items()}
    parts["square"] = _square(whole)
    for name, box in parts.items():
        if min(box.height, box.width) >= _SMALLEST:
            yield name, hasher.hash_box(box)
    if min(luma.shape) >= 2 * _SMALLEST:
        yield "turned-left", _hash_turned(luma, _TURN)
        yield "turned-right", _hash_turned(luma, -_TURN)


def _square(whole: Box) -> Box:
    """Return the square in the middle."""
    side = min(whole.height, whole.width)
    down, across = (1 - side / whole.height) / 2, (1 - side / whole.width) / 2
    return whole.inset(down, across, down, across)


def _hash_turned(luma: Luma, degrees: float) -> tuple[npt.NDArray[np.bool_], int]:
    """Hash the largest box of the same shape in an image that is turned counter-clockwise."""
    image = Image.fromarray((luma + 0.5).astype(np.uint8))
    turned = image.rotate(degrees, Image.Resampling.BILINEAR)
    rows, columns = luma.shape
    sine, cosine = abs(np.sin(np.radians(degrees))), np.cos(np.radians(degrees))
    long, short = max(rows, columns), min(rows, columns)
    left_out = (1 - short / (long * sine + short * cosine)) / 2
    box = Box(0, 0, rows, columns).inset(left_out, left_out, left_out, left_out)
    return BoxHasher(np.asarray(turned)).hash_box(box)


def _shrunk(luma: Luma) -> Luma:
    """Return the means of square blocks, so that the shorter side has _SIDE pixels or more."""
    factor = max(1, round(min(luma.shape) / _SIDE))
    rows, columns = (length // factor * factor for length in luma.shape)
    # Slices are added much faster than NumPy reduces short axes.
    narrow = np.zeros((rows // factor, luma.shape[1]), np.float32)
    for start in range(factor):
        narrow += luma[start:rows:factor]
    shrunk = np.zeros((rows // factor, columns // factor), np.float32)
    for start in range(factor):
        shrunk += narrow[:, start:columns:factor]
    shrunk /= factor**2
    return shrunk
