"""The page's hashes and qualities equal those of pdqhash, in every view; refused files."""

import numpy as np
from playwright.sync_api import Page, expect

from clients.browser.assemble import assemble, read_sources

from .drawn_images import Pixels, encode, photo, reference_hashes, scene
from .person import TEXTS, Person, file
from .recording_proxy import RecordingProxy
from .shared_vectors import is_expected, refusal_texts, vectors


def sample_images() -> list[Pixels]:
    """Return images whose sizes cover every path: odd and even boxes, tiny, long, 64 x 64."""
    rng = np.random.default_rng(11)
    noise = [(5, 8), (63, 65), (64, 64), (64, 64), (127, 129), (128, 130), (200, 40)]
    noise += [(int(h), int(w)) for h, w in rng.integers(8, 160, (20, 2))]
    scenes = [(257, 385), (386, 258), (512, 513), (640, 641), (700, 901)]
    # On these, a view derived from another view's samples differs by a point of quality.
    derived = [(20, 28, 69), (600, 83, 107), (626, 136, 95)]
    return [
        *(rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in noise),
        *(scene(seed, *size) for seed, size in enumerate(scenes)),
        *(scene(*each) for each in derived),
    ]


def test_every_view_hashes_as_its_pixels_do(person: Person) -> None:
    person.start()
    drawn = sample_images()
    images = person.hash_files([file(f"{i}.png", encode(one)) for i, one in enumerate(drawn)])
    for one, image in zip(drawn, images, strict=True):
        found = {each["view"]: (each["pdq"], each["quality"]) for each in image["hashes"]}
        assert found == reference_hashes(one), one.shape


def test_shared_vectors(person: Person) -> None:
    person.start()
    wrong = [
        entry["name"]
        for entry, data in vectors("vectors")
        if not is_expected(entry, person.hash_file(file(entry["name"], data)))
    ]
    assert wrong == []


def test_shared_vectors_of_views(person: Person) -> None:
    person.start()
    for entry, data in vectors("views"):
        hashes = person.hash_file(file(entry["name"], data))
        found = {each.pop("view"): each for each in hashes or []}
        assert found == entry["views"], entry["name"]


def test_shared_vectors_of_refused_files(person: Person) -> None:
    person.start()
    entries = vectors("refused")
    person.choose(*(file(entry["name"], data) for entry, data in entries))
    for (entry, _), shown in zip(entries, person.refusal_reasons(), strict=True):
        assert shown in refusal_texts(entry["reason"]), entry["name"]


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
TIFF = b"II*\0" + bytes(200)
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(200)


REFUSED = [
    ("heic", HEIC),
    ("tiff", TIFF),
    ("video", VIDEO),
    ("unreadable", b"not an image"),
    ("plain", encode(np.full((300, 300, 3), 90, np.uint8))),
    ("truncated", photo(1)[:-2000]),
    ("truncated", encode(scene(1, 90, 90))[:-20]),
    ("truncated", encode(scene(1, 90, 90), "GIF")[:-300]),
    ("truncated", encode(scene(1, 90, 90), "WEBP")[:-300]),
]


def test_each_refusal_shows_its_reason(person: Person) -> None:
    person.start()
    person.choose(*(file(f"IMG_{i}", data) for i, (_, data) in enumerate(REFUSED)))
    assert person.refusal_reasons() == [
        TEXTS["picker"][f"refused-{reason}"] for reason, _ in REFUSED
    ]
    expect(person.button(TEXTS["pick"]["go"])).to_be_disabled()


def test_trailing_bytes_do_not_make_a_file_truncated(person: Person) -> None:
    person.start()
    for kind in ("JPEG", "PNG", "GIF", "WEBP"):
        person.choose(file(kind, encode(scene(1, 240, 320), kind) + b"trailer"))
        assert person.refusal_reasons() == [], kind
        person.remove_all()


def test_a_duplicate_image_is_refused(person: Person) -> None:
    person.start()
    person.choose(file("one.jpg", photo(1)), file("again.jpg", photo(1)))
    assert person.refusal_reasons() == [TEXTS["picker"]["refused-duplicate"]]
    assert len(person.review()["images"]) == 1


# What Firefox's resistFingerprinting does: it returns other pixels, without an error.
ALTERING_CANVAS = """
const original = OffscreenCanvasRenderingContext2D.prototype.getImageData;
OffscreenCanvasRenderingContext2D.prototype.getImageData = function (...area) {
  const read = original.apply(this, area);
  for (let i = 0; i < read.data.length; i += 4) read.data[i] ^= BITS;
  return read;
};
"""


def test_a_canvas_that_alters_pixels_is_detected(page: Page, proxy: RecordingProxy) -> None:
    for bits in ("1", "Math.random() * 256"):
        sources = read_sources()
        sources["hashing/worker.js"] = (
            ALTERING_CANVAS.replace("BITS", bits) + sources["hashing/worker.js"]
        )
        proxy.page = assemble(sources)
        page.reload()
        person = Person(page)
        person.start()
        person.choose(file("one.jpg", photo(1)))
        assert person.refusal_reasons() == [TEXTS["picker"]["refused-canvas"]]
