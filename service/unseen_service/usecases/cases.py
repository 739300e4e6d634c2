"""A person's case: submit, show, withdraw. A change and its audit entry are one transaction."""

import asyncio
import hashlib
import json
import math
from uuid import UUID

from .. import credentials
from ..errors import CaseNotFound, ImageNotFound, SubmissionReused, TooManyGuesses
from ..models.audit import PERSON, AuditEvent, AuditKind
from ..models.cases import Case, CaseSecret, Submission, SubmittedImage
from ..store import Store, Transaction, activation, audit, cases, changes
from .admission import Admission
from .pin_hashing import Lane, PinHashing

_NO_CASE = CaseSecret(0, UUID(int=0), credentials.new_salt(), bytes(32), None)
"""No PIN opens it: what a PIN is compared with if there is no such case."""
_FREE_GUESSES = 5
_MAX_WAIT_S = 5.0
_MAX_WAITING = 10


class Cases:
    """Opens cases, shows them, withdraws them."""

    def __init__(self, store: Store, admission: Admission) -> None:
        self._store = store
        self._admission = admission
        self._waiting: dict[int, int] = {}
        self._hashing = PinHashing()

    async def submit(
        self, submission: Submission, idempotency_key: str, proof: str | None = None
    ) -> tuple[Case, bool]:
        """Store a submission. Return its case, and whether it is new.

        The same submission with the same key returns the same case. `proof` is one of work.
        Raises what `Admission.admitted` does, SubmissionReused, Overloaded, StoreUnavailable.
        """
        key_digest = hashlib.sha256(idempotency_key.encode()).digest()
        request_digest = _request_digest(submission.images)
        known = await self._find(key_digest)
        if known is None:
            async with self._admission.admitted(submission, idempotency_key, proof) as reservation:
                case = await self._open(submission, key_digest, request_digest)
                if case:
                    return case, True
                await reservation.give_back()  # another request with this key was faster
            known = await self._find(key_digest)
        repeated = await self._repeat(known[1], submission.pin) if known else None
        # Compared last, so that the time does not tell whether the images or the PIN differ.
        if (
            known is None
            or repeated is None
            or not credentials.constant_time_equal(known[0], request_digest)
        ):
            raise SubmissionReused
        return repeated, False

    async def status(self, number: str, pin: str) -> Case:
        """Return a case to anyone who has its PIN.

        Raises CaseNotFound, TooManyGuesses, Overloaded.
        """
        secret = await self._unlock(number, pin)
        async with self._store.transaction() as tx:
            return await cases.read(tx, secret.case_id)

    async def withdraw(self, number: str, pin: str, image: int | None = None) -> Case:
        """Withdraw one image of a case, or all; withdrawing again changes nothing.

        Raises CaseNotFound, ImageNotFound, TooManyGuesses, Overloaded.
        """
        secret = await self._unlock(number, pin)
        async with self._store.transaction() as tx:
            await changes.lock(tx)
            case = await cases.read(tx, secret.case_id)
            if image is not None and not 1 <= image <= len(case.images):
                raise ImageNotFound(len(case.images))
            numbers, withdrawn = await cases.withdraw(tx, secret.case_id, image)
            if not numbers:
                return case
            deactivated = await activation.deactivate(tx, withdrawn)
            await changes.append_withdrawn(tx, withdrawn, deactivated)
            case = await cases.read(tx, secret.case_id)
            entry = await audit.append(tx, _withdrawn(secret, numbers, len(deactivated)))
            await cases.record_withdrawal(tx, secret.case_id, numbers, entry)
            return case

    async def _open_case(
        self, tx: Transaction, submission: Submission, salt: bytes, pin_digest: bytes
    ) -> int:
        opened = None
        while opened is None:
            number = credentials.new_case_number()
            opened = await cases.insert(tx, number, pin_salt=salt, pin_digest=pin_digest)
        case_id, audit_ref = opened
        ids = await cases.add_images(tx, case_id, submission.images)
        await self._admission.bar_near_removed(tx, ids)
        activated = await activation.activate(tx, list(ids.values()))
        await changes.append_submitted(tx, list(ids.values()), activated)
        details = {
            "images": len(submission.images),
            "hashes": sum(len(image.hashes) for image in submission.images),
            "activated": len(activated),
        }
        await audit.append(tx, AuditEvent(AuditKind.CASE_SUBMITTED, PERSON, audit_ref, details))
        return case_id

    async def _find(self, key_digest: bytes) -> tuple[bytes, int] | None:
        async with self._store.transaction() as tx:
            return await cases.find_submission(tx, key_digest)

    async def _open(
        self, submission: Submission, key_digest: bytes, request_digest: bytes
    ) -> Case | None:
        """Store a submission. Return its case; None if its key was used in the meantime."""
        salt = credentials.new_salt()
        pin_digest = await self._hashing.submissions.digest(submission.pin, salt)
        async with self._store.transaction() as tx:
            await changes.lock(tx)
            if await cases.find_submission(tx, key_digest):
                return None
            case_id = await self._open_case(tx, submission, salt, pin_digest)
            await cases.insert_submission(
                tx, key_digest=key_digest, request_digest=request_digest, case_id=case_id
            )
            return await cases.read(tx, case_id)

    async def _repeat(self, case_id: int, pin: str) -> Case | None:
        async with self._store.transaction() as tx:
            case = await cases.read(tx, case_id)
            secret = await cases.secret(tx, case.number)
        lane = self._hashing.repeats
        if secret is None or not await _fits(lane, case.number, pin, secret):
            return None
        return case

    async def _unlock(self, number: str, pin: str) -> CaseSecret:
        """Return the case that this number and PIN open."""
        read_number, read_pin = credentials.read_case_number(number), credentials.read_pin(pin)
        if read_number is None or read_pin is None:
            raise CaseNotFound
        async with self._store.transaction() as tx:
            secret = await cases.secret(tx, read_number)
        # An unknown case takes every step that a wrong PIN takes, so that the time does not tell
        # which cases exist.
        lane = self._hashing.guesses
        fits = await _fits(lane, read_number, read_pin, secret or _NO_CASE)
        if not fits or secret is None:
            await self._slow_down(read_number, str(secret.audit_ref) if secret else None)
            raise CaseNotFound
        return secret

    async def _slow_down(self, number: str, reference: str | None) -> None:
        """Make guessing slow; the right PIN never gets here, so nobody is locked out."""
        bucket = int.from_bytes(hashlib.sha256(number.encode()).digest()[:2])
        async with self._store.transaction() as tx:
            wrong = await cases.count_guess(tx, bucket)
            await audit.append(tx, AuditEvent(AuditKind.PIN_REFUSED, PERSON, reference))
        waiting = self._waiting.get(bucket, 0)
        if waiting >= _MAX_WAITING:
            raise TooManyGuesses
        self._waiting[bucket] = waiting + 1
        try:
            await asyncio.sleep(_wait_after(wrong))
        finally:
            self._waiting[bucket] -= 1
            if not self._waiting[bucket]:
                del self._waiting[bucket]


async def _fits(lane: Lane, number: str, pin: str, secret: CaseSecret) -> bool:
    digest = await lane.digest(pin, secret.pin_salt, number)
    return credentials.constant_time_equal(digest, secret.pin_digest)


def _withdrawn(secret: CaseSecret, numbers: list[int], removed: int) -> AuditEvent:
    details = {"images": numbers, "deactivated": removed}
    return AuditEvent(AuditKind.CASE_WITHDRAWN, PERSON, str(secret.audit_ref), details)


def _request_digest(images: tuple[SubmittedImage, ...]) -> bytes:
    """Return what tells two submissions apart: a digest, which contains no hash."""
    content = [
        [image.convention, [[h.pdq.hex(), h.quality, h.view.value] for h in image.hashes]]
        for image in images
    ]
    return hashlib.sha256(json.dumps(content).encode()).digest()


def _wait_after(wrong_pins: float) -> float:
    """Return how long a wrong guess waits for its answer, in seconds; the first few do not."""
    excess = wrong_pins - _FREE_GUESSES
    if excess <= 0:
        return 0.0
    return min(0.25 * math.exp2(min(excess, 10.0)), _MAX_WAIT_S)
