"""Stored hashes by their bits: find them, add them, and read all that may match.

The callers of `add` hold the change log's lock.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt

from ..encryption.siv import BLOCK, SEALED_BYTES
from ..models.hashes import HASH_BYTES
from .sealing import (
    RECORD_BYTES,
    Bytes2D,
    Encryption,
    as_array,
    encryption,
    records_as_array,
)
from .sql import SQL
from .statements import Transaction, fetch_rows

_SEALED = np.dtype(
    [
        ("id", ">i8"),
        ("record", np.uint8, RECORD_BYTES),
        ("version", ">i2"),
        ("pdq", np.uint8, SEALED_BYTES),
    ]
)
_SEALED_AND_TAG = np.dtype([*_SEALED.descr, ("tag", np.uint8, BLOCK)])
_BLOCK = 50_000

Rows: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]

logger = logging.getLogger(__name__)


async def find(tx: Transaction, pdqs: Sequence[bytes]) -> dict[bytes, int]:
    """Return the ids of hashes by their bits (32 bytes each); unknown ones are left out."""
    return await _find(tx, await encryption(tx), list(dict.fromkeys(pdqs)))


async def add(
    tx: Transaction, pdqs: Sequence[bytes], *, crops: AbstractSet[bytes] = frozenset()
) -> dict[bytes, int]:
    """Add those of some hashes (32 bytes each) that are not stored yet. Return the ids of all.

    New ones are published, except `crops`.
    """
    used = await encryption(tx)
    wanted = list(dict.fromkeys(pdqs))
    found = await _find(tx, used, wanted)
    missing = [pdq for pdq in wanted if pdq not in found]
    if missing:
        records = _new_records(len(missing))
        rows = await fetch_rows(
            tx,
            "insert_hashes",
            records=records,
            published=[pdq not in crops for pdq in missing],
            **_sealed(used, missing, records),
        )
        ids = {row["record"]: row["id"] for row in rows}
        found |= {pdq: ids[record] for pdq, record in zip(missing, records, strict=True)}
    return found


async def active(tx: Transaction) -> AsyncIterator[Rows]:
    """Yield every matchable hash in blocks: ids int64[n], hashes uint8[n, 32].

    PostgreSQL packs each block into one value: COPY, with a message per row, took six times as
    long. Raises StoreUnavailable if a key is missing; hashes that were altered are left out.
    """
    used, after, altered = await encryption(tx), 0, 0
    async with tx.cursor(binary=True) as cursor:
        while True:
            await cursor.execute(SQL["pack_active_hashes"], {"after": after, "limit": _BLOCK})
            row = await cursor.fetchone()
            if row is None or row["packed"] is None:
                break
            rows = np.frombuffer(row["packed"], _SEALED)
            ids, bits, is_genuine = _unpack(used, rows)
            altered += int(len(ids) - is_genuine.sum())
            yield ids[is_genuine], bits[is_genuine]
            after = row["last"]
    log_altered(altered)


def log_altered(count: int) -> None:
    """Log that hashes cannot be matched, because somebody altered them in the database."""
    if count:
        logger.error(
            "%d hashes were altered in the database and are not matched: run "
            "'unseen-service audit verify'",
            count,
        )


async def find_altered(tx: Transaction) -> int | None:
    """Return the id of the first hash that is not what the service stored; None if there is none.

    In a database that is not encrypted, or not yet completely, hashes in clear are not checked.
    """
    used = await encryption(tx)
    after = 0
    async with tx.cursor(binary=True) as cursor:
        while used.current:
            await cursor.execute(SQL["pack_hashes"], {"after": after, "limit": _BLOCK})
            row = await cursor.fetchone()
            if row is None or row["packed"] is None:
                break
            rows = np.frombuffer(row["packed"], _SEALED_AND_TAG)
            ids, bits, is_genuine = _unpack(used, rows)
            is_genuine &= _has_its_tag(used, rows, bits)
            if not is_genuine.all():
                return int(ids[~is_genuine][0])
            after = row["last"]
    return None


async def _find(tx: Transaction, used: Encryption, pdqs: Sequence[bytes]) -> dict[bytes, int]:
    known_by = dict(used.tags_of(pdqs))
    clear = list(pdqs) if used.has_clear else []
    known_by |= {pdq: pdq for pdq in clear}
    rows = await fetch_rows(tx, "hashes_by_value", clear=clear, tags=list(known_by))
    return {known_by[row["value"]]: row["id"] for row in rows}


def _sealed(used: Encryption, pdqs: Sequence[bytes], records: Sequence[UUID]) -> dict[str, Any]:
    """Return the parameters that store hashes, with their records."""
    key = used.current
    if key is None:
        return {"version": None, "pdqs": list(pdqs), "tags": [None] * len(pdqs)}
    bits = as_array(pdqs)
    return {
        "version": key.version,
        "pdqs": list(map(bytes, key.hashes.seal(bits, records_as_array(records)))),
        "tags": list(map(bytes, key.lookup.tags(bits))),
    }


def _new_records(count: int) -> list[UUID]:
    drawn = secrets.token_bytes(RECORD_BYTES * count)
    parts = (drawn[n : n + RECORD_BYTES] for n in range(0, len(drawn), RECORD_BYTES))
    return [UUID(bytes=part, version=4) for part in parts]


def _has_its_tag(
    used: Encryption, rows: npt.NDArray[np.void], bits: Bytes2D
) -> npt.NDArray[np.bool_]:
    """Return which rows are found by their bits, uint8[n, 32]: bool[n]. Those in clear are."""
    fits = np.ones(len(rows), np.bool_)
    for version in np.unique(rows["version"]):
        if version:
            of_version = rows["version"] == version
            tags = used.key(int(version)).lookup.tags(bits[of_version])
            fits[of_version] = (tags == rows["tag"][of_version]).all(axis=1)
    return fits


def _unpack(
    used: Encryption, rows: npt.NDArray[np.void]
) -> tuple[npt.NDArray[np.int64], Bytes2D, npt.NDArray[np.bool_]]:
    """Return ids int64[n], hashes uint8[n, 32], and which are genuine: bool[n]."""
    bits = rows["pdq"][:, :HASH_BYTES].copy()  # what is in clear; the others are opened below
    is_genuine = np.ones(len(rows), np.bool_) if used.has_clear else rows["version"] != 0
    for version in np.unique(rows["version"]):
        if version:
            of_version = rows["version"] == version
            sealed, records = rows["pdq"][of_version], rows["record"][of_version]
            bits[of_version], is_genuine[of_version] = used.key(int(version)).hashes.open(
                sealed, np.ascontiguousarray(records)
            )
    return rows["id"].astype(np.int64), bits, is_genuine
