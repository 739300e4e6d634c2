"""A submission before it is sent: its content, what it refuses, and its file."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from unseen import (
    VIEWS,
    Fingerprint,
    InputError,
    QualityTooLowError,
    Submission,
    UnreadableFileError,
    read_pin,
)
from unseen.crops import CROPS

from .declarations import TRUE, prints


def test_the_body_is_that_of_the_request() -> None:
    submission = Submission.of([prints(100, 99)], **TRUE)
    assert submission.body == {
        "images": [
            {
                "hashes": [
                    {"pdq": "0" * 64, "quality": 100, "view": "original"},
                    {"pdq": "0" * 63 + "1", "quality": 99, "view": "mirror"},
                ],
                "convention": "pdq-srgb-full-2",
            }
        ],
        "statements": TRUE,
        "pin": submission.pin,
    }
    assert read_pin(submission.pin) == submission.pin
    assert 16 <= len(submission.idempotency_key) <= 64


def test_a_view_too_weak_to_be_sent_is_left_out_and_a_weak_image_refused() -> None:
    body = Submission.of([prints(50, 49, 50)], **TRUE).body
    assert [one["view"] for one in body["images"][0]["hashes"]] == ["original", "turn-90"]
    with pytest.raises(QualityTooLowError):
        Submission.of([prints(49, 50)], **TRUE)


@pytest.mark.parametrize("false", TRUE)
def test_every_statement_must_be_true(false: str) -> None:
    with pytest.raises(InputError) as caught:
        Submission.of([prints(100)], **{**TRUE, false: False})
    assert ("takeitdown" in caught.value.hint) == (false == "adult")


@pytest.mark.parametrize("count", [0, 1001])
def test_a_submission_has_one_to_a_thousand_images(count: int) -> None:
    with pytest.raises(InputError):
        Submission.of([prints(100)] * count, **TRUE)
    with pytest.raises(InputError):
        Submission.of([[]], **TRUE)


def test_crops_of_very_many_images_do_not_fit_a_case() -> None:
    views = [Fingerprint("0" * 64, 100, view=view) for view in (*VIEWS, *CROPS)]
    with pytest.raises(InputError, match="10000 hashes"):
        Submission.of([views] * 500, **TRUE)
    body = Submission.of([views] * 430, **TRUE).body
    assert len(json.dumps(body, separators=(",", ":"))) < 1280 * 1024


def test_a_thousand_images_with_all_views_fit_the_bodys_limit() -> None:
    submission = Submission.of([prints(*[100] * len(VIEWS))] * 1000, **TRUE)
    assert len(json.dumps(submission.body, separators=(",", ":"))) < 2 * 1024 * 1024


def test_pins_and_keys_are_never_the_same() -> None:
    made = [Submission.of([prints(100)], **TRUE) for _ in range(100)]
    assert len({one.pin for one in made}) == len({one.idempotency_key for one in made}) == 100


def test_a_saved_submission_is_loaded_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    submission = Submission.of([prints(100)], **TRUE, server="https://unseen.example")
    submission.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Submission.load(path) == submission
    with pytest.raises(InputError, match="File exists"):
        submission.save(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert Submission.load(path) == submission, "an editor on Windows put a byte order mark there"


GOOD: dict[str, Any] = {
    "unseen_submission": 1,
    "server": None,
    "idempotency_key": "k" * 22,
    "body": {"images": [], "statements": TRUE, "pin": "7K4M-9QTX-2HBD"},
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        json.dumps({**GOOD, "unseen_submission": 2}),
        json.dumps({**GOOD, "body": []}),
        json.dumps({**GOOD, "body": {**GOOD["body"], "pin": "1234"}}),
        json.dumps({**GOOD, "body": {**GOOD["body"], "pin": None}}),
        json.dumps({**GOOD, "idempotency_key": "short"}),
        json.dumps({**GOOD, "idempotency_key": "k" * 22 + "\r\nHeader: x"}),
        json.dumps({**GOOD, "server": 5}),
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
)
def test_a_file_that_is_not_a_submission_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kept.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        Submission.load(path)
    assert caught.value.hint


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError):
        Submission.load(tmp_path / "gone.json")
