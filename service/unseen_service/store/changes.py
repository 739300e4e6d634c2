"""The change log: every activation, removal or update of a hash, numbered in commit order.

A writer calls `lock` before it touches any other row. So writers queue up, positions become
visible in order and without gaps, and two writers never wait for each other.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from ..models.changes import Change, ChangeKind
from . import hashes, obligations, webhooks
from .sealing import encryption
from .statements import (
    Transaction,
    execute,
    fetch_rows,
    fetch_value,
    notify,
    with_lock_retry,
)

CHANNEL = "unseen_changes"
"""Notified whenever the change log has grown."""


async def lock(tx: Transaction) -> None:
    """Become the only writer of the change log until the transaction ends."""
    await with_lock_retry(tx, lambda: execute(tx, "lock_change_head"))


async def append(tx: Transaction, kind: ChangeKind, hash_ids: Sequence[int]) -> None:
    """Append one change per hash and enqueue its webhooks; every index is notified at commit."""
    if hash_ids:
        await execute(tx, "append_changes", kind=kind.value, hash_ids=sorted(hash_ids))
        if kind in (ChangeKind.ADD, ChangeKind.REMOVE):
            await obligations.delete(tx, hash_ids)
        await webhooks.enqueue(tx, kind, hash_ids)
        await notify(tx, CHANNEL)


async def append_submitted(
    tx: Transaction, hash_ids: Sequence[int], activated: Sequence[int]
) -> None:
    """Append a change per submitted hash, of which some were activated.

    The others get one as well: a case shows when platforms receive its changes, which must not
    reveal that a hash was stored before.
    """
    if hash_ids:
        await execute(tx, "append_changes", kind=ChangeKind.ADD.value, hash_ids=sorted(hash_ids))
        await obligations.delete(tx, activated)
        await webhooks.enqueue(tx, ChangeKind.ADD, hash_ids)
        await notify(tx, CHANNEL)


async def append_withdrawn(
    tx: Transaction,
    hash_ids: Sequence[int],
    deactivated: Sequence[int],
    unpublished: Sequence[int] = (),
) -> None:
    """Append a change per withdrawn hash, of which some were deactivated or unpublished.

    The others get one as well, as for a submission; the message of webhooks leaves them out.
    """
    if not hash_ids:
        return
    gone = {*deactivated, *unpublished}
    held = sorted(set(hash_ids) - gone)
    for kind, ids in ((ChangeKind.REMOVE, sorted(gone)), (ChangeKind.FEEDBACK, held)):
        await execute(tx, "append_changes", kind=kind.value, hash_ids=ids)
    await obligations.delete(tx, deactivated)
    await webhooks.enqueue(tx, ChangeKind.REMOVE, hash_ids)
    await notify(tx, CHANNEL)


async def touch(tx: Transaction) -> None:
    """Write the end of the log as it is, to find out whether PostgreSQL can write."""
    await execute(tx, "touch_change_head")


async def read(tx: Transaction, after: int, limit: int) -> list[Change]:
    """Read at most `limit` changes after the position `after`, in order."""
    rows = await fetch_rows(tx, "read_changes", after=after, limit=limit)
    if not rows:
        return []
    used = await encryption(tx)
    stored, records, versions = (
        [row[name] for row in rows] for name in ("pdq", "record", "key_version")
    )
    opened = used.open(stored, records, versions)
    hashes.log_altered(sum(map(_is_altered, stored, opened)))
    return [
        Change(row["position"], row["at"], ChangeKind(row["kind"]), row["hash_id"], pdq)
        for row, pdq in zip(rows, opened, strict=True)
    ]


def _is_altered(stored: bytes | None, opened: bytes | None) -> bool:
    return stored is not None and opened is None


async def position(tx: Transaction) -> int:
    """Return the position of the newest change; 0 before the first."""
    return int(await fetch_value(tx, "change_position") or 0)


async def mark(tx: Transaction, position: int) -> str:
    """Return the mark of the change at a position; empty if there is none.

    It is the change's time, and tells the change from one at the same position of a log that was
    restored from a backup.
    """
    at = await fetch_value(tx, "change_mark", position=position)
    return mark_of(at) if at else ""


def mark_of(at: datetime) -> str:
    """Return the mark of a change that was made at this time."""
    return at.astimezone(UTC).isoformat()


async def database_identity(tx: Transaction) -> str:
    """Return what tells this database from a copy of it: the server's identifier and its own."""
    may_name_server = await fetch_value(tx, "may_name_server")
    statement = "server_and_database" if may_name_server else "database_alone"
    return str(await fetch_value(tx, statement) or "")


async def log_origin(tx: Transaction) -> str | None:
    """Return the `database_identity` that the change log got its ID in; None if none yet."""
    origin: str | None = await fetch_value(tx, "log_origin")
    return origin


async def set_log_origin(tx: Transaction, origin: str) -> None:
    """Record the `database_identity` that the change log is in now."""
    await execute(tx, "set_log_origin", origin=origin)


async def rename_log(tx: Transaction) -> None:
    """Assign the change log a new ID: every reader of the feed has to start again."""
    await execute(tx, "rename_log")


async def estimated_hashes(tx: Transaction) -> int:
    """Return about how many hashes are stored, withdrawn ones included; 0 if unknown."""
    return int(await fetch_value(tx, "estimated_hashes") or 0)
