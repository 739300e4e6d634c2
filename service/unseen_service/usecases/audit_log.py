"""The audit log: read, export, link to a case, prove, verify. Each of these is recorded in it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from .. import credentials
from ..errors import ChainBroken, InvalidRequest, NoSuchCase, StateUnexplained
from ..models.audit import AuditEntry, AuditHead, AuditKind, Staff
from ..store import Store, Transaction, audit, benign_hashes, cases, hashes, reconciliation
from ..tlog import merkle
from ..tlog.chain import LogVerifier, canonical_json, contents
from ..tlog.checkpoint import Checkpoint
from .actors import OPERATOR, staff_event
from .baseline import vouch

_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries of the audit log, in order, and the end of the log."""

    entries: Sequence[AuditEntry]
    head: AuditHead


async def size(store: Store) -> int:
    """Return the number of entries of the log."""
    async with store.snapshot() as tx:
        return (await audit.head(tx)).position


async def baselines(store: Store) -> list[AuditEntry]:
    """Return the entries that vouch for state as it was found (at most 100,000), in order."""
    async with store.snapshot() as tx:
        kind = AuditKind.LOG_BASELINE.value
        return await audit.read(tx, after=0, limit=100_000, kind=kind)


async def read_audit(
    store: Store, by: Staff, reason: str, *, after: int, limit: int, kind: str | None
) -> AuditPage:
    """Return a page of the audit log; the log records first that it was read."""
    details = {"reason": reason, "after": after, "limit": limit, "kind": kind}
    async with store.transaction() as tx:
        await audit.append(tx, staff_event(by, AuditKind.AUDIT_READ, details))
    async with store.snapshot() as tx:
        entries = await audit.read(tx, after=after, limit=limit, kind=kind)
        return AuditPage(entries, await audit.head(tx))


async def read_audit_back(
    store: Store, by: Staff, reason: str, *, before: int | None, limit: int, **filters: str | None
) -> AuditPage:
    """Return a page that ends before a position, or at the end of the log, newest first.

    `filters` are `kind`, `actor` and `subject`; None does not filter.
    """
    query = {"before": before, "limit": limit, **filters}
    details = {"reason": reason, **{name: each for name, each in query.items() if each is not None}}
    async with store.transaction() as tx:
        await audit.append(tx, staff_event(by, AuditKind.AUDIT_READ, details))
    async with store.snapshot() as tx:
        entries = await audit.read_back(tx, before=before, limit=limit, **filters)
        return AuditPage(entries, await audit.head(tx))


async def export_audit(
    store: Store, by: Staff, reason: str | None
) -> tuple[int, AsyncIterator[list[AuditEntry]]]:
    """Return the size of the whole log, the entry of this export included, and its pages."""
    async with store.transaction() as tx:
        size = await audit.append(tx, staff_event(by, AuditKind.AUDIT_EXPORTED, {"reason": reason}))
    return size, _pages(store, size)


async def _pages(store: Store, size: int) -> AsyncIterator[list[AuditEntry]]:
    # Each page is a transaction of its own: a slow reader must not hold a connection.
    after = 0
    while after < size:
        async with store.transaction() as tx:
            page = await audit.read(tx, after=after, limit=min(_PAGE, size - after))
        if not page:
            raise ChainBroken(after + 1, f"it is missing; {size} are exported")
        after = page[-1].position
        yield page


def export_lines(entries: Iterable[AuditEntry]) -> bytes:
    """Return entries in the format of an export: canonical JSON with the digest, one per line."""
    return b"".join(
        canonical_json({**contents(entry), "digest": entry.digest.hex()}) + b"\n"
        for entry in entries
    )


def last_line(checkpoint: str) -> bytes:
    """Return the last line of an export: the signed checkpoint of all entries before."""
    return canonical_json({"checkpoint": checkpoint}) + b"\n"


async def link_case(store: Store, by: Staff, reason: str, number: str) -> str:
    """Return the reference of the case of a number, to staff who have it. Raises NoSuchCase."""
    read = credentials.read_case_number(number)
    async with store.transaction() as tx:
        reference = await cases.reference(tx, read) if read else None
        await audit.append(
            tx, staff_event(by, AuditKind.CASE_LINKED, {"reason": reason}, reference)
        )
    if reference is None:
        raise NoSuchCase
    return reference


async def prove_inclusion(
    store: Store, position: int, size: int | None, *, most: int | None = None
) -> tuple[int, bytes, list[bytes]]:
    """Prove that an entry is in the log of `size` entries (None: as it is now).

    The caller may know of `most` entries (None: all). Return the size, the entry's leaf hash and
    its path (32 bytes each). Raises InvalidRequest.
    """
    async with store.snapshot() as tx:
        size = _within(size, await _known(tx, most), "size")
        if position > size:
            raise InvalidRequest(f"The log of this size has no entry {position}.", "position")
        index = position - 1
        spans = [(index, index + 1), *merkle.inclusion(index, size)]
        leaf, *path = await audit.span_hashes(tx, spans)
    return size, leaf, path


async def prove_consistency(
    store: Store, first: int, second: int | None, *, most: int | None = None
) -> tuple[int, list[bytes]]:
    """Prove that the log of `second` entries (None: now) begins with that of `first`.

    The caller may know of `most` entries (None: all). Return the second size and the path (32
    bytes each). Raises InvalidRequest.
    """
    async with store.snapshot() as tx:
        second = _within(second, await _known(tx, most), "second")
        if first > second:
            raise InvalidRequest("The first size is not larger than the second.", "first")
        return second, await audit.span_hashes(tx, merkle.consistency(first, second))


async def verify_audit(
    store: Store, kept: Iterable[Checkpoint] = (), by: Staff = OPERATOR
) -> LogVerifier:
    """Verify the whole audit log, and that it explains the state of the database.

    Raises ChainBroken at the first entry that does not fit, StateUnexplained for the first state
    that no entry explains. `kept` are checkpoints that the log must extend. The run is recorded,
    whatever it found. All is read in one snapshot, so the service can go on meanwhile.
    """
    await vouch(store)
    try:
        async with store.snapshot() as tx:
            verifier = await audit.verify(tx, kept)
            if unexplained := await reconciliation.find_unexplained(tx):
                raise StateUnexplained(unexplained.what, unexplained.why)
            await _check_bits(tx)
    except StateUnexplained as error:
        await _record_run(store, by, fits=False, position=verifier.position, unexplained=error.what)
        raise
    except ChainBroken as broken:
        await _record_run(store, by, fits=False, position=broken.position)
        raise
    await _record_run(store, by, fits=True, position=verifier.position)
    return verifier


async def _check_bits(tx: Transaction) -> None:
    """Check that what is sealed is what the service stored: it cannot be forged."""
    for what, find_altered, part in (
        ("hash", hashes.find_altered, "bits or the tag that it is found by"),
        ("benign", benign_hashes.find_altered, "bits"),
        ("case", cases.find_altered_pin, "PIN"),
    ):
        if (altered := await find_altered(tx)) is not None:
            raise StateUnexplained(f"{what} {altered}", f"its {part} was altered in the database")


async def report_verified(
    store: Store, by: Staff, reason: str, *, fits: bool, position: int, root: bytes | None
) -> bool | None:
    """Record that staff verified the log themselves, and the result, which is taken on trust.

    Return whether the Merkle root that they found up to `position` is the log's own; None if
    they sent none. Raises InvalidRequest.
    """
    same = None
    async with store.snapshot() as tx:
        if fits:
            _within(position, (await audit.head(tx)).position, "position")
        if fits and root is not None:
            same = await audit.span_hashes(tx, [(0, position)]) == [root]
    details = {"reason": reason, "fits": fits, "position": position, "same_root": same}
    async with store.transaction() as tx:
        await audit.append(tx, staff_event(by, AuditKind.AUDIT_VERIFIED, details))
    return same


async def _record_run(store: Store, by: Staff, **found: bool | int | str) -> None:
    async with store.transaction() as tx:
        await audit.append(tx, staff_event(by, AuditKind.AUDIT_VERIFIED, found))


async def _known(tx: Transaction, most: int | None) -> int:
    position = (await audit.head(tx)).position
    return position if most is None else min(most, position)


def _within(size: int | None, head: int, at: str) -> int:
    if size is None:
        return head
    if size > head:
        raise InvalidRequest(f"The log has {head} entries so far.", at)
    return size
