"""Counts the work of requests: statements, candidates, rows per transaction, bytes of log.

Counts do not depend on how busy the machine is, so a test can hold a request to a limit.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
import pytest
from unseen_index import HashTable, Hits
from unseen_service.store.sql import SQL
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from .databases import query

_NAMES = {text: name for name, text in SQL.items()}

_IN_REQUEST: ContextVar[bool] = ContextVar("in a request", default=False)


@dataclass
class Work:
    """What the services of this process did for requests; their jobs' work is left out."""

    statements: Counter[str] = field(default_factory=Counter)
    """How often each statement of the store was executed, by name."""
    searches: list[int] = field(default_factory=list)
    """The number of queries of each search of a table."""
    candidates: int = 0
    """How many hits the searches returned."""


@contextmanager
def counting_work() -> Iterator[Work]:
    """Count during the block what requests to services in this process execute and search."""
    work, execute, search = Work(), psycopg.AsyncCursor.execute, HashTable.search
    serve = RequestResponseCycle.run_asgi

    async def marked_serve(cycle: Any, app: Any) -> None:
        _IN_REQUEST.set(True)  # for this request's task only
        await serve(cycle, app)

    async def counted_execute(cursor: Any, statement: Any, *args: Any, **options: Any) -> Any:
        if _IN_REQUEST.get():
            work.statements[_NAMES.get(statement, "other")] += 1
        return await execute(cursor, statement, *args, **options)

    def counted_search(table: HashTable, queries: Any, radius: int, **options: Any) -> Hits:
        found = search(table, queries, radius, **options)
        work.searches.append(len(queries))
        work.candidates += len(found.ids)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestResponseCycle, "run_asgi", marked_serve)
        patch.setattr(psycopg.AsyncCursor, "execute", counted_execute)
        patch.setattr(HashTable, "search", counted_search)
        yield work


def rows_per_transaction(database_url: str, table: str) -> list[int]:
    """Return how many rows of a table each transaction wrote last, in descending order."""
    counted = f"SELECT count(*) FROM {table} GROUP BY xmin::text"  # noqa: S608 - a test's own
    return sorted((rows for (rows,) in query(database_url, counted)), reverse=True)


def entry_bytes(database_url: str, kind: str) -> list[int]:
    """Return the size of the details of each audit entry of a kind, in order."""
    measured = "SELECT octet_length(details::text) FROM audit_log WHERE kind = %s ORDER BY position"
    return [size for (size,) in query(database_url, measured, kind)]


def crowd(centre: str, count: int, *, bits: int = 8, seed: int = 1) -> list[str]:
    """Return different hashes within so many bits of one, as an attacker makes them."""
    rng = np.random.default_rng(seed)
    base = np.unpackbits(np.frombuffer(bytes.fromhex(centre), np.uint8))
    made = np.repeat(base[None], count, axis=0)
    for row in made:
        row[rng.choice(256, rng.integers(bits // 2, bits + 1), replace=False)] ^= 1
    return [bytes(row).hex() for row in np.packbits(made, axis=1)]
