"""The proof of work: both sides do what docs/intake.md says, as its vectors have it."""

import json
from pathlib import Path
from typing import Any

import pytest
from unseen.proof_of_work import Challenge
from unseen_service.screening.proof_of_work import attempt

from tests.contract.work_vectors import vector

VECTORS = json.loads((Path(__file__).parent / "work.json").read_text())


@pytest.mark.parametrize("one", VECTORS)
def test_the_vectors_are_what_the_protocol_says(one: dict[str, Any]) -> None:
    assert one == vector(one["challenge"], one["idempotency_key"], one["target"])


@pytest.mark.parametrize("one", VECTORS)
def test_the_client_solves_the_vectors(one: dict[str, Any]) -> None:
    challenge = Challenge(one["challenge"], one["puzzles"], one["target"], one["idempotency_key"])
    assert challenge.solve() == one["header"]


@pytest.mark.parametrize("one", VECTORS)
def test_the_service_takes_the_vectors_counters_and_none_below(one: dict[str, Any]) -> None:
    for puzzle, counter in enumerate(one["counters"]):
        tried = [
            attempt(one["challenge"], one["idempotency_key"], puzzle, c) for c in range(counter + 1)
        ]
        assert tried[-1] < one["target"] <= min([*tried[:-1], 1 << 32])
