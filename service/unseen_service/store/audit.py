"""The audit log: appended to in the transaction of what it records, read, proven, verified."""

from collections.abc import Iterable, Sequence

from psycopg.types.json import Jsonb

from ..models.audit import AuditEntry, AuditEvent, AuditHead
from ..tlog import merkle
from ..tlog.chain import LogVerifier, canonical, link, nodes_of
from ..tlog.checkpoint import Checkpoint
from .pool import Transaction, execute, execute_and_sync, fetch_all, with_lock_retry

_PAGE = 5_000
KEY_CHANGED = "audit.key-changed"
"""The kind of the entry that names the key which signs from there on."""


async def lock(tx: Transaction) -> AuditHead:
    """Become the only one to append until the transaction ends; answer the head.

    What a statement reads after this is no older than the last audited change. The head's time
    is the one that the next entry gets.
    """
    cursor = await with_lock_retry(tx, lambda: execute_and_sync(tx, "lock_audit_head"))
    return _the_head([AuditHead(**row) for row in await cursor.fetchall()])


async def append(tx: Transaction, event: AuditEvent, head: AuditHead | None = None) -> int:
    """Append an entry; answer its position.

    The last thing that a transaction does: from here to its commit no other can append. `head`
    is what `lock` answered, where it was called in the transaction before.
    """
    head = head or await lock(tx)
    entry = AuditEntry(
        position=head.position + 1,
        at=head.at,
        kind=event.kind,
        actor=event.actor,
        subject=event.subject,
        details=event.details,
        digest=b"",
        nodes=b"",
    )
    content = canonical(entry)
    peaks, nodes = nodes_of(head.position, head.peaks, content)
    await execute(
        tx,
        "append_audit",
        position=entry.position,
        at=entry.at,
        kind=entry.kind,
        actor=entry.actor,
        subject=entry.subject,
        details=Jsonb(entry.details),
        digest=link(head.digest, content),
        nodes=nodes,
        peaks=peaks,
    )
    return entry.position


async def read(
    tx: Transaction, *, after: int, limit: int, kind: str | None = None
) -> list[AuditEntry]:
    """Read at most `limit` entries that follow the position `after`, of one kind or all."""
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
    """Read at most `limit` entries, the newest first, before a position; None filters nothing."""
    asked = {"kind": kind, "actor": actor, "subject": subject}
    return await fetch_all(tx, AuditEntry, "read_audit_back", before=before, limit=limit, **asked)


async def signers(tx: Transaction) -> list[str]:
    """Name the public keys that the log was signed with, as the log has them: the newest first."""
    entries = await read_back(tx, before=None, limit=_PAGE, kind=KEY_CHANGED)
    return [str(entry.details.get("verifier")) for entry in entries]


async def head(tx: Transaction) -> AuditHead:
    """Say how far the log is."""
    return _the_head(await fetch_all(tx, AuditHead, "audit_head"))


async def span_hashes(tx: Transaction, spans: Sequence[merkle.Span]) -> list[bytes]:
    """Give the hash of each span of a proof, from the subtrees that are kept."""
    wanted = sorted({subtree for span in spans for subtree in merkle.peaks_of(span)})
    levels, indexes = [level for level, _ in wanted], [index for _, index in wanted]
    cursor = await execute(tx, "read_audit_nodes", levels=levels, indexes=indexes)
    found = {(row["level"], row["index"]): bytes(row["hash"]) for row in await cursor.fetchall()}
    # A subtree whose last leaf was dropped is no hash at all: the proof then fits nothing.
    return [merkle.span_hash(span, lambda each: found.get(each, b"")) for span in spans]


async def verify(tx: Transaction, kept: Iterable[Checkpoint] = ()) -> LogVerifier:
    """Walk the whole log; raise ChainBroken at the first entry that does not fit.

    `kept` are checkpoints from outside the database that it must have grown from.
    """
    verifier = LogVerifier(kept)
    while page := await read(tx, after=verifier.position, limit=_PAGE):
        verifier.walk(page)
    verifier.finish(await head(tx))
    return verifier


def _the_head(found: Sequence[AuditHead]) -> AuditHead:
    if not found:
        raise LookupError("the audit log has lost its head")
    return found[0]
