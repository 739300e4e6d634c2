"""Which files are refused, which are accepted, and what a caller can pass."""

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from unseen import (
    BrokenImageError,
    Fingerprint,
    ImageError,
    NotAnImageError,
    QualityTooLowError,
    TooManyPixelsError,
    UnreadableFileError,
    fingerprint,
    fingerprint_views,
    pixels,
)

from tests.contract.pixels.draw import encoded, oversized_png, picture

FORMS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "TIFF", "BMP")
FILES = {form: encoded(picture(120, 90), form) for form in FORMS}
WHOLE = {form: fingerprint(data) for form, data in FILES.items()}


def hash_or_refusal(data: bytes, *, fast: bool = False) -> Fingerprint | ImageError:
    """Return the hash or the ImageError; any other error fails the test."""
    try:
        return fingerprint(data, fast=fast)
    except ImageError as error:
        return error


@given(st.sampled_from(FORMS), st.floats(0, 1), st.booleans())
@example("JPEG", 0.99, False)
@example("JPEG", 0.99, True)
@settings(max_examples=150, deadline=None)
def test_a_truncated_file_is_refused_or_hashes_as_the_whole(
    form: str, share: float, fast: bool
) -> None:
    found = hash_or_refusal(FILES[form][: int(len(FILES[form]) * share)], fast=fast)
    # If it hashes, only bytes after the pixels are missing.
    assert isinstance(found, ImageError) or found.distance(WHOLE[form]) <= 2


@given(st.sampled_from(FORMS), st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_gives_a_hash_or_a_clear_error(form: str, data: st.DataObject) -> None:
    damaged = bytearray(FILES[form])
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    hash_or_refusal(bytes(damaged))


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_bytes_that_are_not_an_image_are_refused(data: bytes) -> None:
    with pytest.raises(ImageError):
        fingerprint(data)


def test_bytes_paths_and_views_of_bytes_are_the_same(tmp_path: Path) -> None:
    data = FILES["PNG"]
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    sources = (data, bytearray(data), memoryview(data), path, str(path))
    assert {fingerprint(source) for source in sources} == {WHOLE["PNG"]}


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.jpg", tmp_path):
        with pytest.raises(UnreadableFileError, match="cannot be read"):
            fingerprint(path)


@pytest.mark.parametrize("fast", [False, True])
def test_a_failing_medium_is_distinguished_from_bad_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 1000:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    data = encoded(Image.effect_noise((500, 500), 60), "JPEG", quality=95)
    monkeypatch.setattr(Path, "open", lambda *_: Failing(data))
    with pytest.raises(UnreadableFileError, match="error"):
        fingerprint(tmp_path / "photo.jpg", fast=fast)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(9500, 9500), (12_000, 12_000), (60_000, 60_000), (9, 10**7)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(TooManyPixelsError, match=r"million|too many"):
        fingerprint(oversized_png(*size))


def test_a_format_that_is_not_listed_is_refused() -> None:
    with pytest.raises(NotAnImageError):
        fingerprint(encoded(picture(), "PPM"))


def test_a_header_without_pixels_is_broken() -> None:
    with pytest.raises(BrokenImageError):
        fingerprint(oversized_png(100, 100))


def test_float_samples_are_refused_since_their_white_is_undefined() -> None:
    with pytest.raises(BrokenImageError):
        fingerprint(encoded(Image.new("F", (64, 64)), "TIFF"))


@pytest.mark.parametrize("value", [0, 127, 128, 256, 32_767, 32_768, 65_535])
def test_sixteen_bit_grey_is_scaled_to_the_nearest_level(value: int) -> None:
    samples = np.full((4, 4), value, np.uint16)
    data = encoded(Image.fromarray(samples), "PNG")
    assert set(pixels.decode(data).ravel().tolist()) == {round(value / 257)}


def test_a_flat_image_hashes_but_does_not_pass_for_submission() -> None:
    flat = encoded(Image.new("RGB", (200, 200), "grey"), "PNG")
    with pytest.raises(QualityTooLowError, match="at least 50"):
        fingerprint_views(flat)[0].require_quality()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2), (63, 65)])
@pytest.mark.parametrize("fast", [False, True])
def test_tiny_images_do_no_harm(size: tuple[int, int], fast: bool) -> None:
    found = fingerprint(encoded(Image.effect_noise(size, 60), "PNG"), fast=fast)
    assert len(found.pdq) == 64


def test_hashing_leaves_no_file_open(tmp_path: Path) -> None:
    # An unclosed file is a ResourceWarning, and warnings are errors here.
    path = tmp_path / "photo.jpg"
    path.write_bytes(FILES["JPEG"])
    fingerprint(path)
    path.write_bytes(io.BytesIO(FILES["JPEG"]).getvalue()[:500])
    with pytest.raises(ImageError):
        fingerprint(path)
