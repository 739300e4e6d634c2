"""Usage of keys, metered in memory: a lookup costs no transaction.

Once a second each worker adds what it admitted to the shared total in PostgreSQL, and reads the
total. In between it knows only what it admitted itself, so W workers together may admit up to W
times what was left. The excess counts against the next seconds: over any longer time a key gets
its budget and no more.

How a key queries is counted in memory that all workers of a host share, as requests arrive: a
walk that is spread over the workers is noticed as one.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import metrics
from ..errors import BudgetSpent, KeyPaused
from ..models.audit import SERVICE, AuditEvent, AuditKind
from ..models.keys import Key, KeyUsage
from ..ratelimit.leaky_bucket import LeakyBucket
from ..ratelimit.probing import AlertThrottle, HitRate, Neighbourhoods
from ..runtime.shared_memory import SharedCounts, private_block
from ..store import Store, Transaction, alerts, audit, key_limits
from .key_limits import LiveKeyLimits

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a key family to record, and to alert staff to."""

    kind: AuditKind
    family_id: int
    details: dict[str, Any]


class QueryProfile:
    """How a key family queries.

    `block` is the memory that counts it, and `secret` what obscures hashes there.
    """

    __slots__ = ("alerts", "hit_rate", "neighbourhoods")

    def __init__(self, now: float, block: memoryview, secret: bytes | None) -> None:
        self.hit_rate = HitRate(now, block)
        self.neighbourhoods = Neighbourhoods(now, block, secret)
        self.alerts = AlertThrottle(block)


class Account:
    """A key family at one worker: its budgets, and its query profile once it looks something up."""

    __slots__ = ("family_id", "hashes", "is_coarse", "profile", "requests")

    def __init__(self, family_id: int, capacities: tuple[int, int], now: float) -> None:
        self.family_id = family_id
        self.requests, self.hashes = (LeakyBucket(capacity, now) for capacity in capacities)
        self.is_coarse = False
        self.profile: QueryProfile | None = None

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


class UsageMeter:
    """Charges keys for what they use, notices probing, pauses."""

    def __init__(
        self,
        store: Store,
        limits: LiveKeyLimits,
        *,
        alert_at: int,
        pause_at: int,
        shared: SharedCounts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._limits = limits
        self._alert_at, self._pause_at = alert_at, pause_at
        self._shared = shared
        self._clock = clock
        self._accounts: dict[int, Account] = {}
        self._notices: list[Notice] = []
        self._pausing: set[int] = set()
        self.noticed = asyncio.Event()
        """Set when there is something to record: `settle` should not wait for its next turn."""

    def admit(self, key: Key) -> Account:
        """Charge a key for a request. Return its account. Raises KeyPaused, BudgetSpent."""
        if key.family_id in self._pausing or self._limits.is_paused(key.family_id):
            raise KeyPaused
        now = self._clock()
        account = self._account(key.family_id, now)
        if not account.requests.spend(1, now):
            raise BudgetSpent(
                "requests", account.requests.capacity, account.requests.retry_after(now)
            )
        return account

    def charge(self, account: Account, queries: npt.NDArray[np.uint8]) -> None:
        """Charge an account for hashes (uint8[q, 32]), and count where they lie.

        Raises BudgetSpent, or KeyPaused if this lookup makes it probing.
        """
        now = self._clock()
        if not account.hashes.spend(len(queries), now):
            raise BudgetSpent("hashes", account.hashes.capacity, account.hashes.retry_after(now))
        around = self._profile(account, now).neighbourhoods.add(queries, now)
        if self._pause_at and around >= self._pause_at:
            self._pause(account.family_id, around)
            raise KeyPaused
        if self._alert_at and around >= self._alert_at:
            self._notice(account, AuditKind.KEY_PROBING, {"around": around}, now)

    def count_hits(self, account: Account, hashes: int, hits: int) -> None:
        """Count a lookup of `hashes` hashes, `hits` of which hit."""
        now = self._clock()
        if self._profile(account, now).hit_rate.add(hashes, hits, now):
            self._notice(account, AuditKind.KEY_HIT_RATE, {"hits": hits}, now)

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
        for each in total:
            account = self._account(each.family_id, now)
            account.requests.set_total(each.requests, now)
            account.hashes.set_total(each.hashes, now)
        await self._record_notices()

    async def _record_notices(self) -> None:
        while self._notices:
            notice = self._notices[0]
            async with self._store.transaction() as tx:
                is_new = await _record(tx, notice)
            self._notices.pop(0)
            if is_new:
                metrics.NOTICES.labels(notice.kind).inc()
            if notice.kind is AuditKind.KEY_PAUSED:
                await self._limits.reload(self._store)
                # After a resume the family starts with a clean slate, not with the next pause.
                now = self._clock()
                account = self._account(notice.family_id, now)
                self._profile(account, now).neighbourhoods.clear(now)
                self._pausing.discard(notice.family_id)

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

    def _profile(self, account: Account, now: float) -> QueryProfile:
        """Return an account's query profile; only families that look something up need one."""
        if account.profile is None:
            account.profile = self._new_profile(account.family_id, now)
        return account.profile

    def _new_profile(self, family_id: int, now: float) -> QueryProfile:
        if self._shared is not None:
            try:
                return QueryProfile(now, self._shared.block(family_id), self._shared.secret)
            except OSError:
                logger.warning("no shared memory left: this worker counts lookups by itself")
        return QueryProfile(now, private_block(), None)

    def _pause(self, family_id: int, around: int) -> None:
        # The counts stay until every worker knows of the pause: the other workers of this host
        # see them with their next lookup, before they learn of the pause.
        self._pausing.add(family_id)
        self._notices.append(Notice(AuditKind.KEY_PAUSED, family_id, {"around": around}))
        self.noticed.set()

    def _notice(
        self, account: Account, kind: AuditKind, details: dict[str, Any], now: float
    ) -> None:
        if self._profile(account, now).alerts.is_due(kind, now):
            self._notices.append(Notice(kind, account.family_id, details))
            self.noticed.set()


async def _record(tx: Transaction, notice: Notice) -> bool:
    """Record a notice. Return whether it is new, and not a pause that another worker began."""
    is_pause = notice.kind is AuditKind.KEY_PAUSED
    if is_pause and not await key_limits.pause(tx, notice.family_id):
        return False
    await alerts.insert(tx, notice.kind.value, notice.family_id, notice.details)
    details = {"key": notice.family_id, **notice.details}
    await audit.append(tx, AuditEvent(notice.kind, SERVICE, None, details))
    return True
