"""Hashes to search: uniform random ones, and PDQ hashes of crops of photos."""

import numpy as np
import numpy.typing as npt
import skimage.data
from unseen_index import HashTable

Hashes = npt.NDArray[np.uint8]
PHOTOS = ("astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "moon", "rocket")
SIDE = 64  # PDQ shrinks an image to 64 x 64 before its cosine transform


def uniform(count: int, seed: int) -> Hashes:
    """Return uniform random hashes: uint8[count, 32]."""
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def near(hashes: Hashes, most: int, seed: int) -> Hashes:
    """Flip 0 to `most` random bits of each hash."""
    rng = np.random.default_rng(seed)
    bits = np.unpackbits(hashes, axis=1)
    for row in bits:
        row[rng.choice(256, rng.integers(0, most + 1), replace=False)] ^= 1
    return np.packbits(bits, axis=1)


def queries(hashes: Hashes, count: int, seed: int) -> Hashes:
    """Return queries, alternately within 40 bits of a row and uniform random."""
    result = uniform(count, seed)
    rows = np.random.default_rng(seed + 1).integers(0, len(hashes), len(result[::2]))
    result[::2] = near(hashes[rows], 40, seed + 2)
    return result


def crowded(table: HashTable, count: int, crowd: int, shared: int) -> Hashes:
    """Return hashes of which the first `crowd` have the same `shared` parts in this table."""
    codes = np.random.default_rng(9).integers(0, 1 << 16, (count, 16)).astype(np.uint16)
    codes[:crowd, :shared] = 77
    bits = np.unpackbits(codes.view(np.uint8), axis=1, bitorder="little")
    original = np.empty_like(bits)
    original[:, table._shuffle.order] = bits  # noqa: SLF001 (secret from a real attacker)
    return np.packbits(original, axis=1, bitorder="little")


def photo_crops(count: int, seed: int) -> Hashes:
    """Hash random crops of scikit-image's photos, each side a fifth to the whole of the photo's.

    The transform is PDQ's: a 16 x 16 block of a 64 x 64 cosine transform, thresholded at its
    median. The crops are sampled at 64 x 64 points without PDQ's smoothing, which is too slow here.
    """
    rng = np.random.default_rng(seed)
    photos = [_grey(getattr(skimage.data, name)()) for name in PHOTOS]
    hashes = np.empty((count, 32), np.uint8)
    for start in range(0, count, 1000):
        end = min(start + 1000, count)
        crops = [_crop(photos[rng.integers(len(photos))], rng) for _ in range(start, end)]
        hashes[start:end] = _pdq(np.stack(crops))
    return hashes


def _grey(photo: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    if photo.ndim == 2:
        return photo.astype(np.float32)
    return (photo[..., :3] @ np.array([0.299, 0.587, 0.114])).astype(np.float32)


def _crop(photo: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    rows, columns = (_sample_points(length, rng) for length in photo.shape)
    return photo[np.ix_(rows, columns)]


def _sample_points(length: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    span = rng.integers(max(length // 5, SIDE), length + 1)
    first = rng.integers(0, length - span + 1)
    return first + (2 * np.arange(SIDE) + 1) * span // (2 * SIDE)


def _pdq(crops: npt.NDArray[np.float32]) -> Hashes:
    frequency, place = np.arange(1, 17)[:, None], np.arange(SIDE)
    cosines = np.cos(np.pi / 2 / SIDE * frequency * (2 * place + 1)).astype(np.float32)
    block = (cosines @ crops @ cosines.T).reshape(len(crops), 256)
    return np.packbits(block > np.median(block, axis=1, keepdims=True), axis=1)
