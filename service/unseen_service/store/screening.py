"""The state that screening shares between workers: submission rate, bank version, secret."""

from ..models.screening import ScreeningState
from .statements import Transaction, execute, fetch_all

CHANNEL = "unseen_intake"
"""Notified whenever the bank of benign hashes has changed."""


async def state(tx: Transaction) -> ScreeningState:
    """Return the submission level, the version of the benign bank, and the challenges' secret."""
    return (await fetch_all(tx, ScreeningState, "intake_state"))[0]


async def count(tx: Transaction, hashes: int) -> None:
    """Add a submission to the level, which halves every 42 s (falls to 1/e in a minute)."""
    await execute(tx, "count_intake", hashes=hashes)
