"""A person's case: submit, show, withdraw. A change and its audit entry are one transaction."""

import asyncio
import hashlib
import json
import math
import time
from uuid import UUID

from .. import credentials
from ..encryption import Keyring
from ..errors import CaseNotFound, ImageNotFound, SubmissionReused, TooManyGuesses
from ..models.audit import PERSON, AuditEvent, AuditKind
from ..models.cases import (
    Case,
    CaseSecret,
    EarlierSubmission,
    StoredPin,
    Submission,
    SubmittedImage,
)
from ..ratelimit.turns import Turns
from ..store import Store, Transaction, activation, audit, cases, changes, sealing
from .admission import Admission
from .crops import refuse_all
from .pin_hashing import Lane, PinHashing

_NO_CASE = CaseSecret(
    0, UUID(int=0), credentials.new_salt(), bytes(32), False, None, withdrawn_at=None
)
"""No PIN opens it: what a PIN is compared with if there is no such case."""
_REFUSED_AFTER_S = 0.5
"""How long a refused PIN takes at least, so that the time does not tell why it was refused."""
_MAX_STORES_WAITING = 64
_FREE_GUESSES = 5
_MAX_WAIT_S = 5.0
_MAX_WAITING = 10
_READS = 2
_MAX_READS_OF_ONE = 16


class Cases:
    """Opens cases, shows them, withdraws them."""

    def __init__(self, store: Store, admission: Admission, *, takes_crops: bool = True) -> None:
        self._store = store
        self._takes_crops = takes_crops
        self._is_encrypted = False  # as far as is known; once it is, that is final
        self._admission = admission
        self._waiting: dict[int, int] = {}
        self._hashing = PinHashing()
        self._reads = Turns(at_once=_READS, waiting=_MAX_READS_OF_ONE)
        # The change log's lock lets one be stored at a time. Those that wait must not have the
        # connections to PostgreSQL that lookups with hits need.
        self._stores = Turns(at_once=1, waiting=_MAX_STORES_WAITING)

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
            async with self._admission.admitted(submission, idempotency_key, proof) as (
                admitted,
                reservation,
            ):
                case_id = await self._open(admitted, key_digest, request_digest)
                if case_id is not None:
                    async with self._store.transaction() as tx:
                        return await cases.read(tx, case_id), True
                await reservation.give_back()  # another request with this key was faster
            known = await self._find(key_digest)
        repeated = await self._repeat(known, submission.pin, request_digest) if known else None
        if repeated is None:
            raise SubmissionReused
        return repeated, False

    async def takes_crops(self) -> bool:
        """Return whether submissions may contain crops: once the database is encrypted.

        An older worker, which would publish them, cannot be connected to it then. Raises
        StoreUnavailable.
        """
        if self._takes_crops and not self._is_encrypted:
            async with self._store.transaction() as tx:
                self._is_encrypted = await sealing.keyring(tx) is not None
        return self._takes_crops and self._is_encrypted

    async def status(self, number: str, pin: str) -> Case:
        """Return a case to anyone who has its PIN.

        Raises CaseNotFound, TooManyGuesses, Overloaded.
        """
        secret = await self._unlock(number, pin)
        return await self._read(secret.case_id)

    async def withdraw(self, number: str, pin: str, image: int | None = None) -> Case:
        """Withdraw one image of a case, or all; withdrawing again changes nothing.

        Raises CaseNotFound, ImageNotFound, TooManyGuesses, Overloaded.
        """
        secret = await self._unlock(number, pin)
        async with self._store.transaction() as tx:
            images, is_held = await cases.holds(tx, secret.case_id, image)
        if image is not None and not 1 <= image <= images:
            raise ImageNotFound(images)
        if is_held:
            await self._withdraw(secret, image)
        return await self._read(secret.case_id)

    async def _withdraw(self, secret: CaseSecret, image: int | None) -> None:
        async with self._store.transaction() as tx:
            await changes.lock(tx)
            numbers, withdrawn = await cases.withdraw(tx, secret.case_id, image)
            if not numbers:
                return
            deactivated = await activation.deactivate(tx, withdrawn)
            unpublished = await activation.unpublish(tx, withdrawn)
            await changes.append_withdrawn(tx, withdrawn, deactivated, unpublished)
            entry = await audit.append(tx, _withdrawn(secret, numbers, len(deactivated)))
            await cases.record_withdrawal(tx, secret.case_id, numbers, entry)

    async def _read(self, case_id: int) -> Case:
        """Read a case, in turn and without a lock: it can be large."""
        async with self._reads.turn(case_id), self._store.transaction() as tx:
            return await cases.read(tx, case_id)

    async def _open_case(
        self,
        tx: Transaction,
        submission: Submission,
        salt: bytes,
        pin_digest: bytes,
        keyring: Keyring | None,
    ) -> int:
        opened = None
        while opened is None:
            number = credentials.new_case_number()
            pin = _stored_pin(number, submission.pin, salt, pin_digest, keyring)
            opened = await cases.insert(tx, number, pin)
        case_id, audit_ref = opened
        ids = await cases.add_images(tx, case_id, submission)
        whole = [ids[pdq] for pdq in submission.whole]
        await activation.publish(tx, whole=whole, crops=list(set(ids.values()) - set(whole)))
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

    async def _find(self, key_digest: bytes) -> EarlierSubmission | None:
        async with self._store.transaction() as tx:
            return await cases.find_submission(tx, key_digest)

    async def _open(
        self, submission: Submission, key_digest: bytes, request_digest: bytes
    ) -> int | None:
        """Store a submission. Return its case's id; None if its key was used in the meantime."""
        salt = credentials.new_salt()
        pin_digest = await self._hashing.submissions.digest(submission.pin, salt)
        async with self._stores.turn(None), self._store.transaction() as tx:
            await changes.lock(tx)
            if await cases.find_submission(tx, key_digest):
                return None
            # Under the lock: the database may be encrypted at any moment.
            keyring = await sealing.keyring(tx)
            if keyring is None or not self._takes_crops:
                refuse_all(submission)
            case_id = await self._open_case(tx, submission, salt, pin_digest, keyring)
            await cases.insert_submission(
                tx,
                key_digest=key_digest,
                request_digest=_sealed_request(request_digest, keyring),
                request_sealed=keyring is not None,
                case_id=case_id,
            )
            return case_id

    async def _repeat(
        self, known: EarlierSubmission, pin: str, request_digest: bytes
    ) -> Case | None:
        """Return the case of a submission that was sent again; None if it differs."""
        async with self._store.transaction() as tx:
            case = await cases.read(tx, known.case_id)
            secret = await cases.secret(tx, case.number)
            keyring = await sealing.keyring(tx)
        lane = self._hashing.repeats
        if secret is None or not await _fits(lane, case.number, pin, secret, keyring):
            return None
        # Compared last, so that the time does not tell whether the images or the PIN differ.
        sealed = _sealed_request(request_digest, keyring if known.request_sealed else None)
        return case if credentials.constant_time_equal(known.request_digest, sealed) else None

    async def _unlock(self, number: str, pin: str) -> CaseSecret:
        """Return the case that this number and PIN open."""
        read_number, read_pin = credentials.read_case_number(number), credentials.read_pin(pin)
        if read_number is None or read_pin is None:
            raise CaseNotFound
        began = time.monotonic()
        async with self._store.transaction() as tx:
            secret = await cases.secret(tx, read_number)
            keyring = await sealing.keyring(tx)
        # An unknown case takes every step that a wrong PIN takes, so that the time does not tell
        # which cases exist.
        lane = self._hashing.guesses
        await lane.admit(read_number)
        fits = _may_fit(read_number, read_pin, secret, keyring) and await _fits(
            lane, read_number, read_pin, secret or _NO_CASE, keyring
        )
        if not fits or secret is None:
            await self._slow_down(read_number, str(secret.audit_ref) if secret else None)
            await asyncio.sleep(began + _REFUSED_AFTER_S - time.monotonic() if keyring else 0)
            raise CaseNotFound
        if keyring and secret.pin_tag is None:
            async with self._store.transaction() as tx:
                tag = keyring.pin_tag(read_number, read_pin)
                await cases.set_pin_tag(tx, secret.case_id, tag)
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


def _may_fit(number: str, pin: str, secret: CaseSecret | None, keyring: Keyring | None) -> bool:
    """Return whether a PIN is worth computing scrypt for: of 4,096 wrong ones, one is.

    That holds for unknown cases too. A case without a tag is from before there were tags.
    """
    if keyring is None:
        return True
    tag = secret.pin_tag if secret else keyring.absent_pin_tag(number)
    return tag is None or tag == keyring.pin_tag(number, pin)


async def _fits(
    lane: Lane, number: str, pin: str, secret: CaseSecret, keyring: Keyring | None
) -> bool:
    digest = await lane.digest(pin, secret.pin_salt, number)
    if secret.pin_sealed and keyring:
        digest = keyring.sealed_pin(number, digest)
    return credentials.constant_time_equal(digest, secret.pin_digest)


def _stored_pin(
    number: str, pin: str, salt: bytes, digest: bytes, keyring: Keyring | None
) -> StoredPin:
    if keyring is None:
        return StoredPin(salt, digest, is_sealed=False, tag=None)
    return StoredPin(
        salt, keyring.sealed_pin(number, digest), is_sealed=True, tag=keyring.pin_tag(number, pin)
    )


def _sealed_request(digest: bytes, keyring: Keyring | None) -> bytes:
    """Return what is stored of a request's digest: a plain one confirms a guessed hash."""
    return keyring.request_digest(digest) if keyring else digest


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
