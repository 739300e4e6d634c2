"""The feed: every hash at its last change, so that a copy elsewhere stays up to date.

A page holds each hash once, in its current state, at the position of its last change. A hash
that changes moves to the end of the log: between two pages a reader may see it twice, but never
miss it. Positions become visible in commit order, so a reader that has read up to a position has
seen everything before it.
"""

import base64
import binascii
import re
import time
from uuid import UUID

from ..errors import FeedGone, InvalidRequest
from ..live.follower import Follower
from ..models.audit import AuditKind
from ..models.feed import FeedCursor, FeedEntry, FeedPage, FeedStatus
from ..models.feedback import MAX_TAG_BYTES
from ..models.keys import Key
from ..ratelimit.turns import Turns
from ..store import Store, Transaction, audit, feed, obligations
from . import feed_page_size
from .actors import platform_event

_CURSOR = re.compile(r"2\.([0-9a-f]{32})\.(\d{1,18})\.(\d{1,18})\Z")
_READERS = 3
_MAX_READERS_OF_ONE = 64
_WINDOWS = 50
_MAX_RANGES = 100


class Feed:
    """Returns pages of the feed, and records which platform received them."""

    def __init__(self, store: Store, follower: Follower) -> None:
        self._store = store
        self._follower = follower
        # All waiting readers wake at once: only a few get a connection at the same time, so that
        # lookups find one too, and of a platform one, because a large page takes seconds.
        self._reading = Turns(at_once=_READERS, waiting=_MAX_READERS_OF_ONE)

    async def page(self, key: Key, token: str | None, *, limit: int, wait: float) -> FeedPage:
        """Return the page after a cursor (None: the first), waiting up to `wait` s for changes.

        Raises InvalidRequest, FeedGone, StoreUnavailable.
        """
        cursor = _parse_cursor(token) if token else None
        until = time.monotonic() + wait
        page = await self.read(key, cursor, limit, tag_bytes=0)
        while not page.entries and not page.more and (left := until - time.monotonic()) > 0:
            await self._follower.wait_beyond(page.head, left)
            page = await self.read(key, cursor, limit, tag_bytes=0)
        return page

    async def read(
        self, key: Key, cursor: FeedCursor | None, limit: int, *, tag_bytes: int = MAX_TAG_BYTES
    ) -> FeedPage:
        """Return at most `limit` entries after a cursor (None: from the beginning).

        They are fewer if they are large, and each has at most `tag_bytes` of tags. Raises FeedGone
        if the cursor does not belong to this log, Overloaded.
        """
        async with self._reading.turn(key.platform_id):
            base = await self._base(key)
            async with self._store.snapshot() as tx:
                head = await feed.head(tx, key.platform_id)
                if cursor:
                    await check_cursor(tx, head, cursor)
                    await _check_gaps(tx, key, head, cursor)
                after = cursor.position if cursor else 0
                page = await _read(
                    tx, key, head, after, base=base, limit=limit, tag_bytes=tag_bytes
                )
            if cursor:
                await self._acknowledge(key, head, cursor.position)
            await self._deliver(key, page)
            return page

    async def read_since(self, key: Key, second: int, limit: int) -> FeedPage:
        """Return at most `limit` entries that changed in this Unix second or later."""
        async with self._store.snapshot() as tx:
            after = await feed.position_before(tx, second)
            head = await feed.head(tx, key.platform_id)
            cursor = FeedCursor(head.log, after, await feed.mark(tx, after))
            # What it received of this second is behind it, too: it asks for the second again
            # only because more may have happened in it.
            beyond = min(head.delivered or 0, await feed.position_before(tx, second + 1))
        await self._acknowledge(key, head, beyond)
        return await self.read(key, cursor, limit)

    async def _base(self, key: Key) -> int:
        """Return the position at which the platform subscribed; its first read subscribes it."""
        async with self._store.transaction() as tx:
            known = (await feed.head(tx, key.platform_id)).base
            if known is not None:
                return known
            await feed.subscribe(tx, key.platform_id)
            return (await feed.head(tx, key.platform_id)).base or 0

    async def _acknowledge(self, key: Key, head: feed.FeedHead, position: int) -> None:
        """Record that the platform has processed the log up to where it asks to continue."""
        if position > (head.acknowledged or 0):
            async with self._store.transaction() as tx:
                await feed.acknowledge(tx, key.platform_id, position)

    async def _deliver(self, key: Key, page: FeedPage) -> None:
        """Record what the platform receives, before it does."""
        if page.after == page.upto:
            return
        async with self._store.transaction() as tx:
            new = await feed.deliver(
                tx, key.platform_id, after=page.after, upto=page.upto, head=page.head
            )
            if new:
                withdrawn = [e.record for e in page.entries if e.status is FeedStatus.WITHDRAWN]
                await obligations.record_tombstones(tx, key.platform_id, withdrawn)
                await _record(tx, key, page)


async def check_cursor(tx: Transaction, head: feed.FeedHead, cursor: FeedCursor) -> None:
    """Raise FeedGone if a cursor does not belong to this log.

    The log's ID alone does not tell: a server that was restored in place, or a standby that had
    not received everything, keeps the ID and assigns the same positions again.
    """
    if cursor.log != head.log or cursor.position > head.position:
        raise FeedGone
    if cursor.mark != await feed.mark(tx, cursor.position):
        raise FeedGone


async def _check_gaps(tx: Transaction, key: Key, head: feed.FeedHead, cursor: FeedCursor) -> None:
    """Raise FeedGone if what the platform has received falls into very many parts.

    A reader goes from one page to the next. Whoever makes cursors of their own could leave a gap
    at each, and all of them are read and written with each page.
    """
    if cursor.position not in (0, head.delivered) and await feed.leaves_too_many_gaps(
        tx, key.platform_id, after=cursor.position, ranges=_MAX_RANGES
    ):
        raise FeedGone


async def _read(
    tx: Transaction,
    key: Key,
    head: feed.FeedHead,
    after: int,
    *,
    base: int,
    limit: int,
    tag_bytes: int,
) -> FeedPage:
    """Read windows of `limit` positions until one holds an entry or there are no more.

    The page ends where it has as many bytes as fit.

    A window costs the same wherever it lies and however many of its hashes changed since. A long
    range in which all did is crossed in steps: a page may be empty and have more after it.
    """
    upto = after
    entries: tuple[FeedEntry, ...] = ()
    for _ in range(_WINDOWS):
        begin, upto = upto, min(upto + limit, head.position)
        entries = await feed.page(
            tx, key.platform_id, after=begin, upto=upto, base=base, tag_bytes=tag_bytes
        )
        if entries or upto == head.position:
            break
    fitting = feed_page_size.fitting(entries)
    if len(fitting) < len(entries):
        upto = fitting[-1].position
    mark = await feed.mark(tx, upto)
    return FeedPage(head.log, after, upto, mark, head.position, tuple(fitting))


async def _record(tx: Transaction, key: Key, page: FeedPage) -> None:
    details = {"after": page.after, "upto": page.upto, "entries": len(page.entries)}
    await audit.append(tx, platform_event(key, AuditKind.FEED_DELIVERED, details))


def cursor_after(page: FeedPage) -> str:
    """Return the cursor of the next page, opaque to the reader."""
    cursor = page.cursor
    plain = f"2.{cursor.log.hex}.{cursor.position}.{cursor.mark}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _parse_cursor(text: str) -> FeedCursor:
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        plain = ""
    found = _CURSOR.match(plain)
    if found is None:
        raise InvalidRequest(
            "This is not a cursor of the feed; send one exactly as you received it.", "query.cursor"
        )
    return FeedCursor(UUID(found[1]), int(found[2]), int(found[3]))
