"""The bank of known benign hashes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..models.hashes import HASH_BYTES
from ..models.screening import BenignHash
from .pool import Transaction, execute, fetch_all, notify
from .screening import CHANNEL


async def add_benign(tx: Transaction, pdqs: Sequence[bytes], note: str) -> list[int]:
    """Add harmless hashes; answer the ids of those that were not in the bank."""
    rows = await (await execute(tx, "insert_benign", pdqs=list(pdqs), note=note)).fetchall()
    await _changed(tx)
    return [row["id"] for row in rows]


async def remove_benign(tx: Transaction, ids: Sequence[int]) -> list[int]:
    """Remove harmless hashes; answer the ids of those that were in the bank."""
    rows = await (await execute(tx, "delete_benign", ids=list(ids))).fetchall()
    await _changed(tx)
    return [row["id"] for row in rows]


async def list_benign(tx: Transaction) -> list[BenignHash]:
    """List the bank, oldest first."""
    return await fetch_all(tx, BenignHash, "list_benign")


async def benign_hashes(tx: Transaction) -> npt.NDArray[np.uint8]:
    """Read the bank's hashes: uint8[n, 32]."""
    rows = await (await execute(tx, "benign_hashes")).fetchall()
    return np.frombuffer(b"".join(row["pdq"] for row in rows), np.uint8).reshape(-1, HASH_BYTES)


async def _changed(tx: Transaction) -> None:
    await execute(tx, "benign_changed")
    await notify(tx, CHANNEL)
