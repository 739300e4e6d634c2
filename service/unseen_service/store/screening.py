"""What screening needs of the store: the submission rate and the challenge secret."""

from ..models.screening import ScreeningState
from .pool import Transaction, execute, fetch_all

CHANNEL = "unseen_intake"
"""Notified whenever the bank of harmless hashes has changed."""


async def state(tx: Transaction) -> ScreeningState:
    """Read how much was submitted of late, which bank it is, and the challenges' secret."""
    return (await fetch_all(tx, ScreeningState, "intake_state"))[0]


async def count(tx: Transaction, hashes: int) -> None:
    """Count a submission in the level, which falls by half in 42 s (to 1/e in a minute)."""
    await execute(tx, "count_intake", hashes=hashes)
