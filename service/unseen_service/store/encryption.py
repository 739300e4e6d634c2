"""Encrypt the database, or replace its key: a step at a time, while the service serves.

Only the owner of the tables may begin and complete it. In between, rows of both forms are there.
"""

from dataclasses import dataclass

from psycopg.rows import DictRow

from ..encryption import HashKey, Keyring
from .hashes import log_altered
from .sealing import (
    Bytes2D,
    Encryption,
    as_array,
    encryption,
    ids_as_array,
    records_as_array,
)
from .session_names import APPLICATION, HOST
from .statements import Transaction, execute, fetch_column, fetch_one, fetch_rows, fetch_value

_BATCH = 2_000
_SHUT_OUT_OLDER = "REVOKE ALL ON change_head FROM unseen_serve"
"""Workers of older versions fail from then on, because they write hashes in clear."""
_DROP_CLEAR_INDEX = "ALTER TABLE hashes DROP CONSTRAINT IF EXISTS hashes_pdq_key"


@dataclass(frozen=True, slots=True)
class EncryptionState:
    """The key that new rows are sealed with (None: in clear), and whether every row is."""

    version: int | None
    is_complete: bool


async def state(tx: Transaction) -> EncryptionState:
    """Return how the database is encrypted; no key is needed for that."""
    row = await fetch_one(tx, "encryption")
    return (
        EncryptionState(row["version"], row["completed"]) if row else EncryptionState(None, False)
    )


async def has_data(tx: Transaction) -> bool:
    """Return whether there is anything to encrypt."""
    return bool(await fetch_value(tx, "has_data"))


async def is_owner(tx: Transaction) -> bool:
    """Return whether this session may alter the tables."""
    return bool(await fetch_value(tx, "owns_tables"))


async def older_sessions(tx: Transaction, application: str) -> list[int]:
    """Return the process IDs of sessions that may be of workers of an older version.

    `application` is the name that they have by their URL, if it gives one.
    """
    return await fetch_column(tx, "older_sessions", ours=f"{APPLICATION}%", theirs=application)


async def has_other_hosts(tx: Transaction) -> bool:
    """Return whether workers of another host are connected."""
    return bool(await fetch_value(tx, "has_other_hosts", ours=f"{APPLICATION} %", host=HOST))


async def begin(tx: Transaction, keyring: Keyring, key: HashKey) -> None:
    """Seal new rows with this key from now on. The caller holds the change log's lock."""
    await tx.execute(_SHUT_OUT_OLDER)
    await execute(tx, "use_key", version=key.version, check_value=keyring.check_value(key.version))


async def complete(tx: Transaction, key: HashKey) -> bool:
    """Record that all is sealed with this key, if it is. Return whether it is.

    The caller holds the change log's lock.
    """
    if await fetch_value(tx, "has_unsealed", version=key.version):
        return False
    await execute(tx, "complete_encryption", version=key.version)
    await execute(tx, "forget_other_keys", version=key.version)
    # It was needed by older versions, and to find hashes in clear.
    await tx.execute(_DROP_CLEAR_INDEX)
    return True


async def seal_hashes(tx: Transaction, after: int) -> int | None:
    """Seal the next hashes after an id with the current key. Return the last id; None: no more.

    The caller holds the change log's lock.
    """
    used = await encryption(tx)
    key = _current(used)
    rows = await fetch_rows(tx, "unsealed_hashes", version=key.version, after=after, limit=_BATCH)
    opened = used.open(*([row[name] for row in rows] for name in ("pdq", "record", "key_version")))
    kept = [
        (row, pdq)
        for row, pdq in zip(rows, opened, strict=True)
        if pdq is not None and _is_found_by_its_tag(used, row, pdq)
    ]
    log_altered(len(rows) - len(kept))
    if kept:
        bits = as_array([pdq for _, pdq in kept])
        records = records_as_array([row["record"] for row, _ in kept])
        await execute(
            tx,
            "seal_hashes",
            version=key.version,
            hash_ids=[row["id"] for row, _ in kept],
            pdqs=_as_bytes(key.hashes.seal(bits, records)),
            tags=_as_bytes(key.lookup.tags(bits)),
        )
    return rows[-1]["id"] if rows else None


async def seal_benign(tx: Transaction) -> None:
    """Seal the benign bank with the current key. The caller holds the change log's lock."""
    used = await encryption(tx)
    key = _current(used)
    rows = [row for row in await fetch_rows(tx, "list_benign") if row["key_version"] != key.version]
    opened = used.open_benign(
        *([row[name] for row in rows] for name in ("pdq", "id", "key_version"))
    )
    kept = [(row["id"], pdq) for row, pdq in zip(rows, opened, strict=True) if pdq is not None]
    log_altered(len(rows) - len(kept))
    if kept:
        ids = [each for each, _ in kept]
        sealed = key.benign.seal(as_array([pdq for _, pdq in kept]), ids_as_array(ids))
        await execute(
            tx,
            "seal_benign",
            version=key.version,
            ids=ids,
            pdqs=_as_bytes(sealed),
        )


async def seal_pins(tx: Transaction) -> bool:
    """Seal the next digests of PINs with the pepper. Return whether there were any."""
    used = await encryption(tx)
    if not used.has_clear:
        return False
    rows = await fetch_rows(tx, "unsealed_pins", limit=_BATCH)
    if rows and used.keyring:
        sealed = [used.keyring.sealed_pin(row["number"], row["pin_digest"]) for row in rows]
        await execute(tx, "seal_pins", ids=[row["id"] for row in rows], digests=sealed)
    return bool(rows)


async def seal_submissions(tx: Transaction) -> bool:
    """Seal the next digests of requests with the pepper. Return whether there were any."""
    used = await encryption(tx)
    if not used.has_clear:
        return False
    rows = await fetch_rows(tx, "unsealed_submissions", limit=_BATCH)
    if rows and used.keyring:
        sealed = [used.keyring.request_digest(row["request_digest"]) for row in rows]
        await execute(
            tx, "seal_submissions", keys=[row["key_digest"] for row in rows], digests=sealed
        )
    return bool(rows)


def _is_found_by_its_tag(used: Encryption, row: DictRow, pdq: bytes) -> bool:
    """Return whether a sealed row has the tag of its bits; otherwise they may be there twice."""
    version = row["key_version"]
    if version is None:
        return True
    return bool(row["lookup_tag"] == bytes(used.key(version).lookup.tags(as_array([pdq]))[0]))


def _current(used: Encryption) -> HashKey:
    if used.current is None:
        raise LookupError("the database is not being encrypted")
    return used.current


def _as_bytes(rows: Bytes2D) -> list[bytes]:
    return [bytes(row) for row in rows]
