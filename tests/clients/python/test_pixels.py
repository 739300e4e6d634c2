"""Which files are refused, which are accepted, and what a caller can pass."""

import errno
import gc
import io
import os
import re
import struct
import tracemalloc
import zlib
from functools import cache
from pathlib import Path
from typing import Any

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
from unseen.formats import avif, exif, jpeg, png

from tests.contract.pixels import odd_files
from tests.contract.pixels.draw import encoded, oversized_png, picture
from tests.contract.pixels.profiles import matrix_profile

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
    if not isinstance(found, ImageError) and found.complete:
        assert found.distance(WHOLE[form]) <= 2
    assert fast or isinstance(found, ImageError) or found.complete


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
            if size is None or size < 0 or self.tell() + size > 1000:
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


SHOWN_IN_PART: dict[str, tuple[str, dict[str, Any]]] = {
    "JPEG": ("JPEG", {}),
    "PNG": ("PNG", {}),
    "GIF": ("GIF", {"interlace": 0}),
    "interlaced GIF": ("GIF", {"interlace": 1}),
    "BMP": ("BMP", {}),
    "WebP": ("WEBP", {}),
    "lossless WebP": ("WEBP", {"lossless": True}),
}


@cache
def shown_in_part(name: str) -> bytes:
    """Return a picture in a format of which viewers show what there is."""
    form, options = SHOWN_IN_PART[name]
    noise = Image.effect_noise((640, 480), 30).convert("RGB")
    image = Image.blend(picture(640, 480), noise, 0.2)
    return encoded(image.quantize(64) if form == "GIF" else image, form, **options)


@pytest.mark.parametrize("name", SHOWN_IN_PART)
def test_upload_that_is_cut_off_is_hashed_as_it_is_shown(name: str) -> None:
    """Otherwise two bytes less would hide an upload; of one's own file, the whole is asked for."""
    whole = shown_in_part(name)
    with pytest.raises(BrokenImageError):
        fingerprint(whole[: len(whole) * 9 // 10])
    nearly = fingerprint(whole[: len(whole) * 9 // 10], fast=True)
    assert not nearly.complete
    assert nearly.distance(fingerprint(whole)) <= 40
    half = fingerprint(whole[: len(whole) // 2], fast=True)
    assert not half.complete
    assert half.distance(nearly) > 0


@pytest.mark.parametrize("name", [name for name in SHOWN_IN_PART if name not in ("JPEG", "BMP")])
def test_upload_with_a_damaged_byte_is_hashed_up_to_it(name: str) -> None:
    """One byte, near the end, kept the whole picture from being recognised."""
    whole = shown_in_part(name)
    for place in range(len(whole) * 7 // 8, len(whole) * 7 // 8 + 40):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        found = fingerprint(bytes(damaged), fast=True)
        assert found.distance(fingerprint(whole)) <= 64


def images_in_memory() -> int:
    # By their types: isinstance would ask weak references to what is gone.
    return sum(issubclass(type(each), Image.Image) for each in gc.get_objects())


@pytest.mark.parametrize("name", SHOWN_IN_PART)
def test_damaged_upload_leaves_no_image_in_memory(name: str) -> None:
    """Images that referred to themselves took gigabytes until the next collection."""
    damaged = shown_in_part(name)[:-40]
    gc.collect()
    gc.disable()
    try:
        before = images_in_memory()
        hash_or_refusal(damaged, fast=True)
        hash_or_refusal(damaged[: len(damaged) // 3], fast=True)
        assert images_in_memory() == before
    finally:
        gc.enable()


@given(st.sampled_from(list(SHOWN_IN_PART)), st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_upload_gives_a_hash_or_a_clear_error(name: str, data: st.DataObject) -> None:
    damaged = bytearray(shown_in_part(name))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    hash_or_refusal(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]), fast=True)


def test_jpeg_that_lacks_only_its_end_is_complete() -> None:
    whole = FILES["JPEG"]
    assert fingerprint(whole[:-2]) == fingerprint(whole)
    assert fingerprint(whole[:-2], fast=True) == fingerprint(whole, fast=True)


def box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


def avif_with_aperture(*numbers: int) -> bytes:
    """Return the boxes of an AVIF with `clap` as the second property of item 7."""
    aperture = box(b"clap", struct.pack(">8i", *numbers))
    properties = box(b"ipco", box(b"ispe", bytes(12)), aperture)
    linked = box(b"ipma", struct.pack(">IIHBBB", 0, 1, 7, 2, 1, 0x82))
    primary = box(b"pitm", struct.pack(">IH", 0, 7))
    return box(b"ftyp", b"avif") + box(b"meta", bytes(4), primary, box(b"iprp", properties, linked))


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ((80, 1, 60, 1, -20, 2, -30, 2), (0, 0, 80, 60)),
        ((80, 1, 60, 1, 0, 1, 0, 1), None),  # in the middle: browsers ignore it
        ((80, 1, 60, 1, -21, 2, -30, 2), None),  # between two pixels
        ((80, 0, 60, 1, -20, 2, -30, 2), None),
        ((200, 1, 60, 1, 100, 2, -30, 2), None),  # wider than the image
    ],
)
def test_clean_aperture_at_the_origin_is_shown(
    numbers: tuple[int, ...], shown: tuple[int, ...] | None
) -> None:
    assert avif.clean_aperture(avif_with_aperture(*numbers), (100, 90)) == shown


@given(st.binary(max_size=60))
def test_any_bytes_have_a_clean_aperture_or_none(data: bytes) -> None:
    whole = avif_with_aperture(80, 1, 60, 1, -20, 2, -30, 2)
    for place in range(0, len(whole), 7):
        avif.clean_aperture(whole[:place] + data + whole[place + len(data) :], (100, 90))


@given(st.binary(max_size=80))
def test_any_bytes_have_an_orientation(data: bytes) -> None:
    assert 1 <= exif.orientation(b"II*\0\x08\0\0\0" + data) <= 8


FLAT = Image.new("RGB", (4_480, 4_480), "teal")
"""20.07 million pixels, in some kilobytes in every format but BMP."""


@pytest.mark.parametrize("form", ["PNG", "GIF", "TIFF", "WEBP", "AVIF"])
def test_small_upload_with_very_many_pixels_is_refused(form: str) -> None:
    """A few kilobytes took 3 s of a processor and 3 GB."""
    compression = {"compression": "tiff_adobe_deflate"} if form == "TIFF" else {}
    data = encoded(FLAT.convert("P") if form == "GIF" else FLAT, form, **compression)
    with pytest.raises(TooManyPixelsError, match=r"20 million pixels in 0\.. MB"):
        fingerprint(data, fast=True)


def test_damaged_webp_with_very_many_pixels_is_refused_before_it_is_searched() -> None:
    """66 bytes took a second: up to 32 MB were put behind them, seven times."""
    sides = (2_000 - 1) | (2_000 - 1) << 14
    content = b"\x2f" + sides.to_bytes(4, "little") + bytes(range(80, 120))
    chunk = b"VP8L" + (1 << 20).to_bytes(4, "little") + content
    with pytest.raises(TooManyPixelsError, match="damaged, and has 4 million pixels"):
        fingerprint(b"RIFF" + (1 << 21).to_bytes(4, "little") + b"WEBP" + chunk, fast=True)


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
@pytest.mark.parametrize("end", [0, 2])
def test_long_thin_jpeg_is_refused_that_cannot_be_reduced(mode: str, end: int) -> None:
    """Of 65,000 x 1,000 pixels, 137 bytes took 1.2 s and 600 MB."""
    data = encoded(Image.new(mode, (65_000, 400)), "JPEG", quality=1)
    with pytest.raises(TooManyPixelsError, match="even when it is reduced"):
        fingerprint(data[: len(data) - end], fast=True)


def test_large_upload_may_have_more_pixels() -> None:
    assert fingerprint(encoded(FLAT, "BMP"), fast=True).complete


def with_scans(progressive: bytes, times: int) -> bytes:
    """Return a progressive JPEG whose last scan is there many times more."""
    last = progressive.rindex(b"\xff\xda")
    return progressive[:-2] + progressive[last:-2] * times + progressive[-2:]


def test_small_upload_with_very_many_scans_is_refused() -> None:
    """A JPEG of 191 kB took 8 s of a processor."""
    progressive = encoded(FLAT.resize((2_000, 1_500)), "JPEG", progressive=True)
    assert fingerprint(progressive, fast=True).complete
    bomb = with_scans(progressive, 1_900)
    assert len(bomb) < 200_000
    with pytest.raises(TooManyPixelsError, match=r"1,910 times"):
        fingerprint(bomb, fast=True)
    # To find out whether only its end is missing, it would be decoded three times.
    assert not fingerprint(with_scans(progressive, 150)[:-2], fast=True).complete


@pytest.mark.parametrize("damage", [b"\xff\xd8", b"\xff\xc4\0\5\0\1\1", b"\xff\xdb\0\3\xff"])
@pytest.mark.parametrize("restarts", [0, 1])
def test_what_follows_the_only_scan_of_a_jpeg_changes_nothing(damage: bytes, restarts: int) -> None:
    """Two bytes before its end, and no platform could hash what every viewer showed."""
    data = encoded(picture(), "JPEG", restart_marker_rows=restarts)
    for fast in (False, True):
        damaged = fingerprint(data[:-2] + damage + data[-2:], fast=fast)
        assert damaged == fingerprint(data, fast=fast)
        assert damaged.complete


def test_progressive_upload_is_hashed_up_to_what_is_damaged() -> None:
    """As viewers show it: each scan adds detail to the whole."""
    data = encoded(picture(400, 300), "JPEG", progressive=True, quality=90)
    scans = [found.start() for found in re.finditer(rb"\xff\xda", data)]
    damaged = data[: scans[-2]] + b"\xff\xd8" + data[scans[-2] :]
    with pytest.raises(BrokenImageError):
        fingerprint(damaged)
    found = fingerprint(damaged, fast=True)
    assert not found.complete
    assert found.distance(fingerprint(data)) <= 8


@pytest.mark.parametrize("components", [0, 1, 3, 255])
def test_any_header_of_a_jpeg_has_some_work(components: int) -> None:
    frame = struct.pack(">B2HB", 8, 100, 100, components) + bytes(3 * min(components, 3))
    data = b"\xff\xd8" + odd_files.segment(0xC0, frame) + odd_files.segment(0xDA, b"")
    assert jpeg.work(data).scans == 1


def test_damaged_png_is_not_decompressed_beyond_its_size() -> None:
    """A platform repairs whatever is uploaded: 1 MB can hold a gigabyte of zeros."""
    bomb = zlib.compress(bytes(400 << 20), 9)
    header = struct.pack(">2I5B", 64, 64, 8, 2, 0, 0, 0)
    data = odd_files.SIGNATURE + odd_files.chunk(b"IHDR", header)
    data += odd_files.chunk(b"IDAT", bomb, checksum=1)
    tracemalloc.start()
    try:
        repaired = png.repaired(data, pixels.MAX_PIXELS)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()
    assert repaired is not None
    assert len(repaired) < 1_000


@given(
    st.binary(max_size=40), st.sampled_from([b"cHRM", b"gAMA", b"cICP", b"iCCP", b"tRNS", b"acTL"])
)
@settings(max_examples=100)
def test_any_metadata_of_a_png_leaves_a_hash(content: bytes, kind: bytes) -> None:
    gamma = odd_files.chunk(b"gAMA", struct.pack(">I", 60_000))
    for added in (content, content[:32].ljust(32, b"\xff"), content[:4].ljust(4, b"\0")):
        chunks = odd_files.chunk(kind, added) + (b"" if kind == b"gAMA" else gamma)
        assert fingerprint(odd_files.with_chunk(FILES["PNG"], chunks))


def test_parts_of_a_profile_may_be_in_any_order() -> None:
    """As in libjpeg; a file in Display P3 has another hash if its profile is ignored."""
    profile = matrix_profile("Adobe RGB", np.zeros((1, 1, 3), np.uint8))[1]
    data = FILES["JPEG"]
    whole = b"ICC_PROFILE\0\x01\x01" + profile
    first = b"ICC_PROFILE\0\x01\x02" + profile[:200]
    second = b"ICC_PROFILE\0\x02\x02" + profile[200:]
    expected = fingerprint(odd_files.with_segment(data, 0xE2, whole))
    assert expected != fingerprint(data)
    for one, other in ((first, second), (second, first)):
        split = odd_files.with_segment(odd_files.with_segment(data, 0xE2, one), 0xE2, other)
        assert fingerprint(split) == expected
