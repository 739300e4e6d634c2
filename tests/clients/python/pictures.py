"""Test files: drawn pictures, damaged files, and the photos of scikit-image."""

import importlib.util
import io
from pathlib import Path

from PIL import Image

from tests.contract.pixels.draw import encoded, oversized_png, picture

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def photo(name: str) -> bytes:
    """Read a photo that scikit-image ships, without importing it."""
    found = importlib.util.find_spec("skimage")
    assert found
    assert found.origin
    return (Path(found.origin).parent / "data" / name).read_bytes()


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """Encode as JPEG."""
    return encoded(image.convert("RGB"), "JPEG", quality=quality)


def opened(data: bytes) -> Image.Image:
    """Decode with Pillow alone."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def fill(folder: Path) -> None:
    """Write one file of each kind, good and bad, into a folder."""
    album = folder / "album" / "summer"
    album.mkdir(parents=True)
    (folder / "photo.png").write_bytes(encoded(picture(seed=1), "PNG"))
    (folder / "other.jpg").write_bytes(jpeg(picture(seed=2)))
    (folder / "copy.jpg").write_bytes(jpeg(picture(seed=1), 50))
    (folder / "mirrored.jpg").write_bytes(
        jpeg(picture(seed=1).transpose(Image.Transpose.FLIP_LEFT_RIGHT), 50)
    )
    (folder / "album" / "beach.png").write_bytes(encoded(picture(seed=3), "PNG"))
    (album / "dune.png").write_bytes(encoded(picture(seed=4), "PNG"))
    (album / "notes.txt").write_text("not an image")
    (folder / "notes.txt").write_text("not an image")
    (folder / "flat.png").write_bytes(encoded(Image.new("RGB", (200, 150), "grey"), "PNG"))
    (folder / "cut.jpg").write_bytes(jpeg(picture())[:2000])
    (folder / "bomb.png").write_bytes(oversized_png(20_000, 20_000))
    (folder / "nothing").mkdir()
    (folder / "many").mkdir()
    for number in range(20):
        data = encoded(picture(64, 64, seed=number), "PNG")
        (folder / "many" / f"{number:02}.png").write_bytes(data if number != 7 else data[:99])
