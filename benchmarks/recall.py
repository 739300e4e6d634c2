"""How many edited copies are found: by one hash of an upload, and by the hashes of its parts.

Photos are edited in 18 groups of ways and looked up. The bank has the eight views of each photo,
as `unseen submit` sends them, or those and its crops, as `unseen submit --crops` does. Half of the
photos were used to choose the method: by default the figures are of the other half (`--photos DIR`
adds your own). `--table` prints Markdown.
"""

import hashlib
import importlib.util
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from unseen import VIEWS, Fingerprint, fingerprint_views, query_fingerprints

from .support.command import benchmark_parser, write_results
from .support.edits import GROUPS, Edit

BANDS = 31, 39
"""A match, and what is shown to people at most."""
LONG_SIDE = 1_200
NAMES = (
    "astronaut", "camera", "cat", "chelsea", "coffee", "coins", "grace_hopper", "motorcycle_left",
    "rocket",
)  # fmt: skip
"""Photos that come with scikit-image and Matplotlib."""

Hashes = npt.NDArray[np.uint8]


class Photo(NamedTuple):
    """A photo of the bench."""

    name: str
    image: Image.Image
    views: Hashes
    """The hashes of its views, shape (8, 32)."""
    crops: Hashes
    """The hashes of its crops, shape (crops, 32)."""


class Found(NamedTuple):
    """The smallest distances between one edited photo and what the bank has of it."""

    whole: int
    parts: int
    with_crops: int
    other: int
    """Between its parts and everything that the bank has of other photos."""


def main(arguments: list[str]) -> None:
    parser = benchmark_parser("recall", __doc__)
    parser.add_argument("--photos", type=Path, help="a folder of photos to add")
    parser.add_argument("--chosen", action="store_true", help="those that the method was chosen on")
    parser.add_argument("--repeat", type=int, default=2, help="random sizes of each edit")
    parser.add_argument("--table", action="store_true", help="print the table as Markdown")
    options = parser.parse_args(arguments)
    photos = [prepare(*each) for each in load(options.photos, is_chosen=options.chosen)]
    edits = sum(map(len, GROUPS.values()))
    print(
        f"{len(photos)} photos, {edits} edits in {len(GROUPS)} groups, {options.repeat} sizes each"
    )
    found = {name: measure(photos, name, options.repeat) for name in GROUPS}
    report(found, is_markdown=options.table)
    write_results("recall", {name: [each._asdict() for each in of] for name, of in found.items()})


def load(folder: Path | None, *, is_chosen: bool) -> Iterator[tuple[str, Image.Image]]:
    """Yield the photos of one half, scaled alike."""
    folders = [folder] if folder else []
    for package, inner in (("skimage", "data"), ("matplotlib", "mpl-data/sample_data")):
        spec = importlib.util.find_spec(package)
        assert spec
        assert spec.origin
        folders.append(Path(spec.origin).parent / inner)
    half = 0
    for path in sorted(each for one in folders for each in one.iterdir() if each.is_file()):
        if path.parent != folder and path.stem not in NAMES:
            continue
        try:
            image = Image.open(path).convert("RGB")
        except UnidentifiedImageError:
            continue
        half += 1
        if half % 2 == is_chosen:
            scale = LONG_SIDE / max(image.size)
            size = round(image.width * scale), round(image.height * scale)
            yield path.stem, image.resize(size, Image.Resampling.BICUBIC)


def prepare(name: str, image: Image.Image) -> Photo:
    prints = fingerprint_views(encoded(image, "PNG"), crops=True)
    stored = to_array(prints)
    return Photo(name, image, stored[: len(VIEWS)], stored[len(VIEWS) :])


def measure(photos: Sequence[Photo], group: str, repeat: int) -> list[Found]:
    """Look up each photo after each edit of a group."""
    found = []
    for number, photo in enumerate(photos):
        second = photos[(number + 1) % len(photos)]
        others = [each for each in photos if each.name not in (photo.name, second.name)]
        for name, edit in GROUPS[group].items():
            for turn in range(repeat):
                rng = np.random.default_rng([seed(group, name, photo.name), turn])
                found.append(look_up(photo, second, others, edit, rng))
    return found


def look_up(
    photo: Photo, second: Photo, others: Sequence[Photo], edit: Edit, rng: np.random.Generator
) -> Found:
    queries = to_array(
        query_fingerprints(encoded(edit(photo.image, second.image, rng), "JPEG", quality=88))
    )
    own = distances(queries, photo.views)
    cropped = int(distances(queries, photo.crops).min(initial=256))
    stored = [each for photo in others for each in (photo.views, photo.crops)]
    far = min((int(distances(queries, each).min(initial=256)) for each in stored), default=256)
    return Found(int(own[0].min()), int(own.min()), min(int(own.min()), cropped), far)


def seed(*names: str) -> int:
    """Return a number that is the same in every run."""
    return int.from_bytes(hashlib.sha256("\n".join(names).encode()).digest()[:8])


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def to_array(fingerprints: Sequence[Fingerprint]) -> Hashes:
    """Return hashes as bytes, shape (hashes, 32)."""
    joined = bytes.fromhex("".join(each.pdq for each in fingerprints))
    return np.frombuffer(joined, np.uint8).reshape(-1, 32)


def distances(queries: Hashes, stored: Hashes) -> npt.NDArray[np.int64]:
    """Return all distances in bits, shape (queries, stored)."""
    differ = np.bitwise_count(queries[:, np.newaxis] ^ stored)
    return differ.sum(axis=-1, dtype=np.int64)


def report(found: dict[str, list[Found]], *, is_markdown: bool) -> None:
    """Print the share of uploads found, by group, and the mean of the groups."""
    columns = ["whole", "parts", "with_crops"]
    heads = [f"{column} {band}" for column in columns for band in BANDS]
    rows = {
        name: [
            sum(getattr(each, column) <= band for each in of) / len(of)
            for column in columns
            for band in BANDS
        ]
        for name, of in found.items()
    }
    rows["mean of the groups"] = [
        sum(values) / len(rows) for values in zip(*rows.values(), strict=True)
    ]
    if is_markdown:
        print("| edits | " + " | ".join(heads) + " |")
        print("| --- |" + " --- |" * len(heads))
    else:
        print(f"  {'percent found':34}" + "".join(f"{head:>16}" for head in heads))
    for name, values in rows.items():
        if is_markdown:
            print(f"| {name} | " + " | ".join(f"{value:.0%}" for value in values) + " |")
        else:
            print(f"  {name:34}" + "".join(f"{value:16.0%}" for value in values))
    nearest = min(each.other for of in found.values() for each in of)
    print(f"\nnearest view or crop of another photo: {nearest} bits")
