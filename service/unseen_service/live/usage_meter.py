"""What keys spend, in memory: a look-up costs no transaction, and every worker knows the sum.

Once a second each worker adds what was spent at it to the common sum in PostgreSQL, and reads
the sum. Between two readings a worker knows only of its own: so W workers may together admit up
to W times what was left at the last one. That is paid back: what was spent too much is waited
for, so that over any longer time a key gets its budget and no more.

What look-ups are like is counted in memory that all workers of a host share, as they come: a walk
that is spread over them is one walk.
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
from ..errors import BudgetSpent, KeyPaused, StoreUnavailable
from ..models.audit import SERVICE, AuditEvent
from ..models.keys import Key, KeyUsage
from ..ratelimit.leaky_bucket import LeakyBucket
from ..ratelimit.probing import AlertThrottle, HitRate, Neighbourhoods
from ..runtime.shared_memory import SharedCounts, private_block
from ..store import Store, Transaction, alerts, audit, key_limits
from .key_limits import LiveKeyLimits

_PERIOD_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a line of keys that is to be recorded, and told to staff."""

    kind: str
    line: int
    details: dict[str, Any]


class Account:
    """One line of keys at one worker: its budgets."""

    __slots__ = ("hashes", "requests")

    def __init__(self, capacities: tuple[int, int], now: float) -> None:
        self.requests, self.hashes = (LeakyBucket(capacity, now) for capacity in capacities)

    def headers(self, now: float) -> list[tuple[bytes, bytes]]:
        """Give the RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10)."""
        shown = [
            (name, each)
            for name, each in (("requests", self.requests), ("hashes", self.hashes))
            if each.capacity
        ]
        if not shown:
            return []
        policy = ", ".join(f'"{name}";q={each.capacity};w=60' for name, each in shown)
        state = ", ".join(
            f'"{name}";r={each.remaining(now)};t={each.reset_after(now)}' for name, each in shown
        )
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


class LookUps:
    """What the look-ups of one line of keys are like.

    `block` is where that is counted, and `secret` what hashes are named by there.
    """

    __slots__ = ("hit_rate", "neighbourhoods", "told")

    def __init__(self, now: float, block: memoryview, secret: bytes | None) -> None:
        self.hit_rate = HitRate(now, block)
        self.neighbourhoods = Neighbourhoods(now, block, secret)
        self.told = AlertThrottle(block)


class UsageMeter:
    """Charges keys, notices probing, pauses."""

    def __init__(
        self,
        store: Store,
        live_limits: LiveKeyLimits,
        *,
        alert_at: int,
        pause_at: int,
        shared: SharedCounts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._limits = live_limits
        self._alert_at, self._pause_at = alert_at, pause_at
        self._shared = shared
        self._clock = clock
        self._accounts: dict[int, Account] = {}
        self._look_ups: dict[int, LookUps] = {}
        self._notices: list[Notice] = []
        self._pausing: set[int] = set()
        self._noticed = asyncio.Event()

    def admit(self, key: Key) -> Account:
        """Charge a key for a request; raises KeyPaused or BudgetSpent."""
        self._refuse_paused(key.line)
        now = self._clock()
        account = self._account(key.line, now)
        if not account.requests.spend(1, now):
            raise BudgetSpent("requests", account.requests.capacity, account.requests.wait(now))
        return account

    def charge(self, key: Key, queries: npt.NDArray[np.uint8]) -> None:
        """Charge a key for hashes (uint8[q, 32]), and look at where they are.

        Raises BudgetSpent, or KeyPaused when this look-up is the one too many.
        """
        now = self._clock()
        account = self._account(key.line, now)
        if not account.hashes.spend(len(queries), now):
            raise BudgetSpent("hashes", account.hashes.capacity, account.hashes.wait(now))
        look_ups = self._of(key.line, now)
        around = look_ups.neighbourhoods.add(queries, now)
        if self._pause_at and around >= self._pause_at:
            self._pause(key.line, around)
            raise KeyPaused
        if self._alert_at and around >= self._alert_at:
            self._notice(look_ups, Notice("key.probing", key.line, {"around": around}), now)

    def count_hits(self, key: Key, hashes: int, hits: int) -> None:
        """Count a look-up of so many hashes, of which so many hit."""
        now = self._clock()
        look_ups = self._of(key.line, now)
        if look_ups.hit_rate.add(hashes, hits, now):
            self._notice(look_ups, Notice("key.hit-rate", key.line, {"hits": hits}), now)

    def coarse(self, key: Key) -> bool:
        """Whether a key is told distances in steps only."""
        return self._limits.coarse(key.line)

    async def run(self) -> None:
        """Settle once a second, and at once when something was noticed; until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_PERIOD_S):
                    await self._noticed.wait()
            except TimeoutError:
                pass
            self._noticed.clear()
            try:
                await self.settle()
            except StoreUnavailable:
                # The follower says so; each worker keeps its own budgets until it is back.
                await asyncio.sleep(_PERIOD_S)
            except Exception:
                logger.exception("settling budgets failed; trying again")
                await asyncio.sleep(_PERIOD_S)

    async def settle(self) -> None:
        """Add what was spent here to the common sum, take over the sum, record what was noticed.

        Raises StoreUnavailable; then nothing is lost.
        """
        mine = self._take_unsent()
        capacities = {each.line: self._limits.capacities(each.line) for each in mine}
        try:
            async with self._store.transaction() as tx:
                await key_limits.spend(tx, mine, capacities)
                common = await key_limits.spent(tx)
        except BaseException:
            for each in mine:
                self._accounts[each.line].requests.unsent += int(each.requests)
                self._accounts[each.line].hashes.unsent += int(each.hashes)
            raise
        now = self._clock()
        for each in common:
            account = self._account(each.line, now)
            account.requests.learn(each.requests, now)
            account.hashes.learn(each.hashes, now)
        await self._record()

    async def _record(self) -> None:
        while self._notices:
            notice = self._notices[0]
            async with self._store.transaction() as tx:
                new = await _write(tx, notice)
            self._notices.pop(0)
            if new:
                metrics.NOTICES.labels(notice.kind).inc()
            if notice.kind == "key.paused":
                await self._limits.reload(self._store)
                # Whoever resumes it begins with a clean slate, not with the next pause.
                now = self._clock()
                self._of(notice.line, now).neighbourhoods.clear(now)
                self._pausing.discard(notice.line)

    def _take_unsent(self) -> list[KeyUsage]:
        taken = [
            KeyUsage(line, each.requests.take_unsent(), each.hashes.take_unsent())
            for line, each in self._accounts.items()
            if each.requests.unsent or each.hashes.unsent
        ]
        return sorted(taken, key=lambda each: each.line)

    def _account(self, line: int, now: float) -> Account:
        account = self._accounts.get(line)
        capacities = self._limits.capacities(line)
        if account is None:
            account = self._accounts[line] = Account(capacities, now)
        account.requests.capacity, account.hashes.capacity = capacities
        return account

    def _of(self, line: int, now: float) -> LookUps:
        """Find what a line's look-ups are like; room is taken for those alone that ask here."""
        found = self._look_ups.get(line)
        if found is None:
            found = self._look_ups[line] = self._open(line, now)
        return found

    def _open(self, line: int, now: float) -> LookUps:
        if self._shared is not None:
            try:
                return LookUps(now, self._shared.block(line), self._shared.secret)
            except OSError:
                logger.warning("there is no memory to share: this worker counts look-ups alone")
        return LookUps(now, private_block(), None)

    def _refuse_paused(self, line: int) -> None:
        if line in self._pausing or self._limits.paused(line):
            raise KeyPaused

    def _pause(self, line: int, around: int) -> None:
        # What was counted stays until the pause is known to all: the other workers of this host
        # see it with their next look-up, before they hear of the pause.
        self._pausing.add(line)
        self._notices.append(Notice("key.paused", line, {"around": around}))
        self._noticed.set()

    def _notice(self, look_ups: LookUps, notice: Notice, now: float) -> None:
        if look_ups.told.is_due(notice.kind, now):
            self._notices.append(notice)
            self._noticed.set()


async def _write(tx: Transaction, notice: Notice) -> bool:
    """Record a notice; say whether it was new, and not a pause that another worker has begun."""
    if notice.kind == "key.paused" and not await key_limits.pause(tx, notice.line):
        return False
    await alerts.alert(tx, notice.kind, notice.line, notice.details)
    details = {"key": notice.line, **notice.details}
    await audit.append(tx, AuditEvent(notice.kind, SERVICE, None, details))
    return True
