"""The audit log: append an entry in the transaction of what it records; read, prove, verify."""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from ..models.audit import SALT, STATE, AuditEntry, AuditEvent, AuditHead, AuditKind
from ..tlog import merkle
from ..tlog.chain import LogVerifier, canonical, entry_digest, grow_tree
from ..tlog.checkpoint import Checkpoint
from . import state
from .statements import (
    Answer,
    Transaction,
    execute,
    execute_and_sync,
    fetch_all,
    fetch_rows,
    with_lock_retry,
)

_PAGE = 5_000
_SALT_BYTES = 16


async def lock(tx: Transaction) -> AuditHead:
    """Become the only one to append until the transaction ends. Return the head.

    What a statement reads after this is no older than the last audited change. The head's time
    is the one that the next entry gets.
    """
    cursor = await with_lock_retry(tx, lambda: execute_and_sync(tx, "lock_audit_head"))
    return _only([AuditHead(**row) for row in await cursor.fetchall()])


async def lock_then(
    tx: Transaction, read: Callable[[], Awaitable[Answer]]
) -> tuple[AuditHead, Answer]:
    """Lock as `lock` does, then `read`, in one round trip if the transaction is in a pipeline.

    Return the head, and what was read. The transaction may have read before, not written.
    """

    async def take() -> tuple[AuditHead, Answer]:
        locked = await execute(tx, "lock_audit_head")
        answer = await read()
        return _only([AuditHead(**row) for row in await locked.fetchall()]), answer

    return await with_lock_retry(tx, take, only_read=True)


async def append(tx: Transaction, event: AuditEvent, head: AuditHead | None = None) -> int:
    """Append an entry, which commits to what the transaction has changed. Return its position.

    Make it the last statement of a transaction: until the commit nobody else can append. `head`
    is what `lock` returned, if it was called in this transaction; then nothing may have been
    changed yet that entries commit to (`state`).
    """
    details = dict(event.details)
    is_first = tx.info.transaction_status is TransactionStatus.IDLE
    if head is None and not is_first and (claimed := await state.claim(tx)):
        details[STATE] = claimed.detail
    return await _append(tx, event, details, head or await lock(tx))


async def append_claimed(
    tx: Transaction, event: AuditEvent, head: AuditHead, claimed: state.Commitment
) -> int:
    """Append an entry that commits to what the caller claimed. Return its position."""
    return await _append(tx, event, {**event.details, STATE: claimed.detail}, head)


async def _append(
    tx: Transaction, event: AuditEvent, details: Mapping[str, Any], head: AuditHead
) -> int:
    if STATE not in details:
        # The hashes of entries are in the proofs that anyone with a key can get.
        details = {**details, SALT: secrets.token_hex(_SALT_BYTES)}
    entry = AuditEntry(
        position=head.position + 1,
        at=head.at,
        kind=event.kind.value,
        actor=event.actor,
        subject=event.subject,
        details=details,
        digest=b"",
        nodes=b"",
    )
    content = canonical(entry)
    peaks, nodes = grow_tree(head.position, head.peaks, content)
    await execute(
        tx,
        "append_audit",
        position=entry.position,
        at=entry.at,
        kind=entry.kind,
        actor=entry.actor,
        subject=entry.subject,
        details=Jsonb(entry.details),
        digest=entry_digest(head.digest, content),
        nodes=nodes,
        peaks=peaks,
    )
    return entry.position


async def read(
    tx: Transaction, *, after: int, limit: int, kind: str | None = None
) -> list[AuditEntry]:
    """Return at most `limit` entries after the position `after`, of one kind or all."""
    return await fetch_all(tx, AuditEntry, "read_audit", after=after, limit=limit, kind=kind)


async def read_back(
    tx: Transaction,
    *,
    before: int | None,
    limit: int,
    kind: str | None = None,
    actor: str | None = None,
    subject: str | None = None,
) -> list[AuditEntry]:
    """Return at most `limit` entries before a position, newest first; None does not filter."""
    filters = {"kind": kind, "actor": actor, "subject": subject}
    return await fetch_all(tx, AuditEntry, "read_audit_back", before=before, limit=limit, **filters)


async def signers(tx: Transaction) -> list[str]:
    """Return the public keys that the log says it was signed with, newest first."""
    kind = AuditKind.AUDIT_KEY_CHANGED.value
    entries = await read_back(tx, before=None, limit=_PAGE, kind=kind)
    return [str(entry.details.get("verifier")) for entry in entries]


async def head(tx: Transaction) -> AuditHead:
    """Return the end of the log."""
    return _only(await fetch_all(tx, AuditHead, "audit_head"))


async def span_hashes(tx: Transaction, spans: Sequence[merkle.Span]) -> list[bytes]:
    """Return the hash of each span of a proof (32 bytes), from the stored subtrees."""
    wanted = sorted({subtree for span in spans for subtree in merkle.peaks_of(span)})
    levels, indexes = [level for level, _ in wanted], [index for _, index in wanted]
    rows = await fetch_rows(tx, "read_audit_nodes", levels=levels, indexes=indexes)
    found = {(row["level"], row["index"]): bytes(row["hash"]) for row in rows}
    # A subtree whose last leaf was deleted has no hash: the proof then fits nothing.
    return [merkle.span_hash(span, lambda each: found.get(each, b"")) for span in spans]


async def verify(tx: Transaction, kept: Iterable[Checkpoint] = ()) -> LogVerifier:
    """Verify the whole log. Raises ChainBroken at the first entry that does not fit.

    `kept` are checkpoints from outside the database that the log must extend.
    """
    verifier = LogVerifier(kept)
    while page := await read(tx, after=verifier.position, limit=_PAGE):
        verifier.verify(page)
    verifier.finish(await head(tx))
    return verifier


def _only(found: Sequence[AuditHead]) -> AuditHead:
    if not found:
        raise LookupError("the audit log has lost its head")
    return found[0]
