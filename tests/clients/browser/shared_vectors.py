"""The shared vectors (tests/contract/pixels) that concern browsers, and what the page must show."""

import base64
import json
from pathlib import Path
from typing import Any

from .person import TEXTS

_FOLDER = Path(__file__).parents[2] / "contract" / "pixels"


def vectors(name: str) -> list[tuple[dict[str, Any], bytes]]:
    """Return the entries of a file of vectors for browsers, each with its image file."""
    listed = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    shown = [entry for entry in listed if entry.get("browser", True)]
    return [(entry, base64.b64decode(entry["base64"])) for entry in shown]


def is_expected(entry: dict[str, Any], found: list[dict[str, Any]] | None) -> bool:
    """Return whether the hashes of a file are those of vectors.json; None: it was refused."""
    if entry["quality"] < 50 or not found:
        return entry["quality"] < 50 and not found
    distance = (int(found[0]["pdq"], 16) ^ int(entry["pdq"], 16)).bit_count()
    is_exact = entry["tolerance_bits"] == 0
    has_quality = not is_exact or found[0]["quality"] == entry["quality"]
    return distance <= entry["tolerance_bits"] and has_quality


def refusal_texts(reason: str) -> list[str]:
    """Return the texts that may be shown for a file that refused.json refuses for a reason."""
    texts = TEXTS["picker"]
    return {
        "not-an-image": [texts["refused-unreadable"]],
        "broken": [texts["refused-truncated"], texts["refused-unreadable"]],
        "too-many-pixels": [
            texts["refused-large"].format(millions=89),
            texts["refused-unreadable"],
        ],
    }[reason]
