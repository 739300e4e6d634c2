"""The feed: hashes by their last change, and which platform received what."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from ..models.feed import FeedEntry, FeedStatus
from ..models.feedback import MAX_TAG_BYTES, Feedback, Opinion
from ..models.hashes import Standing, View
from .sealing import encryption
from .statements import Transaction, execute, fetch_one, fetch_rows, fetch_value


@dataclass(frozen=True, slots=True)
class FeedHead:
    """The change log's ID and newest position, and how far a platform is.

    `base` is where it subscribed, `acknowledged` up to where it has processed the log, and
    `delivered` up to where it has received it; None: not at all.
    """

    log: UUID
    position: int
    base: int | None
    acknowledged: int | None
    delivered: int | None


async def head(tx: Transaction, platform_id: int) -> FeedHead:
    """Return the head of the log, as one platform sees it."""
    row = await fetch_one(tx, "feed_head", platform_id=platform_id)
    if row is None:
        raise LookupError("the change log has lost its head")
    return FeedHead(**row)


async def subscribe(tx: Transaction, platform_id: int) -> None:
    """Record the newest position when a platform first reads the feed; later calls do nothing."""
    await execute(tx, "subscribe", platform_id=platform_id)


async def page(
    tx: Transaction,
    platform_id: int,
    *,
    after: int,
    upto: int,
    base: int,
    tag_bytes: int = MAX_TAG_BYTES,
) -> tuple[FeedEntry, ...]:
    """Return the hashes whose last change is after `after`, up to `upto`, as a platform sees them.

    Each has at most `tag_bytes` of tags.

    Call it in a snapshot: entries, feedback and head must be of one moment.
    """
    rows = await fetch_rows(
        tx, "feed_page", platform_id=platform_id, after=after, upto=upto, base=base
    )
    feedback = await _feedback(tx, [row["hash_id"] for row in rows], tag_bytes)
    stored, records, versions = (
        [row[name] for row in rows] for name in ("pdq", "record", "key_version")
    )
    opened = (await encryption(tx)).open(stored, records, versions)
    return tuple(
        _entry(row, pdq, feedback.get(row["hash_id"], ()))
        for row, pdq in zip(rows, opened, strict=True)
        if pdq is not None or row["pdq"] is None  # else it was altered in the database
    )


async def mark(tx: Transaction, position: int) -> int:
    """Return the mark of the change at a position, which tells it from one of another history.

    It is the change's time, in microseconds since 1970; 0 if there is no such change.
    """
    return int(await fetch_value(tx, "position_mark", position=position) or 0)


async def position_before(tx: Transaction, second: int) -> int:
    """Return the position after which every change is of this Unix second or later."""
    return int(await fetch_value(tx, "position_before", second=second))


async def leaves_too_many_gaps(
    tx: Transaction, platform_id: int, *, after: int, ranges: int
) -> bool:
    """Return whether a platform has received `ranges` separate parts, and would begin another."""
    return bool(
        await fetch_value(tx, "leaves_gaps", platform_id=platform_id, after=after, most=ranges)
    )


async def deliver(tx: Transaction, platform_id: int, *, after: int, upto: int, head: int) -> bool:
    """Record that a platform receives what lies after `after`, up to `upto`.

    Return whether any of it is new to the platform.
    """
    row = await fetch_one(tx, "deliver", platform_id=platform_id, after=after, upto=upto, head=head)
    return row is not None


async def acknowledge(tx: Transaction, platform_id: int, position: int) -> None:
    """Record that a platform has processed the change log up to a position."""
    await execute(tx, "acknowledge", platform_id=platform_id, position=position)


async def _feedback(
    tx: Transaction, hash_ids: Sequence[int], tag_bytes: int
) -> dict[int, tuple[Feedback, ...]]:
    rows = await fetch_rows(tx, "feedback_on", hash_ids=list(hash_ids), tag_bytes=tag_bytes)
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


def _entry(row: dict[str, Any], pdq: bytes | None, feedback: tuple[Feedback, ...]) -> FeedEntry:
    return FeedEntry(
        position=row["position"],
        at=row["at"],
        record=row["record"],
        status=_status(row),
        standing=Standing(row["standing"]),
        suspect=row["suspect"],
        pdq=pdq,
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
