"""Checkpoints that were handed out, their cosignatures, and what witnesses have seen."""

from collections.abc import Sequence

from ..models.checkpoints import PublishedCheckpoint, WitnessState
from .statements import Transaction, execute, fetch_all


async def published(tx: Transaction) -> PublishedCheckpoint | None:
    """Return the newest checkpoint that was handed out; None if none was yet."""
    found = await fetch_all(tx, PublishedCheckpoint, "published_checkpoint")
    return found[0] if found else None


async def publish(tx: Transaction, size: int, note: str) -> None:
    """Store the checkpoint that is handed out from now on."""
    await execute(tx, "publish_checkpoint", size=size, note=note)


async def cosign(tx: Transaction, size: int, witness: str, line: str) -> None:
    """Store a witness's signature line of a published checkpoint."""
    await execute(tx, "add_cosignature", size=size, witness=witness, line=line)


async def add_witnesses(tx: Transaction, names: Sequence[str]) -> None:
    """Insert witnesses that are configured."""
    await execute(tx, "add_witnesses", names=list(names))


async def witnesses(tx: Transaction, names: Sequence[str]) -> list[WitnessState]:
    """Return what is known of some witnesses."""
    return await fetch_all(tx, WitnessState, "list_witnesses", names=list(names))


async def record_success(tx: Transaction, name: str, size: int) -> None:
    """Record that a witness has the checkpoint of a size."""
    await execute(tx, "witness_succeeded", name=name, size=size)


async def record_failure(tx: Transaction, name: str, failure: str) -> None:
    """Record why a witness does not have the newest checkpoint."""
    await execute(tx, "witness_failed", name=name, failure=failure)
