"""The audit log as a timer signs it, and as the owner of the database may forge it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from unseen_service.jobs.checkpoint_signing import CheckpointSigning
from unseen_service.models.audit import AuditEntry
from unseen_service.settings import Settings
from unseen_service.store import Store, audit
from unseen_service.tlog.chain import GENESIS, canonical, entry_digest, grow_tree
from unseen_service.usecases.checkpoints import Checkpoints

from .databases import query
from .running_service import RunningService


def sign(service: RunningService, data: Path, **settings: int | Path) -> None:
    """Let a worker sign and hand out checkpoints, as its timer does."""
    given = Settings(data=data, **settings)  # type: ignore[arg-type]

    async def turn(store: Store) -> None:
        signing = Checkpoints(store, given.audit_key, given.kept_checkpoint)
        await CheckpointSigning(store, signing, given).turn()

    service.flow(turn)


def make_due(database_url: str) -> None:
    """Let the interval pass since the last checkpoint was handed out."""
    query(database_url, "UPDATE checkpoints SET signed_at = signed_at - interval '1 day'")


async def rewrite(tx: AsyncConnection[Any], entries: Sequence[AuditEntry]) -> None:
    """Replace the log by another that is consistent in itself, as a forger would."""
    await tx.execute("DELETE FROM audit_log")
    digest, peaks = GENESIS, b""
    for position, entry in enumerate(entries, start=1):
        moved = replace(entry, position=position)
        content = canonical(moved)
        digest = entry_digest(digest, content)
        peaks, nodes = grow_tree(position - 1, peaks, content)
        await tx.execute(
            "INSERT INTO audit_log (position, at, kind, actor, subject, details, digest, nodes)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (position, moved.at, moved.kind, moved.actor, moved.subject, Jsonb(moved.details),
             digest, nodes),
        )  # fmt: skip
    await tx.execute(
        "UPDATE audit_head SET position = %s, at = %s, digest = %s, peaks = %s",
        (len(entries), entries[-1].at, digest, peaks),
    )


def change_log(
    database_url: str, change: Callable[[Sequence[AuditEntry]], Sequence[AuditEntry]]
) -> None:
    """Rewrite the log as the owner of the database, consistent in itself."""

    async def run() -> None:
        tx = await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row)
        async with tx:
            await tx.execute("SET session_replication_role = replica")
            entries = await audit.read(tx, after=0, limit=10_000)  # type: ignore[arg-type]
            await rewrite(tx, change(entries))

    asyncio.run(run())
