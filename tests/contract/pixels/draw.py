"""Draws the vectors of the pixel convention: `python -m tests.contract.pixels.draw` writes them.

The expected hashes do not depend on a client. They are pdqhash's, of the drawn pixels for a
lossless file, and of a plain decode of the upright, untagged file for a lossy one.
"""

import base64
import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pdqhash
import pillow_heif
from PIL import Image, ImageDraw

from . import odd_files
from .profiles import matrix_profile

HERE = Path(__file__).parent
pillow_heif.register_heif_opener()


def picture(width: int = 200, height: int = 150, *, seed: int = 1) -> Image.Image:
    """Draw flat shapes without any symmetry: they compress well, and every view differs."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), (90, 120, 160))
    draw = ImageDraw.Draw(image)
    for number in range(24):
        x, y = int(rng.integers(-20, width)), int(rng.integers(-20, height))
        across, down = (int(side) for side in rng.integers(height // 10, height // 2, 2))
        shape = draw.ellipse if number % 2 else draw.rectangle
        shape((x, y, x + across, y + down), fill=tuple(int(c) for c in rng.integers(0, 256, 3)))
    return image


def pdq(image: Image.Image) -> tuple[str, int]:
    """Return hash (64 hex digits) and quality of RGB pixels, by the reference implementation."""
    bits, quality = pdqhash.compute(np.asarray(image.convert("RGB")))
    return np.packbits(bits.astype(np.uint8)).tobytes().hex(), int(quality)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return an image encoded in one of Pillow's formats."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def plain(data: bytes) -> Image.Image:
    """Return a plain decode of an upright, untagged file."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def png(samples: np.ndarray[Any, Any], colour_type: int, *, key: bytes = b"") -> bytes:
    """Return a 16-bit PNG of samples of shape (height, width, channels), unknown to Pillow."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    height, width, _ = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    transparent = chunk(b"tRNS", key) if key else b""
    signature = b"\x89PNG\r\n\x1a\n"
    data = chunk(b"IDAT", zlib.compress(rows, 9))
    return signature + chunk(b"IHDR", header) + transparent + data + chunk(b"IEND", b"")


def exif(orientation: int) -> bytes:
    """Return EXIF data with an orientation."""
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def vector(
    name: str, data: bytes, pixels: Image.Image, *, bits: int = 0, browser: bool = True
) -> dict[str, Any]:
    """Return one entry of vectors.json."""
    expected, quality = pdq(pixels)
    return {
        "name": name,
        "base64": base64.b64encode(data).decode(),
        "pdq": expected,
        "quality": quality,
        "tolerance_bits": bits,
        "browser": browser,
    }


def lossless() -> Iterator[dict[str, Any]]:
    """Yield vectors of formats that store exactly the drawn pixels."""
    image = picture()
    grey = image.convert("L")
    few = image.quantize(32)
    yield vector("png rgb", encoded(image, "PNG"), image)
    yield vector("png rgb 640 x 512", encoded(large := picture(640, 512), "PNG"), large)
    yield vector("png rgb 64 x 64", encoded(small := picture(64, 64), "PNG"), small)
    yield vector("png rgb 301 x 449", encoded(odd := picture(301, 449), "PNG"), odd)
    yield vector("png grey", encoded(grey, "PNG"), grey)
    yield vector("png black and white", encoded(bw := grey.convert("1"), "PNG"), bw)
    yield vector("png palette", encoded(few, "PNG"), few)
    yield vector("webp lossless", encoded(image, "WEBP", lossless=True), image)
    yield vector("gif", encoded(few, "GIF"), few)
    yield vector("bmp", encoded(picture(48, 36), "BMP"), picture(48, 36))
    tiff = encoded(image, "TIFF", compression="tiff_adobe_deflate")
    yield vector("tiff", tiff, image, browser=False)
    cmyk = image.convert("CMYK")
    tiff = encoded(cmyk, "TIFF", compression="tiff_adobe_deflate")
    yield vector("tiff cmyk", tiff, cmyk, browser=False)
    stored = image.transpose(Image.Transpose.ROTATE_90)
    yield vector("png turned by exif 6", encoded(stored, "PNG", exif=exif(6)), image)
    data = encoded(image, "WEBP", lossless=True, exif=exif(6))
    yield vector("webp with exif 6, which browsers ignore", data, image)
    faint = Image.blend(image, Image.new("RGB", image.size, "grey"), 0.85)
    yield vector("png of little contrast", encoded(faint, "PNG"), faint)


def sixteen_bit() -> Iterator[dict[str, Any]]:
    """Yield 16-bit vectors; each sample is 257 times the 8-bit one, so that nothing is rounded."""
    image = picture(120, 90)
    rgb = np.asarray(image).astype(np.uint16) * 257
    grey = np.asarray(image.convert("L")).astype(np.uint16)[:, :, np.newaxis] * 257
    yield vector("png 16-bit rgb", png(rgb, 2), image)
    yield vector("png 16-bit grey", png(grey, 0), image.convert("L"))
    alpha = np.broadcast_to(_ramp(image) * 257, grey.shape)
    mixed = np.concatenate([grey, alpha], axis=2)
    over = _over_white(image.convert("L").convert("RGB"), _ramp(image))
    yield vector("png 16-bit grey and alpha", png(mixed, 4), over, bits=2)
    background = np.array([90, 120, 160], np.uint16) * 257
    cleared = np.asarray(image).copy()
    cleared[(cleared == (90, 120, 160)).all(axis=2)] = 255
    data = png(rgb, 2, key=background.astype(">u2").tobytes())
    yield vector("png 16-bit rgb with a transparent colour", data, Image.fromarray(cleared))


def _ramp(image: Image.Image) -> np.ndarray[Any, Any]:
    """Return alpha from 0 at the left to 255 at the right, of shape (height, width, 1)."""
    across = np.linspace(0, 255, image.width).round().astype(np.uint16)
    return np.broadcast_to(across[np.newaxis, :, np.newaxis], (image.height, image.width, 1))


def _over_white(image: Image.Image, alpha: np.ndarray[Any, Any]) -> Image.Image:
    """Return an image composited over white."""
    share = alpha.astype(np.float64) / 255
    mixed = np.asarray(image) * share + 255 * (1 - share)
    return Image.fromarray(mixed.round().astype(np.uint8))


def transparent() -> Iterator[dict[str, Any]]:
    """Yield vectors with alpha, which is composited over white; hidden colours do not count."""
    image = picture()
    over = _over_white(image, _ramp(image))
    rgba = image.copy()
    rgba.putalpha(Image.fromarray(_ramp(image)[:, :, 0].astype(np.uint8)))
    yield vector("png rgb and alpha", encoded(rgba, "PNG"), over, bits=2)
    lossless_webp = encoded(rgba, "WEBP", lossless=True, exact=True)
    yield vector("webp lossless and alpha", lossless_webp, over, bits=2)
    grey = image.convert("L")
    over = _over_white(grey.convert("RGB"), _ramp(image))
    la = Image.merge("LA", (grey, rgba.getchannel("A")))
    yield vector("png grey and alpha", encoded(la, "PNG"), over, bits=2)
    few = image.quantize(32)
    shown = np.asarray(few.convert("RGB")).copy()
    shown[np.asarray(few) == 3] = 255
    cleared = Image.fromarray(shown)
    yield vector("png palette with transparency", encoded(few, "PNG", transparency=3), cleared)
    yield vector("gif with transparency", encoded(few, "GIF", transparency=3), cleared)


def lossy() -> Iterator[dict[str, Any]]:
    """Yield vectors of lossy formats; decoders may differ by a level in some samples."""
    image = picture(120, 90)
    data = encoded(image, "JPEG", quality=85)
    yield vector("jpeg", data, plain(data), bits=2)
    data = encoded(image, "JPEG", quality=85, progressive=True, subsampling=0)
    yield vector("jpeg progressive 4:4:4", data, plain(data), bits=2)
    data = encoded(image.convert("L"), "JPEG", quality=85)
    yield vector("jpeg grey", data, plain(data), bits=2)
    data = encoded(image.convert("CMYK"), "JPEG", quality=85)
    yield vector("jpeg cmyk", data, plain(data), bits=6)
    data = encoded(image, "WEBP", quality=80)
    yield vector("webp", data, plain(data), bits=2)
    data = encoded(image, "AVIF", quality=80)
    yield vector("avif", data, plain(data), bits=4)
    data = encoded(image, "HEIF", quality=80)
    yield vector("heic", data, plain(data), bits=2, browser=False)


TO_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How to turn upright pixels so that an EXIF orientation turns them back."""


def turned() -> Iterator[dict[str, Any]]:
    """Yield turned pixels with each of the EXIF orientations that turn them back."""
    upright = picture(96, 72)
    for orientation, method in TO_STORED.items():
        stored = upright.transpose(method)
        options: dict[str, Any] = {"quality": 80, "subsampling": 0}
        back = {6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}.get(
            orientation, method
        )
        expected = plain(encoded(stored, "JPEG", **options)).transpose(back)
        data = encoded(stored, "JPEG", exif=exif(orientation), **options)
        yield vector(f"jpeg turned by exif {orientation}", data, expected, bits=2)
        # Pillow writes the orientation of an AVIF as its container says it.
        expected = plain(encoded(stored, "AVIF", quality=80)).transpose(back)
        data = encoded(stored, "AVIF", quality=80, exif=exif(orientation))
        yield vector(f"avif turned by its container as by {orientation}", data, expected, bits=4)
        data = odd_files.with_chunk(
            odd_files.interlaced(np.asarray(stored)),
            odd_files.chunk(b"eXIf", exif(orientation).removeprefix(b"Exif\0\0")),
        )
        yield vector(f"png interlaced, turned by exif {orientation}", data, upright)
    stored = upright.transpose(TO_STORED[6])
    upright_jpeg = encoded(stored, "JPEG", quality=80, subsampling=0)
    data = odd_files.with_segment(upright_jpeg, 0xE1, exif(6))
    data = odd_files.with_segment(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")
    expected = plain(upright_jpeg).transpose(Image.Transpose.ROTATE_270)
    yield vector("jpeg turned by exif 6 after XMP", data, expected, bits=2)
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    data = encoded(stored, "TIFF", compression="tiff_adobe_deflate", tiffinfo={0x0112: 6})
    yield vector("tiff turned by its orientation", data, upright, browser=False)


def profiled() -> Iterator[dict[str, Any]]:
    """Yield vectors with an ICC profile: the samples are in another colour space than sRGB."""
    image = picture()
    for name in ("Display P3", "Adobe RGB", "sRGB"):
        stored, profile = matrix_profile(name, np.asarray(image))
        data = encoded(Image.fromarray(stored), "PNG", icc_profile=profile)
        yield vector(f"png in {name}", data, image, bits=2)
    # An unusable profile is ignored.
    data = encoded(image, "PNG", icc_profile=b"not a profile")
    yield vector("png with a broken profile", data, image)


def animated() -> Iterator[dict[str, Any]]:
    """Yield animations, of which the first frame is hashed."""
    first, second = picture(120, 90), picture(120, 90, seed=2)
    few = first.quantize(32)
    more = {"save_all": True, "duration": 100}
    data = encoded(few, "GIF", append_images=[second.quantize(32)], **more)
    yield vector("gif animated", data, few)
    data = encoded(first, "WEBP", append_images=[second], lossless=True, **more)
    yield vector("webp animated", data, first)
    yield vector("png animated", encoded(first, "PNG", append_images=[second], **more), first)
    pages = encoded(
        first, "TIFF", append_images=[second], save_all=True, compression="tiff_adobe_deflate"
    )
    yield vector("tiff of two pages", pages, first, browser=False)


def odd() -> Iterator[dict[str, Any]]:
    """Yield files with broken metadata, and files whose pixels are not the obvious ones."""
    image = picture(120, 90)
    data = encoded(image, "PNG")
    chunk, with_chunk = odd_files.chunk, odd_files.with_chunk
    phys = struct.pack(">2IB", 3_000, 3_000, 1)
    for name, added in (
        ("png with a wrong checksum of pHYs", chunk(b"pHYs", phys, checksum=1)),
        ("png with a short pHYs", chunk(b"pHYs", phys[:5])),
        ("png with a short cHRM", chunk(b"cHRM", bytes(12))),
        ("png with a broken acTL", chunk(b"acTL", bytes(3))),
        ("png with EXIF that is none", chunk(b"eXIf", b"not a TIFF file")),
        ("png with 2 MB of text", chunk(b"zTXt", b"text\0\0" + zlib.compress(bytes(2 << 20), 9))),
        ("png with text compressed in an unknown way", chunk(b"zTXt", b"text\0\7abc")),
    ):
        yield vector(name, with_chunk(data, added), image)
    data = encoded(image, "JPEG", quality=85)
    for name, changed in (
        ("jpeg with EXIF of zeros", odd_files.with_segment(data, 0xE1, b"Exif\0\0" + bytes(60))),
        ("jpeg with a cut ICC segment", odd_files.with_segment(data, 0xE2, b"ICC_PROFILE\0")),
        ("jpeg with a short JFIF segment", odd_files.with_short_jfif(data)),
    ):
        yield vector(name, changed, plain(data), bits=2)
    # The page refuses both: createImageBitmap does what the img element does not.
    for name, changed in (
        ("jpeg with a second scan", odd_files.with_second_scan(data)),
        ("jpeg with an unknown marker before its end", data[:-2] + b"\xff\x02" + data[-2:]),
    ):
        yield vector(name, changed, plain(data), bits=2, browser=False)
    # The page takes it for a file that is still being downloaded.
    yield vector("jpeg without its end", data[:-2], plain(data), bits=2, browser=False)
    few, white = image.quantize(32), Image.new("RGB", (160, 120), "white")
    white.paste(few.convert("RGB"), (20, 10))
    data = odd_files.in_part(encoded(few, "GIF"), white.size, (20, 10))
    yield vector("gif whose frame covers a part", data, white)
    data = encoded(image, "AVIF", quality=80)
    cropped = plain(data).crop((0, 0, 100, 60))
    data = odd_files.with_aperture(data, image.size, cropped.size)
    yield vector("avif with an aperture at the origin", data, cropped, bits=4)
    other = encoded(picture(120, 90, seed=2), "PNG")
    data = odd_files.hidden_default(other, encoded(image, "PNG"), image.size)
    yield vector("png animated, without its default image", data, image)
    stored = encoded(odd_files.linear(image), "PNG")
    data = with_chunk(stored, chunk(b"gAMA", struct.pack(">I", 100_000)))
    yield vector("png with gAMA 1.0", data, image, bits=10)
    data = with_chunk(stored, chunk(b"cICP", bytes((1, 8, 0, 1))))
    yield vector("png in linear light by cICP", data, image, bits=10)
    grey = np.asarray(image.convert("L")).astype(np.uint32)
    data = odd_files.grey_tiff(65_535 - grey * 257, 16, white_is_zero=True)
    yield vector("tiff 16-bit grey, 0 is white", data, image.convert("L"), browser=False)
    data = odd_files.grey_tiff((grey * 4_095 + 127) // 255, 12, white_is_zero=False)
    yield vector("tiff 12-bit grey", data, image.convert("L"), browser=False, bits=2)


def vectors() -> list[dict[str, Any]]:
    """Return all of vectors.json."""
    parts = (lossless, sixteen_bit, transparent, lossy, turned, profiled, animated, odd)
    return [entry for part in parts for entry in part()]


def patches(width: int, height: int, side: int) -> Image.Image:
    """Draw squares of random colours: their few distinct samples make rounding decide bits."""
    colours = np.random.default_rng(0).integers(0, 90, (height // side, width // side, 3))
    drawn = np.kron(colours, np.ones((side, side, 1), np.int64))
    return Image.fromarray(drawn.astype(np.uint8))


def views() -> list[dict[str, Any]]:
    """Return all of views.json: the hash of each view's own pixels.

    On the last three of them that are upright, a hash made from another view's samples would
    differ; the others are turned by EXIF, in every way.
    """
    shapes = [picture(*size, seed=5) for size in ((200, 150), (301, 449), (512, 512))]
    upright = (*shapes, picture(seed=49), patches(66, 48, 6), patches(48, 66, 3))
    return [_view_hashes(each) for each in upright] + [
        _view_hashes(picture(96, 72), orientation) for orientation in TO_STORED
    ]


def _view_hashes(image: Image.Image, orientation: int = 1) -> dict[str, Any]:
    pixels = np.asarray(image)
    hashes = {}
    for start, prefix in ((pixels, ""), (pixels[:, ::-1], "mirror-")):
        for quarters in range(4):
            name = f"{prefix}turn-{90 * quarters}" if quarters else prefix.strip("-") or "original"
            turned = np.ascontiguousarray(np.rot90(start, -quarters))
            pdq_of_it, quality = pdq(Image.fromarray(turned))
            hashes[name] = {"pdq": pdq_of_it, "quality": quality}
    name, data = f"{image.width} x {image.height}", encoded(image, "PNG")
    if orientation != 1:
        name += f", turned by exif {orientation}"
        stored = image.transpose(TO_STORED[orientation])
        data = encoded(stored, "PNG", exif=exif(orientation))
    return {"name": name, "base64": base64.b64encode(data).decode(), "views": hashes}


def refused() -> list[dict[str, Any]]:
    """Return all of refused.json."""
    image = picture(120, 90)
    cases = [
        ("empty file", b"", "not-an-image"),
        ("text", b"This is not an image.\n" * 20, "not-an-image"),
        ("svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not-an-image"),
        ("png of 20000 x 20000", oversized_png(20_000, 20_000), "too-many-pixels"),
    ]
    for form in ("JPEG", "PNG", "WEBP", "GIF"):
        data = encoded(image, form)
        cases.append((f"truncated {form.lower()}", data[: len(data) // 2], "broken"))
    return [
        {"name": name, "base64": base64.b64encode(data).decode(), "reason": reason}
        for name, data, reason in cases
    ]


def oversized_png(width: int, height: int) -> bytes:
    """Return a tiny PNG whose header declares far more pixels than it has."""
    tiny = png(np.zeros((1, 1, 3), np.uint16), 2)
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return tiny[:12] + header + struct.pack(">I", zlib.crc32(header)) + tiny[33:]


def main() -> None:
    """Write the three files of vectors."""
    for name, entries in (("vectors", vectors()), ("views", views()), ("refused", refused())):
        text = json.dumps(entries, indent=1) + "\n"
        (HERE / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
