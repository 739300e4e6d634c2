"""The hashes of parts of an upload: they find copies that were framed, and nothing breaks them."""

import io

import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from unseen import (
    MATCH_DISTANCE,
    MAX_QUERY_HASHES,
    MIN_QUALITY,
    Fingerprint,
    ImageError,
    fingerprint,
    fingerprint_views,
    query_fingerprints,
)
from unseen.box_pdq import Box, BoxHasher
from unseen.inner_pictures import MAX_BOXES, find_boxes

from tests.contract.pixels.draw import encoded, exif

from .pictures import PHOTOS, jpeg, opened, photo

WHITE, BLACK, NIGHT = (255, 255, 255), (0, 0, 0), (18, 18, 20)


def found_by(copy: Image.Image, original: bytes) -> set[str]:
    """Return the parts of a copy that match a view of the original."""
    views = fingerprint_views(original)
    return {
        part.view
        for part in query_fingerprints(jpeg(copy))
        if min(part.distance(view) for view in views) <= MATCH_DISTANCE
    }


def on_canvas(
    picture: Image.Image,
    size: tuple[int, int],
    place: tuple[int, int],
    colour: tuple[int, int, int],
) -> Image.Image:
    canvas = Image.new("RGB", size, colour)
    canvas.paste(picture, place)
    return canvas


def bars(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return on_canvas(picture, (width, height * 2), (0, height // 2), BLACK)


def border(picture: Image.Image) -> Image.Image:
    return ImageOps.expand(picture, picture.width // 12, (200, 40, 90))


def blurred_bars(picture: Image.Image) -> Image.Image:
    size = picture.width, round(picture.width * 16 / 9)
    canvas = ImageOps.fit(picture, size).filter(ImageFilter.GaussianBlur(size[0] / 30))
    canvas.paste(picture, (0, (size[1] - picture.height) // 2))
    return canvas


def caption(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    canvas = on_canvas(picture, (width, height + height // 4), (0, height // 4), WHITE)
    ImageDraw.Draw(canvas).text((20, height // 16), "who is it?", BLACK, font_size=height // 10)
    return canvas


def screenshot(picture: Image.Image) -> Image.Image:
    picture = picture.resize((1080, round(picture.height * 1080 / picture.width)))
    canvas = on_canvas(picture, (1080, 2160), (0, 330), NIGHT)
    draw = ImageDraw.Draw(canvas)
    draw.text((40, 24), "21:47", WHITE, font_size=34)
    draw.ellipse((40, 210, 130, 300), (140, 142, 148))
    draw.text((160, 220), "some.account", WHITE, font_size=38)
    for line in range(4):
        place = 40, 330 + picture.height + 60 + 56 * line
        draw.text(place, "look at this, sent from my phone", WHITE, font_size=36)
    return canvas


def beside_another(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    other = ImageOps.fit(opened(photo("coffee.png")), (width * 2 // 3, height))
    canvas = on_canvas(picture, (width + other.width, height), (other.width, 0), WHITE)
    canvas.paste(other, (0, 0))
    return canvas


@pytest.mark.parametrize(
    "edit", [bars, border, blurred_bars, caption, screenshot, beside_another, ImageOps.invert]
)
@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png"])
def test_parts_find_a_copy_that_the_whole_does_not(name: str, edit: object) -> None:
    original = photo(name)
    assert callable(edit)
    found = found_by(edit(opened(original)), original)
    assert found
    assert "original" not in found


@pytest.mark.parametrize("name", PHOTOS)
def test_first_hash_is_that_of_the_whole(name: str) -> None:
    large = opened(photo(name)).resize((1800, 1500))
    found = query_fingerprints(jpeg(large))
    assert found[0] == fingerprint(jpeg(large), fast=True)
    assert 16 <= len(found) <= MAX_QUERY_HASHES
    assert len({each.pdq for each in found}) == len(found)
    assert all(each.quality >= MIN_QUALITY for each in found[1:])
    exact = query_fingerprints(jpeg(large), fast=False)
    assert exact[0] == fingerprint(jpeg(large))
    assert exact[0].distance(found[0]) <= 4


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(
    "box", [(0, 0, 1, 1), (0, 0, 0.5, 1), (0.06, 0.06, 0.94, 0.94), (0.5, 0.5, 1, 1)]
)
def test_box_has_nearly_the_hash_of_the_crop(name: str, box: tuple[float, ...]) -> None:
    image = opened(photo(name)).resize((1536, 1024))
    luma = np.asarray(image, np.float32) @ np.float32([0.299, 0.587, 0.114])
    top, left, bottom, right = (
        part * side for part, side in zip(box, (1024, 1536) * 2, strict=True)
    )
    crop = np.asarray(image)[round(top) : round(bottom), round(left) : round(right)]
    exact, quality = pdqhash.compute(crop)
    small = luma.reshape(256, 4, 384, 4).mean(axis=(1, 3))
    bits, found = BoxHasher(small).hash_box(Box(top / 4, left / 4, bottom / 4, right / 4))
    if quality >= 80:  # the bits of something flat depend on rounding
        assert (bits != exact.astype(bool)).sum() <= 12
    assert abs(found - quality) <= 5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_parts_are_those_of_the_upright_image(orientation: int) -> None:
    image = opened(photo("astronaut.png")).resize((600, 700))
    upright = ImageOps.exif_transpose(
        Image.open(io.BytesIO(encoded(image, "PNG", exif=exif(orientation))))
    )
    stored = encoded(image, "PNG", exif=exif(orientation))
    turned = {each.view: each for each in query_fingerprints(stored)}
    expected = {each.view: each for each in query_fingerprints(encoded(upright, "PNG"))}
    assert turned.keys() == expected.keys()
    for view, each in turned.items():
        assert each.distance(expected[view]) <= 8, view


def test_damaged_upload_is_marked_in_every_part() -> None:
    data = jpeg(opened(photo("coffee.png")))
    found = query_fingerprints(data[: len(data) * 3 // 4])
    assert len(found) > 8
    assert not any(each.complete for each in found)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (8, 8), (63, 64), (2_000, 8)])
def test_small_and_flat_images_have_at_least_the_whole(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), np.uint8)
    for image in (Image.new("RGB", size, "grey"), Image.fromarray(noise)):
        data = encoded(image, "PNG")
        found = query_fingerprints(data)
        assert found[0] == fingerprint(data, fast=True)


def test_what_is_not_an_image_is_refused() -> None:
    with pytest.raises(ImageError):
        query_fingerprints(b"not an image")


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 300),
    columns=st.integers(1, 300),
    seed=st.integers(0, 1 << 32),
    frames=st.integers(0, 4),
)
def test_boxes_lie_within_any_image(rows: int, columns: int, seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    luma = np.full((rows, columns), rng.uniform(0, 255), np.float32)
    for _ in range(frames):
        top, bottom = sorted(rng.integers(0, rows + 1, 2))
        left, right = sorted(rng.integers(0, columns + 1, 2))
        luma[top:bottom, left:right] = rng.uniform(0, 255, (bottom - top, right - left))
    found = find_boxes(luma)
    assert len(found) <= MAX_BOXES
    for box in found:
        assert 0 <= box.top < box.bottom <= rows
        assert 0 <= box.left < box.right <= columns
        bits, quality = BoxHasher(luma).hash_box(box)
        assert bits.shape == (256,)
        assert 0 <= quality <= 100


def test_hashes_of_parts_are_only_for_queries() -> None:
    """A part is no view that can be submitted."""
    parts = {each.view for each in query_fingerprints(photo("astronaut.png"))} - {"original"}
    assert not parts & {each.view for each in fingerprint_views(photo("astronaut.png"))}
    assert all(isinstance(each, Fingerprint) for each in query_fingerprints(photo("rocket.jpg")))
