"""Whether a submission is taken: its hashes are of pictures, and it is paid for with work."""

import asyncio
from collections.abc import Sequence

import numpy as np

from ..errors import DegenerateHash, KnownBenign, QualityTooLow, WorkRequired
from ..live.screening import LiveScreening
from ..models.cases import Submission
from ..models.hashes import HASH_BYTES, LOWEST_QUALITY
from ..screening.proof_of_work import Price

_IN_THE_LOOP = 64
"""Hashes that are checked on the event loop: more are worth a thread."""
_LEAST = 8
"""What a case counts for at least, in hashes: its PIN and its rows cost us that much."""


class Admission:
    """Says no, with a reason, before anything is kept."""

    def __init__(self, intake: LiveScreening, price: Price) -> None:
        self._intake = intake
        self._price = price

    async def admit(self, submission: Submission, idempotency_key: str, proof: str | None) -> int:
        """Let a submission pass; answer what it counts for, in hashes.

        Raises QualityTooLow, WorkRequired, DegenerateHash, KnownBenign, StillLoading.
        """
        _refuse_low_quality(submission)
        weight = max(_LEAST, sum(len(image.hashes) for image in submission.images))
        self._demand_work(weight, idempotency_key, proof)
        await self.inspect(_placed(submission))
        return weight

    def taken(self, weight: int) -> None:
        """Count what was admitted and is kept now."""
        self._intake.taken(weight)

    async def inspect(self, placed: Sequence[tuple[str, bytes]]) -> None:
        """Look at hashes, each with its place in the request, whoever sends them.

        Raises DegenerateHash, KnownBenign.
        """
        if len(placed) <= _IN_THE_LOOP:
            self._refuse_what_is_no_picture(placed)
        else:
            await asyncio.to_thread(self._refuse_what_is_no_picture, placed)

    def _demand_work(self, weight: int, idempotency_key: str, proof: str | None) -> None:
        price = self._price.at(self._intake.level())
        if not price:
            return
        challenges = self._intake.challenges()
        if proof is None or not challenges.proven(proof, idempotency_key, weight, price):
            challenge = challenges.give(price, weight)
            raise WorkRequired(challenge.token, challenge.puzzles, challenge.target)

    def _refuse_what_is_no_picture(self, placed: Sequence[tuple[str, bytes]]) -> None:
        if not placed:
            return
        places, pdqs = zip(*placed, strict=True)
        hashes = np.frombuffer(b"".join(pdqs), np.uint8).reshape(-1, HASH_BYTES)
        degenerate = self._intake.degenerate(hashes)
        spots = [(at, why) for at, why in zip(places, degenerate, strict=True) if why]
        if spots:
            raise DegenerateHash(spots)
        benign = [at for at, near in zip(places, self._intake.benign(hashes), strict=True) if near]
        if benign:
            raise KnownBenign(benign)


def _placed(submission: Submission) -> list[tuple[str, bytes]]:
    return [
        (f"images.{i}.hashes.{j}.pdq", each.pdq)
        for i, image in enumerate(submission.images)
        for j, each in enumerate(image.hashes)
    ]


def _refuse_low_quality(submission: Submission) -> None:
    low = [
        f"images.{i}.hashes.{j}.quality"
        for i, image in enumerate(submission.images)
        for j, each in enumerate(image.hashes)
        if each.quality < LOWEST_QUALITY
    ]
    if low:
        raise QualityTooLow(low)
