"""What intake asks of the store: harmless hashes, how much was submitted of late, a secret."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..models import HASH_BYTES, BenignHash, IntakeState
from .database import Transaction, execute, fetch_all, notify

CHANNEL = "unseen_intake"
"""Notified whenever the bank of harmless hashes has changed."""


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


async def state(tx: Transaction) -> IntakeState:
    """Read how much was submitted of late, which bank it is, and the challenges' secret."""
    return (await fetch_all(tx, IntakeState, "intake_state"))[0]


async def count(tx: Transaction, hashes: int) -> None:
    """Count a submission in the level, which falls by half in 42 s (to 1/e in a minute)."""
    await execute(tx, "count_intake", hashes=hashes)


async def _changed(tx: Transaction) -> None:
    await execute(tx, "benign_changed")
    await notify(tx, CHANNEL)
