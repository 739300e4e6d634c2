"""The shared vectors of the pixel convention, and the list of views in clients and service."""

import base64
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from unseen import Fingerprint, errors, fingerprint, fingerprint_views
from unseen.views import VIEWS
from unseen_service.models.hashes import View

from clients.browser.assemble import read_sources
from tests.clients.browser.drawn_images import reference_hashes, scene

from .pixels import draw

PIXELS = Path(__file__).parent / "pixels"
REASONS = {
    "not-an-image": errors.NotAnImageError,
    "broken": errors.BrokenImageError,
    "too-many-pixels": errors.TooManyPixelsError,
}


def load(name: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((PIXELS / f"{name}.json").read_text(encoding="utf-8"))
    return listed


def entries(name: str) -> list[Any]:
    return [pytest.param(entry, id=entry["name"]) for entry in load(name)]


@pytest.mark.parametrize("entry", entries("vectors"))
def test_hash_equals_that_of_the_visible_pixels(entry: dict[str, Any]) -> None:
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
def test_each_view_hashes_as_its_turned_pixels(entry: dict[str, Any]) -> None:
    found = fingerprint_views(base64.b64decode(entry["base64"]))
    assert by_view(found) == entry["views"]


def by_view(found: Iterable[Fingerprint]) -> dict[str, dict[str, Any]]:
    return {print_.view: {"pdq": print_.pdq, "quality": print_.quality} for print_ in found}


# On the examples, hashing a view from transposed samples is off by a point of quality.
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(16, 140), st.integers(16, 140))
@example(20, 28, 69)
@example(600, 83, 107)
@example(626, 136, 95)
def test_views_of_random_images_hash_as_in_the_reference(
    seed: int, height: int, width: int
) -> None:
    pixels = scene(seed, height, width)
    turned = {}
    for view, (pdq, quality) in reference_hashes(pixels).items():
        turned[view] = {"pdq": pdq, "quality": quality}
    assert by_view(fingerprint_views(draw.encoded(Image.fromarray(pixels), "PNG"))) == turned


@pytest.mark.parametrize("entry", entries("refused"))
def test_files_without_a_complete_image_are_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(REASONS[entry["reason"]]) as caught:
        fingerprint(base64.b64decode(entry["base64"]))
    assert caught.value.hint


def test_the_vectors_are_up_to_date() -> None:
    drawn = {entry["name"]: (entry["pdq"], entry["quality"]) for entry in draw.vectors()}
    for entry in load("vectors"):
        pdq, quality = drawn[entry["name"]]
        distance = Fingerprint(pdq, quality).distance(Fingerprint(entry["pdq"], 100))
        assert distance <= entry["tolerance_bits"], entry["name"]
    assert draw.views() == load("views")


def browser_views() -> list[str]:
    """Return the browser client's views, read from the one place that lists them."""
    table = read_sources()["convention.js"].partition("const VIEWS = {")[2].partition("};")[0]
    return re.findall(r'"([a-z0-9-]+)": \{', table)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(VIEWS, id="Python client"),
        pytest.param(browser_views(), id="browser"),
        pytest.param([view.value for view in View if not view.is_crop], id="service"),
    ],
)
def test_clients_and_service_know_the_same_views(known: list[str]) -> None:
    for entry in load("views"):
        assert sorted(known) == sorted(entry["views"])


def test_clients_send_the_views_in_the_same_order() -> None:
    assert browser_views() == list(VIEWS)
