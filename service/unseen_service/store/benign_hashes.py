"""The bank of known benign hashes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..models.hashes import HASH_BYTES
from ..models.screening import BenignHash
from .screening import CHANNEL
from .statements import Transaction, execute, fetch_all, fetch_column, notify


async def add_benign(tx: Transaction, pdqs: Sequence[bytes], note: str) -> list[int]:
    """Add hashes to the bank. Return the ids of those that were not in it."""
    added = await fetch_column(tx, "insert_benign", pdqs=list(pdqs), note=note)
    await _notify_changed(tx)
    return added


async def remove_benign(tx: Transaction, ids: Sequence[int]) -> list[int]:
    """Remove hashes from the bank. Return the ids of those that were in it."""
    removed = await fetch_column(tx, "delete_benign", ids=list(ids))
    await _notify_changed(tx)
    return removed


async def list_benign(tx: Transaction) -> list[BenignHash]:
    """Return the bank, oldest first."""
    return await fetch_all(tx, BenignHash, "list_benign")


async def read_hashes(tx: Transaction) -> npt.NDArray[np.uint8]:
    """Return the bank's hashes: uint8[n, 32]."""
    pdqs = await fetch_column(tx, "benign_hashes")
    return np.frombuffer(b"".join(pdqs), np.uint8).reshape(-1, HASH_BYTES)


async def _notify_changed(tx: Transaction) -> None:
    await execute(tx, "benign_changed")
    await notify(tx, CHANNEL)
