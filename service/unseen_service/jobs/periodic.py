"""The loop that every job runs in: one turn after another, whatever happens to PostgreSQL."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ..errors import StoreUnavailable

logger = logging.getLogger(__name__)


async def run_every(
    name: str,
    seconds: float,
    turn: Callable[[], Awaitable[float | None]],
    *,
    wake: asyncio.Event | None = None,
    delay: float = 0.0,
) -> None:
    """Call `turn` every `seconds` until cancelled, the first time after `delay`.

    A turn may return another number of seconds until the next one. `wake` ends a pause at once.
    `name` is what the job does, for the log.

    A turn may fail, and is tried again after `seconds`. StoreUnavailable is not logged: the
    follower logs an outage for all, and ten jobs would fill a disk with it. Any other exception is.
    """
    await _pause(delay, wake)
    while True:
        if wake:
            wake.clear()
        try:
            pause = await turn()
        except StoreUnavailable:
            await asyncio.sleep(seconds)
        except Exception:
            logger.exception("%s failed; trying again", name)
            await asyncio.sleep(seconds)
        else:
            await _pause(seconds if pause is None else pause, wake)


async def _pause(seconds: float, wake: asyncio.Event | None) -> None:
    if wake is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
