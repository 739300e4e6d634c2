"""Real photos: which view finds a copy that was changed."""

import pytest
from PIL import Image, ImageOps
from unseen import MATCH_DISTANCE, VIEWS, Fingerprint, fingerprint, fingerprint_views

from tests.contract.pixels.draw import encoded, exif

from .pictures import PHOTOS, jpeg, opened, photo

TURNS = {
    "turn-90": Image.Transpose.ROTATE_270,
    "turn-180": Image.Transpose.ROTATE_180,
    "turn-270": Image.Transpose.ROTATE_90,
}


def turned(image: Image.Image, view: str) -> Image.Image:
    """Turn a photo as a view does, with Pillow instead of the client."""
    if view.startswith("mirror"):
        image = ImageOps.mirror(image)
        view = view.removeprefix("mirror").lstrip("-")
    return image.transpose(TURNS[view]) if view in TURNS else image


def nearest(copy: bytes, views: tuple[Fingerprint, ...]) -> tuple[int, str]:
    found = fingerprint(copy)
    return min((found.distance(view), view.view) for view in views)


@pytest.fixture(scope="module", params=PHOTOS)
def original(request: pytest.FixtureRequest) -> bytes:
    return photo(request.param)


@pytest.mark.parametrize("view", VIEWS)
def test_a_turned_copy_at_half_size_and_jpeg_50_is_found(original: bytes, view: str) -> None:
    copy = turned(opened(original), view)
    half = copy.resize((copy.width // 2, copy.height // 2), Image.Resampling.LANCZOS)
    distance, found = nearest(jpeg(half, 50), fingerprint_views(original))
    assert distance <= MATCH_DISTANCE
    assert found == view


def test_a_single_hash_would_miss_the_mirrored_copy(original: bytes) -> None:
    copy = jpeg(ImageOps.mirror(opened(original)), 90)
    assert fingerprint(copy).distance(fingerprint(original)) > 2 * MATCH_DISTANCE


def test_a_view_is_exactly_the_hash_of_the_turned_photo(original: bytes) -> None:
    for view in fingerprint_views(original):
        lossless = turned(opened(original), view.view)
        assert fingerprint(_png(lossless)).pdq == view.pdq, view.view


def test_different_photos_are_far_apart_in_every_view() -> None:
    views = {name: fingerprint_views(photo(name)) for name in PHOTOS}
    distances = [
        first.distance(second)
        for name, prints in views.items()
        for first in prints
        for other, others in views.items()
        if other > name
        for second in others
    ]
    assert min(distances) > 2 * MATCH_DISTANCE


@pytest.mark.parametrize("size", [(2800, 2100), (1500, 1100), (600, 450)])
def test_fast_is_within_four_bits(original: bytes, size: tuple[int, int]) -> None:
    large = jpeg(opened(original).resize(size, Image.Resampling.BICUBIC), 90)
    assert fingerprint(large, fast=True).distance(fingerprint(large)) <= 4


def test_fast_equals_the_full_hash_if_it_saves_nothing(original: bytes) -> None:
    png = _png(opened(original))
    assert fingerprint(png, fast=True) == fingerprint(png)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_fast_applies_the_orientation_of_a_reduced_photo(orientation: int) -> None:
    # Sizes that no block divides: after turning, the smaller blocks are at another edge.
    large = opened(photo("chelsea.png")).resize((1541, 1051), Image.Resampling.BICUBIC)
    data = encoded(large, "JPEG", quality=90, exif=exif(orientation))
    assert fingerprint(data, fast=True).distance(fingerprint(data)) <= 4


def _png(image: Image.Image) -> bytes:
    return encoded(image, "PNG", compress_level=1)
