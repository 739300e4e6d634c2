"""The page's hashes are pdqhash's: bit for bit, quality for quality, in every view."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect

from clients.browser.assemble import assemble, read_sources

from .person import WORDS, Person, file
from .pictures import Pixels, encoded, expected, photo, scene
from .relay import Relay

VECTORS = Path(__file__).parents[2] / "contract" / "pixels"


def vectors(name: str) -> list[Any]:
    listed: list[Any] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    return [entry for entry in listed if entry.get("browser", True)]


def distance(a: str, b: str) -> int:
    return (int(a, 16) ^ int(b, 16)).bit_count()


def pixels() -> list[Pixels]:
    """Sizes that meet every path: boxes of odd and even width, tiny, long, exactly 64 x 64."""
    rng = np.random.default_rng(11)
    noise = [(5, 8), (63, 65), (64, 64), (64, 64), (127, 129), (128, 130), (200, 40)]
    noise += [(int(h), int(w)) for h, w in rng.integers(8, 160, (20, 2))]
    scenes = [(257, 385), (386, 258), (512, 513), (640, 641), (700, 901)]
    # Where a view that is derived from another is a point of quality off.
    derived = [(20, 28, 69), (600, 83, 107), (626, 136, 95)]
    return [
        *(rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in noise),
        *(scene(seed, *size) for seed, size in enumerate(scenes)),
        *(scene(*each) for each in derived),
    ]


def test_every_view_is_hashed_as_its_pixels_are(person: Person) -> None:
    person.begin()
    drawn = pixels()
    images = person.hashes([file(f"{i}.png", encoded(one)) for i, one in enumerate(drawn)])
    for one, image in zip(drawn, images, strict=True):
        found = {each["view"]: (each["pdq"], each["quality"]) for each in image["hashes"]}
        assert found == expected(one), one.shape


def test_the_vectors_that_every_client_runs(person: Person) -> None:
    person.begin()
    differing = {}
    for entry in vectors("vectors"):
        found = person.hash_one(file(entry["name"], base64.b64decode(entry["base64"])))
        if entry["quality"] < 50:
            assert found is None, entry["name"]
            continue
        assert found, entry["name"]
        bits = distance(found[0]["pdq"], entry["pdq"])
        exact = entry["tolerance_bits"] == 0
        if bits > entry["tolerance_bits"] or (exact and found[0]["quality"] != entry["quality"]):
            differing[entry["name"]] = (bits, found[0]["quality"], entry["quality"])
    assert differing == {}


def test_the_views_that_every_client_runs(person: Person) -> None:
    person.begin()
    for entry in vectors("views"):
        hashes = person.hash_one(file(entry["name"], base64.b64decode(entry["base64"])))
        found = {each.pop("view"): each for each in hashes or []}
        assert found == entry["views"], entry["name"]


def test_what_every_client_refuses(person: Person) -> None:
    person.begin()
    entries = vectors("refused")
    person.choose(*(file(each["name"], base64.b64decode(each["base64"])) for each in entries))
    said = dict(zip([each["name"] for each in entries], person.reasons(), strict=True))
    for entry in entries:
        frame = WORDS["frame"]
        reasons = {
            "not-an-image": [frame["refused-unreadable"]],
            "broken": [frame["refused-truncated"], frame["refused-unreadable"]],
            "too-many-pixels": [frame["refused-large"], frame["refused-unreadable"]],
        }
        assert said[entry["name"]] in reasons[entry["reason"]], entry["name"]


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
TIFF = b"II*\0" + bytes(200)
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(200)


REFUSED = [
    ("heic", HEIC),
    ("tiff", TIFF),
    ("video", VIDEO),
    ("unreadable", b"not an image"),
    ("plain", encoded(np.full((300, 300, 3), 90, np.uint8))),
    ("truncated", photo(1)[:-2000]),
    ("truncated", encoded(scene(1, 90, 90))[:-20]),
    ("truncated", encoded(scene(1, 90, 90), "GIF")[:-300]),
    ("truncated", encoded(scene(1, 90, 90), "WEBP")[:-300]),
]


def test_a_refusal_says_why(person: Person) -> None:
    person.begin()
    person.choose(*(file(f"IMG_{i}", data) for i, (_, data) in enumerate(REFUSED)))
    assert person.reasons() == [WORDS["frame"][f"refused-{reason}"] for reason, _ in REFUSED]
    expect(person.button(WORDS["pick"]["go"])).to_be_disabled()


def test_a_file_with_something_after_its_end_is_whole(person: Person) -> None:
    person.begin()
    for kind in ("JPEG", "PNG", "GIF", "WEBP"):
        person.choose(file(kind, encoded(scene(1, 240, 320), kind) + b"trailer"))
        assert person.reasons() == [], kind
        person.remove_all()


def test_the_same_image_is_taken_once(person: Person) -> None:
    person.begin()
    person.choose(file("one.jpg", photo(1)), file("again.jpg", photo(1)))
    assert person.reasons() == [WORDS["frame"]["refused-twice"]]
    assert len(person.review()["images"]) == 1


# What Firefox's resistFingerprinting does: other pixels, no error.
LYING_CANVAS = """
const honest = OffscreenCanvasRenderingContext2D.prototype.getImageData;
OffscreenCanvasRenderingContext2D.prototype.getImageData = function (...area) {
  const read = honest.apply(this, area);
  for (let i = 0; i < read.data.length; i += 4) read.data[i] ^= BITS;
  return read;
};
"""


def test_a_canvas_that_lies_is_refused(page: Page, relay: Relay) -> None:
    for bits in ("1", "Math.random() * 256"):
        sources = read_sources()
        sources["worker.js"] = LYING_CANVAS.replace("BITS", bits) + sources["worker.js"]
        relay.page = assemble(sources)
        page.reload()
        person = Person(page)
        person.begin()
        person.choose(file("one.jpg", photo(1)))
        assert person.reasons() == [WORDS["frame"]["refused-canvas"]]
