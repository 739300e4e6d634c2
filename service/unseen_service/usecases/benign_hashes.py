"""The bank of known benign images, whose hashes are refused: managed by the operator."""

from collections.abc import Sequence

from ..errors import InvalidRequest
from ..models.audit import AuditEvent, AuditKind, Staff
from ..models.screening import BenignHash
from ..store import Store, audit, benign_hashes, changes
from .actors import OPERATOR, checked_text, staff_event


async def add_benign(
    store: Store, pdqs: Sequence[bytes], note: str, by: Staff = OPERATOR
) -> list[int]:
    """Add hashes to the bank; every worker knows them within a second. Return the new ones' ids.

    Hashes that were accepted before stay: a case is withdrawn by its owner, or decided in review.
    """
    note = note and checked_text(note, "--note", "A note")
    async with store.transaction() as tx:
        await changes.lock(tx)
        added = await benign_hashes.add_benign(tx, pdqs, note)
        if added:
            await audit.append(tx, _changed(by, AuditKind.BENIGN_ADDED, added, note))
    return added


async def list_benign(store: Store) -> list[BenignHash]:
    """Return the bank, oldest first."""
    async with store.transaction() as tx:
        return await benign_hashes.list_benign(tx)


async def remove_benign(store: Store, ids: Sequence[int], by: Staff = OPERATOR) -> None:
    """Remove hashes from the bank, all or none. Raises InvalidRequest if one is not in it."""
    async with store.transaction() as tx:
        removed = await benign_hashes.remove_benign(tx, ids)
        if missing := sorted(set(ids) - set(removed)):
            raise InvalidRequest(
                f"The bank has no hash {missing[0]}; 'unseen-service benign list' shows them."
            )
        await audit.append(tx, _changed(by, AuditKind.BENIGN_REMOVED, removed, ""))


def _changed(by: Staff, kind: AuditKind, ids: Sequence[int], note: str) -> AuditEvent:
    return staff_event(by, kind, {"benign": sorted(ids), "note": note})
