"""Which hashes are refused at intake, and why; and which never are."""

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from unseen_service.__main__ import main
from unseen_service.live.clock import Clock
from unseen_service.live.screening import LiveScreening
from unseen_service.models.hashes import MATCH_RADIUS
from unseen_service.screening.crowding import MAX_NEAR
from unseen_service.screening.degenerate import load_drawn_hashes, rejection_reasons
from unseen_service.usecases import benign_hashes

from tests.clients.python.pictures import photo
from tests.support.encryption import key_file
from tests.support.hashes import flipped, random_pdq
from tests.support.problems import problem_slug
from tests.support.running_service import RunningService
from tests.support.submissions import post_hashes, submission
from tests.support.waiting import wait_until
from tests.support.work_counter import crowd
from tools.drawn import SIZES, reference_hash, shapes, views

PHOTOS = [
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
    "page.png",
]
"""The photos and scans that scikit-image ships: all of quality 50 and more."""


def hashes(*pdqs: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(pdqs)), np.uint8).reshape(-1, 32)


def luma(name: str) -> npt.NDArray[np.float64]:
    return np.asarray(Image.open(io.BytesIO(photo(name))).convert("L").resize((384, 384)), float)


def crops(picture: npt.NDArray[np.float64]) -> Iterator[npt.NDArray[np.float64]]:
    yield picture
    for top in (0, 96):
        for left in (0, 96):
            yield picture[top : top + 288, left : left + 288]


@pytest.fixture(scope="module")
def photo_hashes() -> npt.NDArray[np.uint8]:
    """The hashes of every photo and four crops of it, in all views."""
    found = [reference_hash(v) for name in PHOTOS for c in crops(luma(name)) for v in views(c)]
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, 32)


def test_no_photo_is_refused(photo_hashes: npt.NDArray[np.uint8]) -> None:
    assert len(photo_hashes) == 17 * 5 * 8
    assert not any(LiveScreening(Clock()).degenerate(photo_hashes))


def test_photos_pass_every_rule_with_a_margin(photo_hashes: npt.NDArray[np.uint8]) -> None:
    """The margins that docs/intake.md promises."""
    counts = np.unpackbits(photo_hashes, axis=1).sum(axis=1)
    assert counts.min() >= 125
    assert counts.max() == 128
    drawn = load_drawn_hashes()
    nearest = min(np.bitwise_count(drawn ^ each).sum(axis=1).min() for each in photo_hashes)
    assert nearest > MATCH_RADIUS + 12


@pytest.mark.parametrize("size", SIZES[::3])
def test_simple_drawings_are_refused_in_every_view(size: tuple[int, int]) -> None:
    screening = LiveScreening(Clock())
    for number, shape in enumerate(shapes(*size)):
        if number % 7 == 0:
            found = b"".join(reference_hash(view) for view in views(shape))
            pdqs = np.frombuffer(found, np.uint8).reshape(-1, 32)
            assert all(screening.degenerate(pdqs)), number


@given(
    period=st.sampled_from([1, 2, 4, 8, 16, 32, 64]),
    pattern=st.integers(0, 2**64 - 1),
    noise=st.integers(0, 8),
)
def test_repeated_pattern_is_refused(period: int, pattern: int, noise: int) -> None:
    row = [pattern >> (n % period) & 1 for n in range(256)]
    pdq = np.packbits(np.array(row, np.uint8)).tobytes().hex()
    assert rejection_reasons(hashes(flipped(pdq, noise, seed=pattern % 999))) != [None]


@pytest.mark.parametrize(
    ("pdq", "why"),
    [
        ("00" * 32, "bits are set"),
        ("ff" * 32, "bits are set"),
        (f"{1:064x}", "bits are set"),
        ("aa" * 32, "repeat"),
        ("aaaa5555" * 8, "repeat"),
        ("0123456789abcdef" * 4, "repeat"),
        (("ff" * 2 + "00" * 2) * 8, "repeat"),
    ],
)
def test_degenerate_hash_is_refused_with_its_path_and_reason(
    any_service: RunningService, pdq: str, why: str
) -> None:
    refused = httpx.post(f"{any_service.url}/v1/cases", json=submission(random_pdq(1), pdq))
    assert (refused.status_code, problem_slug(refused)) == (422, "degenerate-hash")
    (error,) = refused.json()["errors"]
    assert error["at"] == "images.1.hashes.0.pdq"
    assert why in error["detail"]
    assert pdq not in refused.text


def test_service_refuses_drawn_hashes(any_service: RunningService) -> None:
    pdqs = [each.tobytes().hex() for each in load_drawn_hashes()[::20]]
    refused = httpx.post(f"{any_service.url}/v1/cases", json=submission(*pdqs))
    assert (refused.status_code, problem_slug(refused)) == (422, "degenerate-hash")
    assert len(refused.json()["errors"]) == len(pdqs)


def test_hash_near_a_benign_hash_is_refused_until_that_is_removed(
    service: RunningService,
) -> None:
    logo = random_pdq(5)
    (number,) = service.flow(
        lambda store: benign_hashes.add_benign(store, [bytes.fromhex(logo)], "logo")
    )
    near, beyond = submission(flipped(logo, 31)), submission(flipped(logo, 32))

    def status(body: object) -> int:
        return httpx.post(f"{service.url}/v1/cases", json=body).status_code

    wait_until(lambda: status(near) == 422, within=2)
    refused = httpx.post(f"{service.url}/v1/cases", json=near)
    assert problem_slug(refused) == "known-benign"
    assert refused.json()["errors"][0]["at"] == "images.0.hashes.0.pdq"
    assert status(beyond) == 201
    service.flow(lambda store: benign_hashes.remove_benign(store, [number]))
    wait_until(lambda: status(near) == 201, within=2)


def test_benign_command_manages_the_bank(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("UNSEEN_ENCRYPTION_KEY_FILE", str(key_file()))

    def run(*arguments: str) -> str:
        assert main(["benign", *arguments]) == 0
        return capsys.readouterr().out

    lines, printed, image = tmp_path / "hashes.txt", tmp_path / "hash.json", tmp_path / "logo.png"
    lines.write_text(f"# logos\n{random_pdq(1)}\n{random_pdq(2).upper()}  # two\n")
    printed.write_text(json.dumps({"images": [{"pdq": random_pdq(3)}], "left_out": []}))
    image.write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    assert run("list") == "the bank is empty\n"
    assert run("add", str(lines), str(printed), "--note", "logos") == "added 3 hashes\n"
    again = run("add", "--hash", random_pdq(1), "--hash", random_pdq(4))
    assert again == "added 1 hashes; 1 were in the bank already\n"
    rows = [line.split() for line in run("list").splitlines()]
    assert {row[1] for row in rows} == {random_pdq(n) for n in (1, 2, 3, 4)}
    assert run("remove", rows[0][0], rows[1][0]) == "removed 2 hashes\n"
    for wrong, message in (
        (["remove", rows[0][0]], "'unseen-service benign list'"),
        (["add", str(image)], "unseen hash --json"),
        (["add", "--hash", "12"], "64 hexadecimal digits"),
        (["add"], "Give a file"),
        (["add", str(tmp_path / "none")], "cannot be read"),
    ):
        assert main(["benign", *wrong]) == 1
        assert message in capsys.readouterr().err


def test_benign_bank_is_audited_without_its_hashes(service: RunningService) -> None:
    pdq = random_pdq(9)
    service.flow(lambda store: benign_hashes.add_benign(store, [bytes.fromhex(pdq)], "a meme"))
    with service.client("audit") as staff:
        response = staff.get("/v1/audit", params={"kind": "benign.added"})
    (entry,) = response.json()["entries"]
    assert entry["details"]["note"] == "a meme"
    assert pdq not in response.text


def test_crowd_of_near_duplicates_is_refused(service: RunningService) -> None:
    """Before, one submission put 8,000 hashes around a picture."""
    refused = post_hashes(service, *crowd(random_pdq(1), MAX_NEAR + 1, bits=12))
    assert (refused.status_code, problem_slug(refused)) == (422, "too-similar")
    assert 1 <= len(refused.json()["errors"]) <= 20


def test_crowd_is_refused_the_same_whether_or_not_others_stored_it(
    service: RunningService,
) -> None:
    """Otherwise anybody could tell from the answer whether a picture is stored."""
    near = crowd(random_pdq(1), 2 * MAX_NEAR, bits=12)
    for start in range(0, len(near), 200):
        assert post_hashes(service, *near[start : start + 200]).status_code == 201
    service.wait_in_step()
    assert post_hashes(service, random_pdq(1)).status_code == 201
    assert post_hashes(service, *near[:MAX_NEAR]).status_code == 201


def test_many_photos_taken_in_a_row_are_accepted(service: RunningService) -> None:
    """120 of one scene, each in 8 views: hashes of one view are close, those of two are not."""
    views = [crowd(random_pdq(n), 120, bits=12, seed=n) for n in range(8)]
    assert post_hashes(service, *itertools.chain(*views)).status_code == 201


def test_same_hash_many_times_is_no_crowd(service: RunningService) -> None:
    assert post_hashes(service, *[random_pdq(9)] * 300).status_code == 201
