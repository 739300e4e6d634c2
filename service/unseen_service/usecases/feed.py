"""The feed: every hash by its last change, so that a copy elsewhere stays in step.

A page holds each hash once, as it is now, at the position of its last change. A hash that
changes moves to the end of the log: between two pages it can be seen a second time, newer, but
never be missed. Positions become visible in commit order, so whoever has read up to one has
seen everything before it.
"""

import asyncio
import base64
import binascii
import re
import time
from uuid import UUID

from ..errors import FeedGone, InvalidRequest
from ..live.follower import Follower
from ..models.audit import AuditEvent
from ..models.feed import FeedCursor, FeedEntry, FeedPage, FeedStatus
from ..models.keys import Key
from ..store import Store, Transaction, audit, feed, obligations

_CURSOR = re.compile(r"2\.([0-9a-f]{32})\.(\d{1,18})\.(\d{1,18})\Z")
_READERS = 3
_WINDOWS = 50


class Feed:
    """Hands out pages of the feed, and remembers to whom."""

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store = store
        self._follower = follower
        # Everybody who waits wakes at once: no more of them than this have a connection each,
        # so that look-ups find one too.
        self._reading = asyncio.Semaphore(_READERS)

    async def page(self, key: Key, cursor: str | None, *, limit: int, wait: float) -> FeedPage:
        """Give what follows a cursor (None: from the beginning), waiting for it up to `wait` s.

        Raises InvalidRequest, FeedGone, StoreUnavailable.
        """
        place = _read_cursor(cursor) if cursor else None
        until = time.monotonic() + wait
        page = await self.read(key, place, limit)
        while not page.entries and not page.more and (left := until - time.monotonic()) > 0:
            await self._follower.wait_beyond(page.head, left)
            page = await self.read(key, place, limit)
        return page

    async def read(self, key: Key, place: FeedCursor | None, limit: int) -> FeedPage:
        """Hand out at most `limit` entries after a place (None: from the beginning).

        Raises FeedGone where it is none of this log's.
        """
        async with self._reading:
            base = await self._base(key)
            async with self._store.snapshot() as tx:
                head = await feed.head(tx, key.platform_id)
                if place:
                    await _hold(tx, head, place)
                page = await _read(tx, head, place.position if place else 0, base=base, limit=limit)
            await self._deliver(key, page)
            return page

    async def read_since(self, key: Key, second: int, limit: int) -> FeedPage:
        """Hand out at most `limit` entries that changed in this Unix second or later."""
        async with self._store.snapshot() as tx:
            after = await feed.position_before(tx, second)
            log = (await feed.head(tx, key.platform_id)).log
            place = FeedCursor(log, after, await feed.mark(tx, after))
        return await self.read(key, place, limit)

    async def _base(self, key: Key) -> int:
        """Find from where a platform subscribed; from here, where it asks for the first time."""
        async with self._store.transaction() as tx:
            known = (await feed.head(tx, key.platform_id)).base
            if known is not None:
                return known
            await feed.subscribe(tx, key.platform_id)
            return (await feed.head(tx, key.platform_id)).base or 0

    async def _deliver(self, key: Key, page: FeedPage) -> None:
        """Remember what is handed out, before it is."""
        if page.after == page.upto:
            return
        async with self._store.transaction() as tx:
            new = await feed.deliver(
                tx, key.platform_id, after=page.after, upto=page.upto, head=page.head
            )
            if new and page.entries:
                gone = [e.record for e in page.entries if e.status is FeedStatus.WITHDRAWN]
                await obligations.handed_tombstones(tx, key.platform_id, gone)
                await _record(tx, key, page)


async def _hold(tx: Transaction, head: feed.FeedHead, place: FeedCursor) -> None:
    """Raise FeedGone where a place is none of this log's.

    The name alone does not tell: a server that was set back to an earlier moment, or a standby
    that had not received everything, goes on under it, and gives the same positions again.
    """
    if place.log != head.log or place.position > head.position:
        raise FeedGone
    if place.mark != await feed.mark(tx, place.position):
        raise FeedGone


async def _read(
    tx: Transaction, head: feed.FeedHead, after: int, *, base: int, limit: int
) -> FeedPage:
    """Read by windows of `limit` positions, until one holds an entry or there are no more.

    A window costs the same wherever it lies and however much of it has changed since. A long
    stretch where everything has is left in steps: a page may be empty and have more behind it.
    """
    upto = after
    entries: tuple[FeedEntry, ...] = ()
    for _ in range(_WINDOWS):
        begin, upto = upto, min(upto + limit, head.position)
        entries = await feed.page(tx, after=begin, upto=upto, base=base)
        if entries or upto == head.position:
            break
    mark = await feed.mark(tx, upto)
    return FeedPage(head.log, after, upto, mark, head.position, entries)


async def _record(tx: Transaction, key: Key, page: FeedPage) -> None:
    details = {
        "key": key.id,
        "after": page.after,
        "upto": page.upto,
        "entries": len(page.entries),
    }
    await audit.append(tx, AuditEvent("feed.delivered", f"platform:{key.platform}", None, details))


def cursor_after(page: FeedPage) -> str:
    """Write the cursor that goes on where a page ends."""
    place = page.place
    plain = f"2.{place.log.hex}.{place.position}.{place.mark}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _read_cursor(text: str) -> FeedCursor:
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        plain = ""
    found = _CURSOR.match(plain)
    if found is None:
        raise InvalidRequest(
            "This is no cursor of the feed; pass one on exactly as it came.", "query.cursor"
        )
    return FeedCursor(UUID(found[1]), int(found[2]), int(found[3]))
