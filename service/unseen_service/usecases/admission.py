"""Admission of a submission: its hashes are of actual images, and it is paid for with work."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np

from ..errors import DegenerateHash, KnownBenign, QualityTooLow, Refused, TooSimilar, WorkRequired
from ..live.removed_hashes import RemovedHashes
from ..live.screening import LiveScreening
from ..models.cases import Submission, SubmittedImage
from ..models.hashes import HASH_BYTES, LOWEST_QUALITY, MATCH_RADIUS
from ..screening.crowding import MAX_NEAR, crowded
from ..screening.proof_of_work import Price
from ..store import Transaction, activation
from .crops import refuse_impossible
from .intake_level import IntakeLevel, Reservation

_INLINE = 64
"""Hashes that are checked on the event loop: more are worth a thread."""
_MOST_SPOTS = 20
_MIN_WEIGHT = 8
"""The least weight of a case, in hashes: its PIN and its rows cost that much."""


class Admission:
    """Refuses a submission, with a reason, before anything is stored."""

    def __init__(self, screening: LiveScreening, price: Price, level: IntakeLevel) -> None:
        self._screening = screening
        self._price = price
        self._removed = RemovedHashes()
        self._level = level

    @asynccontextmanager
    async def admitted(
        self, submission: Submission, idempotency_key: str, proof: str | None
    ) -> AsyncIterator[tuple[Submission, Reservation]]:
        """Admit a submission, to be stored in this block. Yield it, with its reservation.

        Crops that do not pass the screening are left out: nobody can see from an image which
        those are. The reservation is given back if the block fails. If a hash is refused it stays,
        and decays like any other: screening is work, too. `proof` is one of work. Raises
        QualityTooLow, CropRefused, WorkRequired, TooSimilar, DegenerateHash, KnownBenign,
        StillLoading, StoreUnavailable.
        """
        _refuse_low_quality(submission)
        refuse_impossible(submission)
        weight = max(_MIN_WEIGHT, sum(map(_weight, submission.images)))
        # Most that have to pay are told so from memory, without a query.
        self._require_work(self._level.known(), weight, idempotency_key, proof)
        reservation = await self._level.reserve(weight)
        try:
            self._require_work(reservation.before, weight, idempotency_key, proof)
            whole, crops = _located(submission)
            await _refuse_crowd(whole)
            await _refuse_crowd(crops)
            await self.screen(whole)
            unfit = {at for error in await self.refusals(crops) for at, _ in error.spots}
            yield (_without(submission, unfit) if unfit else submission), reservation
        except (TooSimilar, DegenerateHash, KnownBenign):
            raise
        except BaseException:
            await reservation.give_back()
            raise

    async def screen(self, located: Sequence[tuple[str, bytes]]) -> None:
        """Screen hashes (32 bytes), each with its place in the request, from persons and platforms.

        Raises DegenerateHash, KnownBenign.
        """
        for refusal in await self.refusals(located):
            raise refusal

    async def refusals(self, located: Sequence[tuple[str, bytes]]) -> list[Refused]:
        """Screen hashes as `screen` does. Return what refuses some: the spots of each say which."""
        if len(located) <= _INLINE:
            return self._refusals(located)
        return await asyncio.to_thread(self._refusals, located)

    async def bar_near_removed(self, tx: Transaction, hash_ids: Mapping[bytes, int]) -> None:
        """Bar those of some hashes (32 bytes, with their ids) that are close to a removed one.

        The caller holds the change log's lock, and activates the others.
        """
        pdqs = list(hash_ids)
        near = await self._removed.near(tx, pdqs)
        await activation.bar(tx, {hash_ids[pdqs[n]]: root for n, root in near.items()})

    def _require_work(
        self, level: float, weight: int, idempotency_key: str, proof: str | None
    ) -> None:
        price = self._price.of(level, weight)
        if not price:
            return
        challenges = self._screening.challenges()
        if proof is None or not challenges.is_paid(proof, idempotency_key, weight, price):
            challenge = challenges.issue(price, weight)
            raise WorkRequired(challenge.token, challenge.puzzles, challenge.target)

    def _refusals(self, located: Sequence[tuple[str, bytes]]) -> list[Refused]:
        if not located:
            return []
        places, pdqs = zip(*located, strict=True)
        hashes = np.frombuffer(b"".join(pdqs), np.uint8).reshape(-1, HASH_BYTES)
        degenerate = self._screening.degenerate(hashes)
        spots = [(at, why) for at, why in zip(places, degenerate, strict=True) if why]
        benign = [
            at for at, near in zip(places, self._screening.benign(hashes), strict=True) if near
        ]
        found: list[Refused] = [DegenerateHash(spots)] if spots else []
        return [*found, KnownBenign(benign)] if benign else found


def _located(
    submission: Submission,
) -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]]:
    """Return the hashes of whole images and those of crops, each with its place."""
    whole: list[tuple[str, bytes]] = []
    crops: list[tuple[str, bytes]] = []
    for i, image in enumerate(submission.images):
        for j, each in enumerate(image.hashes):
            (crops if each.view.is_crop else whole).append((_place(i, j), each.pdq))
    return whole, crops


def _place(image: int, number: int) -> str:
    return f"images.{image}.hashes.{number}.pdq"


def _weight(image: SubmittedImage) -> int:
    """Return the weight of an image: its crops are included in that of an image in all views."""
    whole = sum(not each.view.is_crop for each in image.hashes)
    return whole if whole == len(image.hashes) else max(whole, _MIN_WEIGHT)


def _without(submission: Submission, places: AbstractSet[str]) -> Submission:
    images = (
        replace(
            image,
            hashes=tuple(each for j, each in enumerate(image.hashes) if _place(i, j) not in places),
        )
        for i, image in enumerate(submission.images)
    )
    return replace(submission, images=tuple(images))


async def _refuse_crowd(located: Sequence[tuple[str, bytes]]) -> None:
    if len(located) <= MAX_NEAR:
        return
    hashes = np.frombuffer(b"".join(pdq for _, pdq in located), np.uint8).reshape(-1, HASH_BYTES)
    found = await asyncio.to_thread(crowded, hashes, MATCH_RADIUS)
    if found.any():
        raise TooSimilar(MAX_NEAR, [located[n][0] for n in np.flatnonzero(found)[:_MOST_SPOTS]])


def _refuse_low_quality(submission: Submission) -> None:
    low = [
        f"images.{i}.hashes.{j}.quality"
        for i, image in enumerate(submission.images)
        for j, each in enumerate(image.hashes)
        if each.quality < LOWEST_QUALITY
    ]
    if low:
        raise QualityTooLow(low)
