"""How many rows PostgreSQL goes over to execute a statement of the store."""

from collections.abc import Iterator
from typing import Any

import psycopg
from unseen_service.store.sql import SQL


def rows_compared(url: str, statement: str, **parameters: object) -> int:
    """Execute a statement of the store, undo it, and return how many rows its plan went over."""
    with psycopg.connect(url) as connection:
        explain = b"EXPLAIN (ANALYZE, FORMAT JSON) " + SQL[statement]
        row = connection.execute(explain, parameters).fetchone()
        connection.rollback()
    assert row is not None
    return sum(map(_rows, _nodes(row[0][0]["Plan"])))


def _rows(node: dict[str, Any]) -> int:
    removed = sum(value for name, value in node.items() if name.startswith("Rows Removed"))
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", []):
        yield from _nodes(each)
