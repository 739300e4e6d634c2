"""The audit log: appended to in the transaction of what it records, read, verified."""

from dataclasses import replace
from typing import Any

from psycopg.types.json import Jsonb

from ..chain import Verifier, link
from ..models import AuditEntry, AuditEvent
from .database import Transaction, execute, fetch_all

_PAGE = 5_000


async def lock(tx: Transaction) -> dict[str, Any]:
    """Become the only one to append until the transaction ends; answer the head.

    What a statement reads after this is no older than the last audited change.
    """
    head = await (await execute(tx, "lock_audit_head")).fetchone()
    if head is None:
        raise LookupError("the audit log has lost its head")
    return head


async def append(tx: Transaction, event: AuditEvent) -> int:
    """Append an entry; answer its position.

    The last thing that a transaction does: from here to its commit no other can append.
    """
    head = await lock(tx)
    entry = AuditEntry(
        position=head["position"] + 1,
        at=head["at"],
        kind=event.kind,
        actor=event.actor,
        subject=event.subject,
        details=event.details,
        digest=b"",
    )
    entry = replace(entry, digest=link(head["digest"], entry))
    await execute(
        tx,
        "append_audit",
        position=entry.position,
        at=entry.at,
        kind=entry.kind,
        actor=entry.actor,
        subject=entry.subject,
        details=Jsonb(entry.details),
        digest=entry.digest,
    )
    return entry.position


async def read(
    tx: Transaction, *, after: int, limit: int, kind: str | None = None
) -> list[AuditEntry]:
    """Read at most `limit` entries that follow the position `after`, of one kind or all."""
    return await fetch_all(tx, AuditEntry, "read_audit", after=after, limit=limit, kind=kind)


async def head(tx: Transaction) -> tuple[int, bytes]:
    """Say how far the log is: the last entry's position and digest."""
    row: dict[str, Any] | None = await (await execute(tx, "audit_head")).fetchone()
    if row is None:
        raise LookupError("the audit log has lost its head")
    return row["position"], row["digest"]


async def verify(tx: Transaction) -> Verifier:
    """Walk the whole log; raise ChainBroken at the first entry that does not fit."""
    verifier = Verifier()
    while page := await read(tx, after=verifier.position, limit=_PAGE):
        verifier.walk(page)
    verifier.finish(*await head(tx))
    return verifier
