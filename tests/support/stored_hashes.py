"""Hashes in the database, which are encrypted there: put some in, and read their bits."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from unseen_service.encryption import KeyFile
from unseen_service.store import Store, Transaction, changes, hashes, sealing

from .databases import query
from .encryption import key_file
from .hashes import random_hashes
from .waiting import PATIENCE_S

Result = TypeVar("Result")


def insert_active(url: str, count: int) -> None:
    """Insert active hashes that belong to no case: they are searched, but never returned."""
    insert(url, count)
    query(url, "UPDATE hashes SET active = true WHERE gone_at IS NULL")


def insert(url: str, count: int, seed: int = 2_000_000) -> list[int]:
    """Insert hashes that are not active and belong to no case; return their ids."""
    pdqs = list(map(bytes, random_hashes(count, seed)))

    async def add(tx: Transaction) -> list[int]:
        await changes.lock(tx)
        return list((await hashes.add(tx, pdqs)).values())

    return in_transaction(url, add)


def bits_by_record(url: str) -> dict[str, str]:
    """Return the bits of all active hashes that may match, in hex, by record."""
    records = dict(query(url, "SELECT id, record::text FROM hashes"))

    async def read(tx: Transaction) -> dict[str, str]:
        found = {}
        async for ids, bits in hashes.active(tx):
            found |= {records[int(n)]: bytes(row).hex() for n, row in zip(ids, bits, strict=True)}
        return found

    return in_transaction(url, read)


def stored_bits(url: str, keys: Path | None = None) -> list[str]:
    """Return the bits of all hashes that have not been erased, in hex, sorted.

    `keys` is a key file other than that of the tests.
    """

    async def read(tx: Transaction) -> list[str]:
        statement = "SELECT pdq, record, key_version FROM hashes WHERE pdq IS NOT NULL"
        rows = await (await tx.execute(statement)).fetchall()
        columns = ([row[name] for row in rows] for name in ("pdq", "record", "key_version"))
        opened = (await sealing.encryption(tx)).open(*columns)
        return sorted(pdq.hex() for pdq in opened if pdq)

    return in_transaction(url, read, keys)


def id_of(url: str, pdq: str, keys: Path | None = None) -> int:
    """Return the id of a stored hash."""

    async def find(tx: Transaction) -> int:
        return (await hashes.find(tx, [bytes.fromhex(pdq)]))[bytes.fromhex(pdq)]

    return in_transaction(url, find, keys)


def in_transaction(
    url: str, use: Callable[[Transaction], Awaitable[Result]], keys: Path | None = None
) -> Result:
    """Use the store in a transaction of its own."""

    async def run() -> Result:
        store = Store(url, key_file=KeyFile(keys or key_file()), pool_size=1, timeout=PATIENCE_S)
        await store.open()
        try:
            async with store.transaction() as tx:
                return await use(tx)
        finally:
            await store.close()

    return asyncio.run(run())
