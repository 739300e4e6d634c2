"""The Python client on the vectors that every client runs."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from unseen import Fingerprint, errors, fingerprint, fingerprint_views

from tests.clients.browser.pictures import expected, scene

from .pixels import draw

PIXELS = Path(__file__).parent / "pixels"
REASONS = {
    "not-an-image": errors.NotAnImageError,
    "broken": errors.BrokenImageError,
    "too-many-pixels": errors.TooManyPixelsError,
}


def entries(name: str) -> list[Any]:
    listed = json.loads((PIXELS / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(entry, id=entry["name"]) for entry in listed]


@pytest.mark.parametrize("entry", entries("vectors"))
def test_hash_is_that_of_the_pixels_as_seen(entry: dict[str, Any]) -> None:
    found = fingerprint(base64.b64decode(entry["base64"]))
    assert found.distance(Fingerprint(entry["pdq"], 100)) <= entry["tolerance_bits"]
    if not entry["tolerance_bits"]:
        assert found.quality == entry["quality"]


@pytest.mark.parametrize("entry", entries("vectors"))
def test_fast_hash_is_close_on_every_kind_of_file(entry: dict[str, Any]) -> None:
    found = fingerprint(base64.b64decode(entry["base64"]), fast=True)
    assert found.distance(Fingerprint(entry["pdq"], 100)) <= entry["tolerance_bits"] + 2
    assert abs(found.quality - entry["quality"]) <= 1


@pytest.mark.parametrize("entry", entries("views"))
def test_a_view_hashes_as_its_turned_pixels(entry: dict[str, Any]) -> None:
    found = fingerprint_views(base64.b64decode(entry["base64"]))
    assert as_listed(found) == entry["views"]


def as_listed(found: Iterable[Fingerprint]) -> dict[str, dict[str, Any]]:
    return {print_.view: {"pdq": print_.pdq, "quality": print_.quality} for print_ in found}


# The last three are scenes on which the shortcut by transposing was a point of quality off.
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(16, 140), st.integers(16, 140))
@example(20, 28, 69)
@example(600, 83, 107)
@example(626, 136, 95)
def test_every_view_hashes_as_the_reference_hashes_its_pixels(
    seed: int, height: int, width: int
) -> None:
    pixels = scene(seed, height, width)
    turned = {}
    for view, (pdq, quality) in expected(pixels).items():
        turned[view] = {"pdq": pdq, "quality": quality}
    assert as_listed(fingerprint_views(draw.encoded(Image.fromarray(pixels), "PNG"))) == turned


@pytest.mark.parametrize("entry", entries("refused"))
def test_what_is_no_whole_image_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(REASONS[entry["reason"]]) as caught:
        fingerprint(base64.b64decode(entry["base64"]))
    assert caught.value.hint


def test_expected_hashes_are_still_those_of_the_drawn_pixels() -> None:
    drawn = {entry["name"]: (entry["pdq"], entry["quality"]) for entry in draw.vectors()}
    for entry in json.loads((PIXELS / "vectors.json").read_text(encoding="utf-8")):
        expected, quality = drawn[entry["name"]]
        distance = Fingerprint(expected, quality).distance(Fingerprint(entry["pdq"], 100))
        assert distance <= entry["tolerance_bits"], entry["name"]
    assert draw.views() == json.loads((PIXELS / "views.json").read_text(encoding="utf-8"))
