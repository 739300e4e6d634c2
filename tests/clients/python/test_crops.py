"""The hashes of crops: near the hash of each picture that was cut, and only those worth sending."""

import numpy as np
import pdqhash
import pytest
from unseen import MATCH_DISTANCE, VIEWS, Fingerprint, fingerprint, fingerprint_views

from tests.contract.pixels.draw import encoded

from .pictures import PHOTOS, jpeg, opened, photo

SIDES = {
    "crop-sides-2.5": 0.025,
    "crop-sides-6": 0.06,
    "crop-sides-8": 0.08,
    "crop-sides-12": 0.12,
}


def crops_of(data: bytes) -> dict[str, Fingerprint]:
    hashes = fingerprint_views(data, crops=True)
    assert tuple(each.view for each in hashes[:8]) == VIEWS
    return {each.view: each for each in hashes[8:]}


@pytest.fixture(scope="module", params=PHOTOS)
def original(request: pytest.FixtureRequest) -> bytes:
    return photo(request.param)


def test_a_crop_hash_is_near_the_exact_hash_of_that_crop(original: bytes) -> None:
    upright = opened(original)
    large = upright.resize((upright.width * 4 + 3, upright.height * 4 + 1))
    data = jpeg(large, 95)
    width, height = large.size
    pixels = np.asarray(opened(data))
    crops = crops_of(data)
    for name in SIDES.keys() & crops.keys():
        down, across = int(height * SIDES[name] + 0.5), int(width * SIDES[name] + 0.5)
        exact, _ = pdqhash.compute(
            np.ascontiguousarray(pixels[down : height - down, across : width - across])
        )
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(crops[name].pdq), np.uint8))
        assert (bits != exact).sum() <= 6, name


def test_a_copy_that_was_cut_is_found_only_by_its_crop(original: bytes) -> None:
    crops = crops_of(original)
    upright = opened(original)
    width, height = upright.size
    cut = fingerprint(jpeg(upright.crop((width // 5, 0, width, height)), 80))
    assert cut.distance(crops["crop-left-20"]) <= MATCH_DISTANCE
    assert min(map(cut.distance, fingerprint_views(original))) > MATCH_DISTANCE


def test_only_crops_worth_sending_are_made(original: bytes) -> None:
    crops = crops_of(original)
    assert crops
    assert all(each.quality >= 80 for each in crops.values())
    assert len({each.pdq for each in crops.values()}) == len(crops)


def test_a_crop_of_very_little_or_all_of_the_picture_is_left_out(original: bytes) -> None:
    wide = crops_of(jpeg(opened(original).resize((1600, 900)), 95))
    assert "crop-16x9" not in wide
    assert "crop-9x16" not in wide


def test_crops_of_the_same_pixels_are_sent_once() -> None:
    small = opened(photo("coffee.png")).resize((30, 30))
    crops = crops_of(encoded(small, "PNG"))  # 6 and 8 % are both two pixels
    assert "crop-sides-6" in crops
    assert "crop-sides-8" not in crops
