"""A database filled with hashes faster than by submitting them: migrated, and encrypted."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import psycopg
from psycopg import sql
from unseen_service.encryption import HashKey, KeyFile
from unseen_service.store import Store, migrate
from unseen_service.usecases import actors, encryption

Result = TypeVar("Result")

_BLOCK = 50_000


def filled(url: str, data: Path, count: int) -> np.ndarray:
    """Set up a database, and insert uniform random hashes as if submitted. Return them.

    `data` is the data folder of the service that will use it: the keys are put there.
    """
    migrate(url)
    data.mkdir(mode=0o700)
    key_file = KeyFile(data / "encryption.key")
    by = actors.operator("bench")
    in_store(url, data, lambda owner: encryption.encrypt(owner, key_file, by), in_role=False)
    hashes = np.random.default_rng(1).integers(0, 256, (count, 32), np.uint8)
    _insert(url, hashes, key_file.keyring.newest)
    return hashes


def in_store(
    url: str, data: Path, use: Callable[[Store], Awaitable[Result]], *, in_role: bool = True
) -> Result:
    """Run a use case on a database."""

    async def run() -> Result:
        keys = KeyFile(data / "encryption.key")
        store = Store(url, key_file=keys, in_role=in_role, pool_size=1, timeout=10)
        await store.open()
        try:
            return await use(store)
        finally:
            await store.close()

    return asyncio.run(run())


def _insert(url: str, hashes: np.ndarray, key: HashKey) -> None:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        # Disables the foreign-key checks, which would double the time per row.
        cursor.execute("SET LOCAL session_replication_role = replica")
        restore = [_drop_unique(cursor, "hashes"), *_drop_indexes(cursor, "hashes")]
        cursor.execute("INSERT INTO cases (number, pin_salt, pin_digest) VALUES ('UN-B', '', '')")
        columns = "(pdq, record, lookup_tag, key_version, active)"
        with cursor.copy(f"COPY hashes {columns} FROM STDIN (FORMAT binary)") as copy:
            # In the binary format, a UUID is its 16 bytes.
            copy.set_types(["bytea", "bytea", "bytea", "int2", "bool"])
            for pdq, record, tag in _sealed(hashes, key):
                copy.write_row((pdq, record, tag, key.version, True))
        # Building an index once is faster than inserting ten million random values into it.
        for statement in restore:
            cursor.execute(statement)
        cursor.execute(
            "INSERT INTO images (case_id, number, convention)"
            " SELECT 1, id, 'pdq-srgb-full-1' FROM hashes"
        )
        cursor.execute(
            "INSERT INTO image_hashes (image_id, view, hash_id, quality)"
            " SELECT id, 'original', number, 100 FROM images"
        )
        cursor.execute(
            "WITH head AS (UPDATE log_head SET position = %s, at = now() RETURNING at)"
            " INSERT INTO changes (position, kind, hash_id, at)"
            " SELECT id, 'add', id, at FROM hashes, head",
            [len(hashes)],
        )
        cursor.execute("ANALYZE")
    with psycopg.connect(url, autocommit=True) as connection:
        # Otherwise a checkpoint of so many rows would run during the measurement.
        connection.execute("CHECKPOINT")


def _sealed(hashes: np.ndarray, key: HashKey) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield each hash as it is stored: sealed, its record, and its tag."""
    for start in range(0, len(hashes), _BLOCK):
        bits = hashes[start : start + _BLOCK]
        drawn = secrets.token_bytes(16 * len(bits))
        records = np.frombuffer(drawn, np.uint8).reshape(-1, 16)
        columns = (key.hashes.seal(bits, records), records, key.lookup.tags(bits))
        yield from zip(*(map(bytes, column) for column in columns), strict=True)


def _drop_unique(cursor: psycopg.Cursor, table: str) -> sql.Composed:
    """Drop a table's unique constraints; return the statement that restores them."""
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'u'",
        [table],
    )
    constraints = [
        (sql.Identifier(name), sql.SQL(definition)) for name, definition in cursor.fetchall()
    ]
    alter = sql.SQL("ALTER TABLE {} ").format(sql.Identifier(table))
    for name, _ in constraints:
        cursor.execute(alter + sql.SQL("DROP CONSTRAINT {}").format(name))
    add = [sql.SQL("ADD CONSTRAINT {} {}").format(*each) for each in constraints]
    return alter + sql.SQL(", ").join(add)


def _drop_indexes(cursor: psycopg.Cursor, table: str) -> list[sql.SQL]:
    """Drop the indexes that belong to no constraint; return the statements that restore them."""
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
        [table],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [sql.SQL(definition) for _, definition in indexes]
