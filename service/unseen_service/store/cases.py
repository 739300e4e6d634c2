"""Cases, their images and the hashes that they hold."""

from collections.abc import Sequence

from ..models.cases import Case, CaseSecret, ImageStatus, PlatformStatus, SubmittedImage
from .pool import Transaction, execute, fetch_all


async def insert(
    tx: Transaction, number: str, *, pin_salt: bytes, pin_digest: bytes
) -> tuple[int, str] | None:
    """Open a case; answer its id and its name in the audit log, or None where it is taken."""
    row = await (
        await execute(tx, "insert_case", number=number, pin_salt=pin_salt, pin_digest=pin_digest)
    ).fetchone()
    return (row["id"], str(row["audit_ref"])) if row else None


async def add_images(tx: Transaction, case_id: int, images: Sequence[SubmittedImage]) -> list[int]:
    """Store the images of a new case; answer the ids of the hashes that became matchable by it."""
    await execute(
        tx, "insert_images", case_id=case_id, conventions=[image.convention for image in images]
    )
    rows = [(n, each) for n, image in enumerate(images, start=1) for each in image.hashes]
    pdqs = [each.pdq for _, each in rows]
    await execute(tx, "insert_hashes", pdqs=pdqs)
    await execute(
        tx,
        "link_hashes",
        case_id=case_id,
        numbers=[n for n, _ in rows],
        views=[each.view.value for _, each in rows],
        pdqs=pdqs,
        qualities=[each.quality for _, each in rows],
    )
    return await _ids(tx, "activate_hashes", case_id=case_id)


async def secret(tx: Transaction, number: str) -> CaseSecret | None:
    """Find what opens the case of this number."""
    rows = await fetch_all(tx, CaseSecret, "case_secret", number=number)
    return rows[0] if rows else None


async def reference(tx: Transaction, number: str) -> str | None:
    """Say what the audit log calls the case of this number."""
    row = await (await execute(tx, "case_reference", number=number)).fetchone()
    return str(row["audit_ref"]) if row else None


async def count_guess(tx: Transaction, bucket: int) -> float:
    """Remember that a wrong PIN was tried; answer how many have been of late, in this bucket."""
    row = await (await execute(tx, "count_guess", bucket=bucket)).fetchone()
    return float(row["wrong"]) if row else 0.0


async def read(tx: Transaction, case_id: int) -> Case:
    """Read a case as its owner sees it."""
    row = await (await execute(tx, "case_row", case_id=case_id)).fetchone()
    if row is None:
        raise LookupError("a case was read that is not there")
    images = await fetch_all(tx, ImageStatus, "case_images", case_id=case_id)
    platforms = await fetch_all(tx, PlatformStatus, "case_platforms", case_id=case_id)
    return Case(**row, images=tuple(images), platforms=tuple(platforms))


async def withdraw(
    tx: Transaction, case_id: int, number: int | None
) -> tuple[list[int], list[int]]:
    """Withdraw one image, or all (None).

    Answers the numbers of the images that were not withdrawn before, and the ids of the hashes
    that no case holds any more, which are unmatchable from here on.
    """
    cursor = await execute(tx, "withdraw_images", case_id=case_id, number=number)
    numbers = sorted(row["number"] for row in await cursor.fetchall())
    await execute(tx, "withdraw_empty_case", case_id=case_id)
    return numbers, await _ids(tx, "deactivate_hashes", case_id=case_id, numbers=numbers)


async def find_submission(tx: Transaction, key_digest: bytes) -> tuple[bytes, int] | None:
    """Find what came under an idempotency key: the request's digest and the case's id."""
    row = await (await execute(tx, "find_submission", key_digest=key_digest)).fetchone()
    return (row["request_digest"], row["case_id"]) if row else None


async def insert_submission(
    tx: Transaction, *, key_digest: bytes, request_digest: bytes, case_id: int
) -> None:
    """Remember what came under an idempotency key."""
    await execute(
        tx,
        "insert_submission",
        key_digest=key_digest,
        request_digest=request_digest,
        case_id=case_id,
    )


async def _ids(tx: Transaction, name: str, **parameters: object) -> list[int]:
    cursor = await execute(tx, name, **parameters)
    return [row["id"] for row in await cursor.fetchall()]
