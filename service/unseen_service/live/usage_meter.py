"""Usage of keys, metered in memory: a lookup costs no transaction.

Once a second each worker adds what it admitted to the shared total in PostgreSQL, and reads the
total. In between it knows only what it admitted itself, so W workers together may admit up to W
times what was left. The excess counts against the next seconds: over any longer time a key gets
its budget and no more.

How a platform queries is counted in memory that all workers of a host share, for all of its keys
together: a walk that is spread over workers or keys is noticed as one. What uploaders send decides
what is counted, so nothing is refused for it: staff are alerted, and distances around the hash in
question are rounded or withheld, for this platform.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import metrics
from ..errors import BudgetSpent, KeyPaused
from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..models.keys import Key, KeyUsage
from ..ratelimit.leaky_bucket import LeakyBucket
from ..ratelimit.probing import AlertThrottle, HitRate, NearQueries
from ..runtime.shared_memory import BLOCKS, SharedCounts, private_block
from ..store import Store, Transaction, alerts, audit, feedback, key_limits
from .key_limits import LiveKeyLimits

logger = logging.getLogger(__name__)

_COARSE_SHARE = 2 / 3
"""Distances around a hash are rounded from this share of the alert's number of queries on."""
_IDLE_S = 12 * 3_600.0
_HASHES_PER_ALERT = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a key family to record, and to alert staff to."""

    kind: AuditKind
    family_id: int
    details: dict[str, Any]
    hash_ids: tuple[int, ...] = ()


class Detail(IntEnum):
    """What the answer about a stored hash may tell of its distance."""

    EXACT = 0
    COARSE = 1
    NONE = 2


class QueryProfile:
    """How a platform queries.

    `block` is the memory that counts it, and `secret` what obscures hashes there.
    """

    __slots__ = ("alerts", "block", "family_id", "hit_rate", "near", "probed", "used_at")

    def __init__(self, now: float, block: memoryview, secret: bytes | None) -> None:
        self.block = block
        self.hit_rate = HitRate(now, block)
        self.near = NearQueries(now, block, secret)
        self.alerts = AlertThrottle(block)
        self.used_at = now
        self.family_id = 0
        """The key family that came near a stored hash last."""
        self.probed: dict[int, int] = {}
        """Hashes, by id, near which there were too many queries since the last alert."""


class Account:
    """A key family at one worker: its budgets."""

    __slots__ = ("family_id", "hashes", "is_coarse", "requests")

    def __init__(self, family_id: int, capacities: tuple[int, int], now: float) -> None:
        self.family_id = family_id
        self.requests, self.hashes = (LeakyBucket(capacity, now) for capacity in capacities)
        self.is_coarse = False

    def headers(self, now: float) -> list[tuple[bytes, bytes]]:
        """Return the RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10)."""
        limited = [
            (name, each)
            for name, each in (("requests", self.requests), ("hashes", self.hashes))
            if each.capacity
        ]
        if not limited:
            return []
        policy = ", ".join(f'"{name}";q={each.capacity};w=60' for name, each in limited)
        state = ", ".join(
            f'"{name}";r={each.remaining(now)};t={each.reset_after(now)}' for name, each in limited
        )
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


_WRITE_COST = 50
"""A hash that is changed costs as many that are looked up."""


class UsageMeter:
    """Charges keys for what they use, and notices probing.

    `alert_at` is the number of different queries near one hash that staff are alerted to; 0: none.
    """

    def __init__(
        self,
        store: Store,
        limits: LiveKeyLimits,
        *,
        alert_at: int,
        shared: SharedCounts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._limits = limits
        self._alert_at = alert_at
        # A walk learns from each distance, so these are rounded before there is an alert.
        self._coarse_at = math.ceil(alert_at * _COARSE_SHARE)
        self._shared = shared
        self._clock = clock
        self._accounts: dict[int, Account] = {}
        self._profiles: dict[int, QueryProfile] = {}
        self._notices: list[Notice] = []
        self.noticed = asyncio.Event()
        """Set when there is something to record: `settle` should not wait for its next turn."""

    def admit(self, key: Key) -> Account:
        """Charge a key for a request. Return its account. Raises KeyPaused, BudgetSpent."""
        if self._limits.is_paused(key.family_id):
            raise KeyPaused
        now = self._clock()
        account = self._account(key.family_id, now)
        if not account.requests.spend(1, now):
            raise BudgetSpent(
                "requests", account.requests.capacity, account.requests.retry_after(now)
            )
        return account

    def charge(self, account: Account, hashes: int) -> None:
        """Charge an account for hashes. Raises BudgetSpent."""
        now = self._clock()
        if not account.hashes.spend(hashes, now):
            raise BudgetSpent("hashes", account.hashes.capacity, account.hashes.retry_after(now))

    def charge_writes(self, account: Account, hashes: int) -> None:
        """Charge an account for hashes that a request changes. Raises BudgetSpent.

        Each may add to the change log and to the audit log, which nothing shortens, and is read
        by every mirror. A request of the largest size fits into a budget that is not used.
        """
        self.charge(account, min(_WRITE_COST * hashes, account.hashes.capacity))

    def count_near(
        self, key: Key, queries: npt.NDArray[np.uint8], hash_ids: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Count queries (uint8[n, 32]), each near a stored hash (int64[n]).

        Return for each what its answer may tell, as a `Detail`: int64[n].
        """
        if not self._alert_at:
            return np.full(len(hash_ids), Detail.EXACT, np.int64)
        now = self._clock()
        profile = self._profile(key.platform_id, now)
        counts = profile.near.add(key.platform_id, queries, hash_ids, now)
        for place in np.flatnonzero(counts >= self._alert_at).tolist():
            profile.probed[int(hash_ids[place])] = int(counts[place])
        profile.family_id = key.family_id
        self._notice_probing(profile, now)
        return np.digitize(counts, (self._coarse_at, self._alert_at)).astype(np.int64)

    def count_hits(self, key: Key, hashes: int, hits: int) -> None:
        """Count a lookup of `hashes` hashes, `hits` of which hit.

        A platform that never hit anything takes no memory.
        """
        if not hits and _block_number(key.platform_id) not in self._profiles:
            return
        now = self._clock()
        profile = self._profile(key.platform_id, now)
        if profile.hit_rate.add(hashes, hits, now) and profile.alerts.is_due(
            AuditKind.KEY_HIT_RATE, now
        ):
            self._notice(Notice(AuditKind.KEY_HIT_RATE, key.family_id, {"hits": hits}))

    async def settle(self) -> None:
        """Add what was used here to the shared total, read the total, record notices.

        Raises StoreUnavailable; then nothing is lost.
        """
        used = self._take_unsent()
        capacities = {each.family_id: self._limits.capacities(each.family_id) for each in used}
        try:
            async with self._store.transaction() as tx:
                await key_limits.add_usage(tx, used, capacities)
                total = await key_limits.read_usage(tx)
        except BaseException:
            for each in used:
                self._accounts[each.family_id].requests.unsent += int(each.requests)
                self._accounts[each.family_id].hashes.unsent += int(each.hashes)
            raise
        now = self._clock()
        for profile in list(self._profiles.values()):
            self._notice_probing(profile, now)
        self._release_idle(now)
        for each in total:
            account = self._account(each.family_id, now)
            account.requests.set_total(each.requests, now)
            account.hashes.set_total(each.hashes, now)
        await self._record_notices()

    async def _record_notices(self) -> None:
        while self._notices:
            notice = self._notices[0]
            async with self._store.transaction() as tx:
                await _record(tx, notice)
            self._notices.pop(0)
            metrics.NOTICES.labels(notice.kind).inc()

    def _take_unsent(self) -> list[KeyUsage]:
        taken = [
            KeyUsage(family_id, each.requests.take_unsent(), each.hashes.take_unsent())
            for family_id, each in self._accounts.items()
            if each.requests.unsent or each.hashes.unsent
        ]
        return sorted(taken, key=lambda each: each.family_id)

    def _account(self, family_id: int, now: float) -> Account:
        """Return a family's account, with its limits as they are now."""
        account = self._accounts.get(family_id)
        capacities = self._limits.capacities(family_id)
        if account is None:
            account = self._accounts[family_id] = Account(family_id, capacities, now)
        account.requests.capacity, account.hashes.capacity = capacities
        account.is_coarse = self._limits.is_coarse(family_id)
        return account

    def _profile(self, platform_id: int, now: float) -> QueryProfile:
        """Return a platform's query profile, which is made as it is needed."""
        number = _block_number(platform_id)
        profile = self._profiles.get(number)
        if profile is None:
            profile = self._profiles[number] = self._new_profile(number, now)
        profile.used_at = now
        return profile

    def _new_profile(self, number: int, now: float) -> QueryProfile:
        if self._shared is not None:
            try:
                return QueryProfile(now, self._shared.block(number), self._shared.secret)
            except OSError:
                logger.warning("no shared memory left: this worker counts lookups by itself")
        return QueryProfile(now, private_block(), None)

    def _release_idle(self, now: float) -> None:
        """Release the memory of platforms that have not hit anything for long."""
        for number, profile in list(self._profiles.items()):
            if now - profile.used_at > _IDLE_S:
                del self._profiles[number]
                SharedCounts.release(profile.block)

    def _notice_probing(self, profile: QueryProfile, now: float) -> None:
        """Alert staff to every hash that was probed since the last alert, if one is due."""
        if not profile.probed or not profile.alerts.is_due(AuditKind.KEY_PROBING, now):
            return
        most = sorted(profile.probed, key=lambda each: -profile.probed[each])[:_HASHES_PER_ALERT]
        details = {"around": profile.probed[most[0]], "hashes": len(profile.probed)}
        profile.probed.clear()
        self._notice(Notice(AuditKind.KEY_PROBING, profile.family_id, details, tuple(most)))

    def _notice(self, notice: Notice) -> None:
        self._notices.append(notice)
        self.noticed.set()


def _block_number(platform_id: int) -> int:
    return platform_id % BLOCKS


async def _record(tx: Transaction, notice: Notice) -> None:
    """Record a notice, with the records of the hashes that it is about."""
    details = dict(notice.details)
    if notice.hash_ids:
        records = await feedback.records(tx, notice.hash_ids)
        details["records"] = [str(records[each]) for each in notice.hash_ids if each in records]
    await alerts.insert(tx, notice.kind.value, notice.family_id, details)
    details = {"key": notice.family_id, **details}
    await audit.append(tx, AuditEvent(notice.kind, SERVICE, None, details))
