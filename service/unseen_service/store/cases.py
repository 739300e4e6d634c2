"""Cases, their images and the hashes that they hold."""

from collections.abc import Sequence

from ..models.cases import (
    Case,
    CaseSecret,
    EarlierSubmission,
    ImageStatus,
    PlatformStatus,
    StoredPin,
    Submission,
)
from . import hashes
from .statements import Transaction, execute, fetch_all, fetch_column, fetch_one, fetch_value


async def insert(tx: Transaction, number: str, pin: StoredPin) -> tuple[int, str] | None:
    """Insert a case. Return its id and its reference, or None if the number is taken."""
    row = await fetch_one(
        tx,
        "insert_case",
        number=number,
        pin_salt=pin.salt,
        pin_digest=pin.digest,
        pin_sealed=pin.is_sealed,
        pin_tag=pin.tag,
    )
    return (row["id"], str(row["audit_ref"])) if row else None


async def add_images(tx: Transaction, case_id: int, submission: Submission) -> dict[bytes, int]:
    """Insert the images of a new case, with hashes that are not active yet if they are new.

    Return the id of each of the case's hashes.
    """
    images = submission.images
    await execute(
        tx, "insert_images", case_id=case_id, conventions=[image.convention for image in images]
    )
    rows = [(n, each) for n, image in enumerate(images, start=1) for each in image.hashes]
    pdqs = [each.pdq for _, each in rows]
    ids = await hashes.add(tx, pdqs, crops=set(pdqs) - submission.whole)
    await execute(
        tx,
        "link_hashes",
        case_id=case_id,
        numbers=[n for n, _ in rows],
        views=[each.view.value for _, each in rows],
        hash_ids=[ids[each.pdq] for _, each in rows],
        qualities=[each.quality for _, each in rows],
    )
    return ids


async def secret(tx: Transaction, number: str) -> CaseSecret | None:
    """Return what opens the case of this number, or None if there is no such case."""
    rows = await fetch_all(tx, CaseSecret, "case_secret", number=number)
    return rows[0] if rows else None


async def reference(tx: Transaction, number: str) -> str | None:
    """Return the reference by which the audit log names a case; None if there is no such case."""
    found = await fetch_value(tx, "case_reference", number=number)
    return str(found) if found else None


async def count_guess(tx: Transaction, bucket: int) -> float:
    """Count a wrong PIN. Return how many there were recently in this bucket, decayed."""
    return float(await fetch_value(tx, "count_guess", bucket=bucket) or 0.0)


async def read(tx: Transaction, case_id: int) -> Case:
    """Read a case as its owner sees it."""
    row = await fetch_one(tx, "case_row", case_id=case_id)
    if row is None:
        raise LookupError("the case to read does not exist")
    images = await fetch_all(tx, ImageStatus, "case_images", case_id=case_id)
    platforms = await fetch_all(tx, PlatformStatus, "case_platforms", case_id=case_id)
    return Case(**row, images=tuple(images), platforms=tuple(platforms))


async def holds(tx: Transaction, case_id: int, number: int | None) -> tuple[int, bool]:
    """Return how many images a case has, and whether it still holds one of them, or any (None)."""
    row = await fetch_one(tx, "case_holds", case_id=case_id, number=number)
    return (row["images"], row["is_held"]) if row else (0, False)


async def withdraw(
    tx: Transaction, case_id: int, number: int | None
) -> tuple[list[int], list[int]]:
    """Withdraw one image, or all (None).

    Return the numbers of the images that were not withdrawn before, and the ids of their hashes.
    """
    numbers = sorted(await fetch_column(tx, "withdraw_images", case_id=case_id, number=number))
    await execute(tx, "withdraw_empty_case", case_id=case_id)
    withdrawn = await fetch_column(tx, "withdrawn_from", case_id=case_id, numbers=numbers)
    await execute(tx, "keep_feedback", case_id=case_id, hash_ids=withdrawn)
    return numbers, withdrawn


async def record_withdrawal(
    tx: Transaction, case_id: int, numbers: Sequence[int], audit_position: int
) -> None:
    """Record the entry of the audit log that images were withdrawn with."""
    await execute(
        tx, "record_withdrawal", case_id=case_id, numbers=list(numbers), position=audit_position
    )


async def set_pin_tag(tx: Transaction, case_id: int, tag: int) -> None:
    """Record the tag of a case's PIN, unless it has one."""
    await execute(tx, "set_pin_tag", case_id=case_id, pin_tag=tag)


async def find_altered_pin(tx: Transaction) -> int | None:
    """Return the first case whose PIN is not sealed although the log says that all are."""
    found: int | None = await fetch_value(tx, "altered_pin")
    return found


async def find_submission(tx: Transaction, key_digest: bytes) -> EarlierSubmission | None:
    """Find the submission with an idempotency key."""
    rows = await fetch_all(tx, EarlierSubmission, "find_submission", key_digest=key_digest)
    return rows[0] if rows else None


async def insert_submission(
    tx: Transaction,
    *,
    key_digest: bytes,
    request_digest: bytes,
    request_sealed: bool,
    case_id: int,
) -> None:
    """Record what was submitted with an idempotency key."""
    await execute(
        tx,
        "insert_submission",
        key_digest=key_digest,
        request_digest=request_digest,
        request_sealed=request_sealed,
        case_id=case_id,
    )
