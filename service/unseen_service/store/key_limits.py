"""Limits, pauses and usage, per key family."""

from collections.abc import Iterable, Mapping

from ..models.keys import KeyLimits, KeyUsage
from . import keys
from .statements import Transaction, execute, fetch_all, fetch_one, fetch_value, notify


async def read_all(tx: Transaction) -> list[KeyLimits]:
    """Return every limit that differs from the service's, and every pause."""
    return await fetch_all(tx, KeyLimits, "list_key_limits")


async def family_of(tx: Transaction, key_id: int) -> int | None:
    """Return the family of a key; None if there is no such key."""
    family_id: int | None = await fetch_value(tx, "family_of_key", key_id=key_id)
    return family_id


async def change(
    tx: Transaction,
    family_id: int,
    *,
    requests: int | None,
    hashes: int | None,
    coarse: bool | None,
) -> None:
    """Change limits; None leaves one unchanged."""
    await execute(
        tx,
        "set_key_limits",
        family_id=family_id,
        requests=requests,
        hashes=hashes,
        coarse=coarse,
    )
    await notify(tx, keys.CHANNEL)


async def pause(tx: Transaction, family_id: int) -> bool:
    """Pause a key family on every worker. Return whether it was not paused before."""
    row = await fetch_one(tx, "pause_family", family_id=family_id)
    await notify(tx, keys.CHANNEL)
    return row is not None


async def resume(tx: Transaction, family_id: int) -> bool:
    """End a pause. Return whether there was one."""
    row = await fetch_one(tx, "resume_family", family_id=family_id)
    await notify(tx, keys.CHANNEL)
    return row is not None


async def add_usage(
    tx: Transaction, used: Iterable[KeyUsage], capacities: Mapping[int, tuple[int, int]]
) -> None:
    """Add to what families have used; `capacities` holds (requests, hashes) per minute of each."""
    rows = list(used)
    if rows:
        await execute(
            tx,
            "add_usage",
            family_ids=[row.family_id for row in rows],
            requests=[row.requests for row in rows],
            hashes=[row.hashes for row in rows],
            requests_capacity=[capacities[row.family_id][0] for row in rows],
            hashes_capacity=[capacities[row.family_id][1] for row in rows],
        )


async def read_usage(tx: Transaction) -> list[KeyUsage]:
    """Return what families have used, on all workers together."""
    return await fetch_all(tx, KeyUsage, "read_usage")
