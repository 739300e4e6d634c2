"""Limits, pauses and usage, per key family."""

from collections.abc import Iterable
from typing import Any

from ..models.keys import KeyLimits, KeyUsage
from . import keys
from .pool import Transaction, execute, fetch_all, notify


async def read_all(tx: Transaction) -> list[KeyLimits]:
    """Read every limit that differs from the service's, and every pause."""
    return await fetch_all(tx, KeyLimits, "list_key_limits")


async def line_of(tx: Transaction, key_id: int) -> int | None:
    """Find the line that a key is of; None where there is no such key."""
    row = await (await execute(tx, "line_of_key", key_id=key_id)).fetchone()
    return int(row["line"]) if row else None


async def change(
    tx: Transaction, line: int, *, requests: int | None, hashes: int | None, coarse: bool | None
) -> None:
    """Change limits; None leaves one as it is."""
    await execute(tx, "set_key_limits", line=line, requests=requests, hashes=hashes, coarse=coarse)
    await notify(tx, keys.CHANNEL)


async def pause(tx: Transaction, line: int) -> bool:
    """Pause a line of keys, on every worker at once; say whether it was not before."""
    row = await (await execute(tx, "pause_line", line=line)).fetchone()
    await notify(tx, keys.CHANNEL)
    return row is not None


async def resume(tx: Transaction, line: int) -> bool:
    """End a pause; say whether there was one."""
    row = await (await execute(tx, "resume_line", line=line)).fetchone()
    await notify(tx, keys.CHANNEL)
    return row is not None


async def spend(tx: Transaction, spent: Iterable[KeyUsage], capacities: dict[int, Any]) -> None:
    """Add to what lines have spent; `capacities` has (requests, hashes) a minute of each."""
    rows = list(spent)
    if rows:
        await execute(
            tx,
            "add_usage",
            lines=[row.line for row in rows],
            requests=[row.requests for row in rows],
            hashes=[row.hashes for row in rows],
            requests_capacity=[capacities[row.line][0] for row in rows],
            hashes_capacity=[capacities[row.line][1] for row in rows],
        )


async def spent(tx: Transaction) -> list[KeyUsage]:
    """Read what lines have spent, on all workers together."""
    return await fetch_all(tx, KeyUsage, "read_usage")
