"""The operator's flow: the bank of harmless pictures, whose hashes are not taken."""

from collections.abc import Sequence

from ..errors import InvalidRequest
from ..models.audit import AuditEvent, Staff
from ..models.screening import BenignHash
from ..store import Store, audit, benign_hashes
from .actors import OPERATOR, checked_text, event


async def add_benign(
    store: Store, pdqs: Sequence[bytes], note: str, by: Staff = OPERATOR
) -> list[int]:
    """Add hashes to the bank, in force on every worker within a second; answer the new ones' ids.

    What was taken before stays: a case is withdrawn by its owner, or decided on in review.
    """
    note = note and checked_text(note, "--note", "A note")
    async with store.transaction() as tx:
        added = await benign_hashes.add_benign(tx, pdqs, note)
        if added:
            await audit.append(tx, _changed(by, "benign.added", added, note))
    return added


async def list_benign(store: Store) -> list[BenignHash]:
    """List the bank, oldest first."""
    async with store.transaction() as tx:
        return await benign_hashes.list_benign(tx)


async def remove_benign(store: Store, ids: Sequence[int], by: Staff = OPERATOR) -> None:
    """Take hashes out of the bank, all or none; raises InvalidRequest where one is not in it."""
    async with store.transaction() as tx:
        removed = await benign_hashes.remove_benign(tx, ids)
        if missing := sorted(set(ids) - set(removed)):
            raise InvalidRequest(
                f"The bank has no hash {missing[0]}; 'unseen-service benign list' shows them."
            )
        await audit.append(tx, _changed(by, "benign.removed", removed, ""))


def _changed(by: Staff, kind: str, ids: Sequence[int], note: str) -> AuditEvent:
    return event(by, kind, {"benign": sorted(ids), "note": note})
