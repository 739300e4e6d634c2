"""What audit entries commit to: the state that their transactions changed.

Triggers note every changed object of a transaction (`state_noted`). The next audit entry claims
them: it contains a SHA-256 over a salt and a line per object, with the digest of its content. So
verification can tell for each object which entry put it into the state it is in.

An object is a row, or a few that belong together: a kind and two numbers identify it. Bits of
hashes are no part of any content. docs/audit.md specifies the format.
"""

import base64
import secrets
from dataclasses import dataclass
from typing import Any

from .sql import SQL
from .statements import Transaction, execute, fetch_one, fetch_value

_KINDS = {
    "case": "state_case",
    "image": "state_image",
    "hash": "state_hash",
    "platform": "state_platform",
    "key": "state_key",
    "limits": "state_limits",
    "review": "state_review",
    "proposal": "state_proposal",
    "dispute": "state_dispute",
    "feedback": "state_feedback",
    "case-feedback": "state_case_feedback",
    "confirmation": "state_confirmation",
    "subscription": "state_subscription",
    "delivery": "state_delivery",
    "webhook": "state_webhook",
    "benign": "state_benign",
    "encryption": "state_encryption",
}
"""The statement that returns the objects of each kind."""

_POSITIONS = """
SELECT 'positions' AS kind, id, sub, (
    SELECT jsonb_agg(jsonb_build_array(position, changes.kind, hash_id, extract(epoch FROM at))
        || CASE WHEN published THEN '[]'::jsonb ELSE '[false]'::jsonb END ORDER BY position)
    FROM changes WHERE position BETWEEN ranges.id AND ranges.sub
) AS content
FROM {ranges} AS ranges WHERE ranges.kind = 'positions'
"""
"""Ranges of the change log are objects too: which ones, entries tell."""

DIGEST = "sha256(convert_to(content::text, 'UTF8'))"
"""The digest of an object."""

_LINES = (
    "coalesce(string_agg(concat_ws(' ', kind, id, sub, coalesce(encode(digest, 'hex'), '-'))"
    " || E'\\n', '' ORDER BY kind, id, sub), '')"
)
COMMITMENT = f"sha256(salt || convert_to({_LINES}, 'UTF8'))"
"""What an entry contains: over a line per object, in order."""

SALT_IS_VALID = "(octet_length(salt) = 32) IS TRUE"
LINE_IS_VALID = (
    "(kind IN ({}) AND id IS NOT NULL AND sub IS NOT NULL"
    " AND coalesce(octet_length(digest), 32) = 32) IS TRUE"
).format(", ".join(f"'{kind}'" for kind in (*_KINDS, "positions")))
"""What makes a commitment unambiguous: verification relies on no constraint of the tables."""

_BATCH = 5_000


def contents(condition: str, ranges: str) -> str:
    """Return a query of kind, id, sub and content of all objects that meet a condition."""
    parts = [
        f"SELECT '{kind}' AS kind, id, sub, content FROM ({SQL[name].decode()}) AS each"  # noqa: S608
        f" {condition.format(kind=kind)}"
        for kind, name in _KINDS.items()
    ]
    return " UNION ALL ".join([*parts, _POSITIONS.format(ranges=ranges)])


_CLAIM = f"""
WITH noted AS MATERIALIZED (
    DELETE FROM state_noted WHERE change_set = %(change_set)s RETURNING kind, id, sub
), salted AS (
    INSERT INTO state_salts (change_set, salt)
    SELECT %(change_set)s, %(salt)s WHERE EXISTS (SELECT FROM noted) RETURNING salt
), found AS (
    {
    contents(
        "WHERE id = ANY(ARRAY(SELECT noted.id FROM noted WHERE noted.kind = '{kind}'))", "noted"
    )
}
), claimed AS (
    INSERT INTO state_digests (change_set, kind, id, sub, digest)
    SELECT %(change_set)s, noted.kind, noted.id, noted.sub, {DIGEST}
    FROM noted LEFT JOIN found ON (found.kind, found.id, found.sub)
        = (noted.kind, noted.id, noted.sub)
    RETURNING kind, id, sub, digest
)
SELECT count(*) AS objects, {COMMITMENT} AS digest
FROM claimed, salted GROUP BY salt
"""  # noqa: S608


_VOUCH = f"""
WITH given AS (
    SELECT 'positions'::text AS kind, %(after)s::bigint + 1 AS id, %(upto)s::bigint AS sub
), salted AS (
    INSERT INTO state_salts (change_set, salt) VALUES (%(change_set)s, %(salt)s) RETURNING salt
), claimed AS (
    INSERT INTO state_digests (change_set, kind, id, sub, digest)
    SELECT %(change_set)s, kind, id, sub, {DIGEST}
    FROM ({contents("WHERE id > %(after)s AND id <= %(upto)s", "given")}) AS found
    WHERE kind = %(kind)s
    RETURNING kind, id, sub, digest
)
SELECT count(*) AS objects, {COMMITMENT} AS digest
FROM claimed, salted GROUP BY salt
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Commitment:
    """What an entry commits to: `objects` of a change set, by a salted SHA-256 (32 bytes)."""

    change_set: int
    objects: int
    digest: bytes

    @property
    def detail(self) -> dict[str, Any]:
        """How an entry contains it."""
        return {"set": self.change_set, "sha256": base64.b64encode(self.digest).decode()}


async def claim(tx: Transaction) -> Commitment | None:
    """Commit to what this transaction has changed since the last entry; None if to nothing."""
    change_set = await fetch_value(tx, "current_change_set")
    if change_set is None:
        return None
    await execute(tx, "end_change_set")
    return await _commit(tx, _CLAIM, int(change_set))


async def vouch_for_baseline(tx: Transaction) -> tuple[dict[str, Any], Commitment | None] | None:
    """Commit to the next part of the state from before there were commitments, as it is now.

    Return what part it is, and the commitment (None if no object is left of it); None if all is
    committed to. The caller holds the audit log's lock: what others commit to now comes later.
    """
    due = await fetch_one(tx, "due_baseline")
    if due is None:
        return None
    upto = min(due["done"] + _BATCH, due["upto"])
    await execute(tx, "advance_baseline", kind=due["kind"], upto=upto)
    part = {"kind": due["kind"], "after": due["done"], "upto": upto}
    commitment = await _commit(tx, _VOUCH, await _new_change_set(tx), **part)
    return {"part": due["kind"], "upto": upto}, commitment


async def has_unvouched(tx: Transaction) -> bool:
    """Return whether there is state to vouch for, old or changed by an older version."""
    return bool(await fetch_value(tx, "has_unvouched"))


async def vouch_for_older(tx: Transaction) -> tuple[dict[str, Any], Commitment | None]:
    """Commit to what an older version changed, as it is now. Return its entries' positions too.

    The caller holds the audit log's lock.
    """
    change_set = await _new_change_set(tx)
    row = await fetch_one(tx, "adopt_older", change_set=change_set, limit=_BATCH)
    entries = [row["first"], row["last"]] if row else []
    return {"part": "older version", "entries": entries}, await _commit(tx, _CLAIM, change_set)


async def _new_change_set(tx: Transaction) -> int:
    return int(await fetch_value(tx, "new_change_set"))


async def _commit(
    tx: Transaction, statement: str, change_set: int, **parameters: Any
) -> Commitment | None:
    given = {"change_set": change_set, "salt": secrets.token_bytes(32), **parameters}
    row = await (await tx.execute(statement.encode(), given)).fetchone()
    return Commitment(change_set, row["objects"], bytes(row["digest"])) if row else None
