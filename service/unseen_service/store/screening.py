"""The state that screening shares between workers: submission rate, bank version, secret."""

from ..models.screening import ScreeningState
from .statements import Transaction, fetch_all, fetch_value

CHANNEL = "unseen_intake"
"""Notified whenever the bank of benign hashes has changed."""


async def state(tx: Transaction) -> ScreeningState:
    """Return the submission level, the version of the benign bank, and the challenges' secret."""
    return (await fetch_all(tx, ScreeningState, "intake_state"))[0]


async def reserve(tx: Transaction, hashes: int) -> float:
    """Add a submission to the level, which halves every 42 s (falls to 1/e in a minute).

    Return the level before.
    """
    return float(await fetch_value(tx, "reserve_intake", hashes=hashes) or 0.0)


async def release(tx: Transaction, hashes: float) -> float:
    """Remove a submission from the level, or what is left of it. Return the level."""
    return float(await fetch_value(tx, "release_intake", hashes=hashes) or 0.0)
