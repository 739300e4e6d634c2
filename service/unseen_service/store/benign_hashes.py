"""The bank of known benign hashes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from psycopg.rows import DictRow

from ..models.screening import BenignHash
from .hashes import log_altered
from .screening import CHANNEL
from .sealing import Encryption, as_array, encryption, ids_as_array
from .statements import Transaction, execute, fetch_column, fetch_rows, notify


async def add_benign(tx: Transaction, pdqs: Sequence[bytes], note: str) -> list[int]:
    """Add hashes to the bank. Return the ids of those that were not in it.

    The caller holds the change log's lock.
    """
    known = {each.pdq for each in await list_benign(tx)}
    new = [pdq for pdq in dict.fromkeys(pdqs) if pdq not in known]
    key = (await encryption(tx)).current
    ids = await fetch_column(tx, "new_benign_ids", count=len(new))
    sealed = key.benign.seal(as_array(new), ids_as_array(ids)) if key else as_array(new)
    await execute(
        tx,
        "insert_benign",
        ids=ids,
        pdqs=list(map(bytes, sealed)),
        version=key.version if key else None,
        note=note,
    )
    await _notify_changed(tx)
    return ids


async def remove_benign(tx: Transaction, ids: Sequence[int]) -> list[int]:
    """Remove hashes from the bank. Return the ids of those that were in it."""
    removed = await fetch_column(tx, "delete_benign", ids=list(ids))
    await _notify_changed(tx)
    return removed


async def list_benign(tx: Transaction) -> list[BenignHash]:
    """Return the bank, oldest first; hashes that were altered in the database are left out."""
    rows = await fetch_rows(tx, "list_benign")
    if not rows:
        return []
    opened = _open(await encryption(tx), rows)
    log_altered(opened.count(None))
    return [
        BenignHash(row["id"], pdq, row["note"], row["added_at"])
        for row, pdq in zip(rows, opened, strict=True)
        if pdq is not None
    ]


async def read_hashes(tx: Transaction) -> npt.NDArray[np.uint8]:
    """Return the bank's hashes: uint8[n, 32]."""
    return as_array([each.pdq for each in await list_benign(tx)])


async def find_altered(tx: Transaction) -> int | None:
    """Return the id of the first hash that is not what the service stored; None if there is none.

    In a database that is not encrypted, or not yet completely, hashes in clear are not checked.
    """
    rows = await fetch_rows(tx, "list_benign")
    used = await encryption(tx)
    opened = _open(used, rows)
    return next((row["id"] for row, pdq in zip(rows, opened, strict=True) if pdq is None), None)


def _open(used: Encryption, rows: Sequence[DictRow]) -> list[bytes | None]:
    return used.open_benign(*([row[name] for row in rows] for name in ("pdq", "id", "key_version")))


async def _notify_changed(tx: Transaction) -> None:
    await execute(tx, "benign_changed")
    await notify(tx, CHANNEL)
