"""Compare the state of the database with what the audit log explains.

Three steps, all of one snapshot: each entry's commitment covers the digests that are stored for
it; the last digest of each object is that of its content now; matches are those that entries list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .state import COMMITMENT, DIGEST, LINE_IS_VALID, SALT_IS_VALID, contents
from .statements import Transaction, fetch_one, fetch_value

_CLAIMS = """
WITH claims AS MATERIALIZED (
    SELECT position, details #>> '{state,sha256}' AS sha256,
        CASE WHEN details #>> '{state,set}' ~ '^[0-9]{1,18}$'
            THEN (details #>> '{state,set}')::bigint END AS change_set
    FROM audit_log WHERE details ? 'state'
)
"""
_LATEST = f"""
{_CLAIMS}, latest AS MATERIALIZED (
    SELECT DISTINCT ON (kind, id, sub) kind, id, sub, digest, position
    FROM claims JOIN state_digests USING (change_set)
    ORDER BY kind, id, sub, position DESC
)
"""  # noqa: S608
_BROKEN_COMMITMENT = f"""
{_CLAIMS}
SELECT position FROM (
    SELECT position, sha256, encode({COMMITMENT}, 'base64') AS found,
        {SALT_IS_VALID} AND bool_and({LINE_IS_VALID}) AS is_valid
    FROM claims
    LEFT JOIN state_salts USING (change_set)
    LEFT JOIN state_digests USING (change_set)
    GROUP BY position, sha256, salt
) AS each
WHERE found IS DISTINCT FROM sha256 OR NOT is_valid
UNION ALL
(SELECT max(position) FROM claims GROUP BY change_set HAVING count(*) > 1)
ORDER BY position LIMIT 1
"""  # noqa: S608
_UNEXPLAINED = f"""
{_LATEST}, now AS (
    SELECT kind, id, sub, {DIGEST} AS digest FROM ({contents("", "latest")}) AS each
)
SELECT kind, id, sub, position, now.digest IS NULL AS is_gone
FROM now FULL JOIN latest USING (kind, id, sub)
WHERE now.digest IS DISTINCT FROM latest.digest
ORDER BY position, kind, id, sub LIMIT 1
"""  # noqa: S608
_GAP = f"""
{_LATEST}
SELECT least(
    (SELECT min(id) FROM (
        SELECT id, lag(sub, 1, 0::bigint) OVER (ORDER BY id) AS before
        FROM latest WHERE kind = 'positions'
    ) AS ranges WHERE id <> before + 1),
    (SELECT least(explained.last, head.position, stored.last) + 1
     FROM (SELECT coalesce(max(sub), 0) AS last FROM latest WHERE kind = 'positions') AS explained,
         (SELECT coalesce(max(position), 0) AS last FROM changes) AS stored, log_head AS head
     WHERE explained.last <> head.position OR explained.last <> stored.last),
    (SELECT min(position) FROM changes WHERE position < 1)
) AS position
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Unexplained:
    """State that no entry explains: what it is, by numbers that identify nobody, and why."""

    what: str
    why: str


async def find_unexplained(tx: Transaction) -> Unexplained | None:
    """Return the first state that differs from what the audit log explains; None if none does.

    Call it in a snapshot, in which the log itself was verified. PostgreSQL sorts and joins on its
    disk, so that the memory does not grow with the size of the database.
    """
    if altered := await _find_altered_table(tx):
        return altered
    if position := await _value(tx, _BROKEN_COMMITMENT):
        return Unexplained(
            f"audit entry {position}", "the digests that it commits to are missing or altered"
        )
    if row := await (await tx.execute(_UNEXPLAINED.encode())).fetchone():
        return Unexplained(_name(row), _why(row["position"], is_gone=row["is_gone"]))
    if (position := await _value(tx, _GAP)) is not None:
        return Unexplained(f"position {position} of the change log", "no entry explains it")
    if row := await fetch_one(tx, "unexplained_match"):
        listed = f"audit entry {row['position']} lists it, and it is missing"
        why = listed if row["is_gone"] else "no entry explains it"
        return Unexplained(f"a match of record {row['record']}", why)
    return None


async def _find_altered_table(tx: Transaction) -> Unexplained | None:
    if name := await fetch_value(tx, "replaced_table"):
        return Unexplained(f"table {name}", "it is not the ordinary table that migrations created")
    if await fetch_value(tx, "has_stray_entries"):
        return Unexplained("table audit_log", "it has rows that are not entries of the log")
    return None


async def _value(tx: Transaction, statement: str) -> int | None:
    row = await (await tx.execute(statement.encode())).fetchone()
    return next(iter(row.values())) if row else None


def _name(row: Mapping[str, Any]) -> str:
    if row["kind"] == "positions":
        return f"the change log from position {row['id']} to {row['sub']}"
    return f"{row['kind']} {row['id']}" + (f"/{row['sub']}" if row["sub"] else "")


def _why(position: int | None, *, is_gone: bool) -> str:
    if position is None:
        return "no entry explains it"
    if is_gone:
        return f"it is missing, and audit entry {position} says that it exists"
    return f"it differs from what audit entry {position}, the last about it, commits to"
