"""Client and service agree with the vectors of the proof of work (docs/intake.md)."""

import json
from pathlib import Path
from typing import Any

import pytest
from unseen.proof_of_work import Challenge
from unseen_service.screening.proof_of_work import attempt

from tests.contract.work_vectors import vector

VECTORS = json.loads((Path(__file__).parent / "work.json").read_text())


@pytest.mark.parametrize("entry", VECTORS)
def test_the_vectors_are_up_to_date(entry: dict[str, Any]) -> None:
    assert entry == vector(entry["challenge"], entry["idempotency_key"], entry["target"])


@pytest.mark.parametrize("entry", VECTORS)
def test_the_client_solves_the_vectors(entry: dict[str, Any]) -> None:
    challenge = Challenge(
        entry["challenge"], entry["puzzles"], entry["target"], entry["idempotency_key"]
    )
    assert challenge.solve() == entry["header"]


@pytest.mark.parametrize("entry", VECTORS)
def test_the_service_accepts_the_vectors_counters_and_none_below(entry: dict[str, Any]) -> None:
    for puzzle, counter in enumerate(entry["counters"]):
        results = [
            attempt(entry["challenge"], entry["idempotency_key"], puzzle, c)
            for c in range(counter + 1)
        ]
        assert results[-1] < entry["target"] <= min([*results[:-1], 1 << 32])
