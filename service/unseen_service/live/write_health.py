"""Whether PostgreSQL can write: from the requests that failed, and from a probe while none arrive.

PostgreSQL may answer every question and still store nothing. Lookups without a hit go on, so
nobody notices for hours that submissions and hits fail.
"""

import logging
import time
from collections.abc import Callable

from .. import metrics
from ..store import Store, changes

_SETTLED_S = 10.0
"""How long no write may fail before the outage is over: a probe needs less room than a request."""
_REPEAT_S = 60.0

logger = logging.getLogger(__name__)


class WriteHealth:
    """One worker's view: since when writes fail, and why."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._since: float | None = None
        self._logged_at = float("-inf")

    def failing_for(self) -> float | None:
        """Return for how many seconds writes have failed; None if they do not."""
        return None if self._since is None else self._clock() - self._since

    @property
    def why(self) -> str:
        """What PostgreSQL said when a write last failed."""
        return self._store.write_failures.why

    async def probe(self) -> None:
        """Write something that changes nothing, and judge what has failed since the last time.

        Raises StoreUnavailable if that fails for another reason than writing.
        """
        try:
            async with self._store.transaction() as tx:
                await changes.lock(tx)
                await changes.touch(tx)
        finally:
            self._judge()

    def _judge(self) -> None:
        now, last = self._clock(), self._store.write_failures.at
        if now - last < _SETTLED_S:
            self._since = last if self._since is None else self._since
            if now - self._logged_at >= _REPEAT_S:
                self._logged_at = now
                logger.warning("PostgreSQL cannot write: %s; it is tried again", self.why)
        elif self._since is not None:
            logger.info("PostgreSQL writes again after %.0f s", now - self._since)
            self._since, self._logged_at = None, float("-inf")
        metrics.WRITES_FAILING.set(self._since is not None)
