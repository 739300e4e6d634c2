"""What platforms are handed: the hashes by their last change, and who was handed what."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from ..models.feed import FeedEntry, FeedStatus
from ..models.feedback import Feedback, Opinion
from ..models.hashes import Standing, View
from .pool import Transaction, execute


@dataclass(frozen=True, slots=True)
class FeedHead:
    """Which change log this is, how far it is, and from where a platform subscribed, if so."""

    log: UUID
    position: int
    base: int | None


async def head(tx: Transaction, platform_id: int) -> FeedHead:
    """Say how far the log is, and from where this platform subscribed to it."""
    row = await (await execute(tx, "feed_head", platform_id=platform_id)).fetchone()
    if row is None:
        raise LookupError("the change log has lost its head")
    return FeedHead(**row)


async def subscribe(tx: Transaction, platform_id: int) -> None:
    """Remember how far the log is when a platform first asks; a later time changes nothing."""
    await execute(tx, "subscribe", platform_id=platform_id)


async def page(tx: Transaction, *, after: int, upto: int, base: int) -> tuple[FeedEntry, ...]:
    """Read the hashes whose last change follows the position `after`, up to `upto`, in order.

    To be read in a snapshot: entries, feedback and head must be of one moment.
    """
    cursor = await execute(tx, "feed_page", after=after, upto=upto, base=base)
    rows = await cursor.fetchall()
    said = await _feedback(tx, [row["hash_id"] for row in rows])
    return tuple(_entry(row, said.get(row["hash_id"], ())) for row in rows)


async def mark(tx: Transaction, position: int) -> int:
    """Say what tells the change at a position from one of another history; 0 where there is none.

    It is the change's time, in microseconds since 1970.
    """
    row = await (await execute(tx, "position_mark", position=position)).fetchone()
    return int(row["mark"]) if row else 0


async def position_before(tx: Transaction, second: int) -> int:
    """Give the position after which every change is of this Unix second or later."""
    row = await (await execute(tx, "position_before", second=second)).fetchone()
    return int(row["position"]) if row else 0


async def deliver(tx: Transaction, platform_id: int, *, after: int, upto: int, head: int) -> bool:
    """Remember that a platform is handed what lies after one position and up to another.

    Says whether any of it is new to the platform.
    """
    cursor = await execute(
        tx, "deliver", platform_id=platform_id, after=after, upto=upto, head=head
    )
    return await cursor.fetchone() is not None


async def _feedback(tx: Transaction, hash_ids: Sequence[int]) -> dict[int, tuple[Feedback, ...]]:
    rows = await (await execute(tx, "feedback_on", hash_ids=list(hash_ids))).fetchall()
    return {
        hash_id: tuple(
            Feedback(
                each["source"],
                Opinion(each["value"]) if each["value"] else None,
                tuple(each["tags"]),
            )
            for each in group
        )
        for hash_id, group in groupby(rows, lambda row: row["hash_id"])
    }


def _entry(row: dict[str, Any], feedback: tuple[Feedback, ...]) -> FeedEntry:
    return FeedEntry(
        position=row["position"],
        at=row["at"],
        record=row["record"],
        status=_status(row),
        standing=Standing(row["standing"]),
        pdq=row["pdq"],
        view=View(row["view"]) if row["view"] else None,
        quality=row["quality"],
        convention=row["convention"],
        feedback=feedback,
    )


def _status(row: dict[str, Any]) -> FeedStatus:
    if not row["active"]:
        return FeedStatus.WITHDRAWN
    quarantined = row["standing"] == Standing.QUARANTINED
    return FeedStatus.QUARANTINED if quarantined else FeedStatus.ACTIVE
