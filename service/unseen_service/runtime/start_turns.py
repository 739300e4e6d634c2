"""Starts few requests in one turn of the event loop, so that it comes round for others."""

import asyncio
from collections import deque

AT_ONCE = 16
"""Requests that are started in one turn. The others wait for the next, in order of arrival."""


class StartTurns:
    """Hands out turns to requests, on one event loop.

    A thousand connections with sixteen requests each arrive in one turn. If all were started, a
    health check would wait for the first request of each connection, several times.
    """

    def __init__(self) -> None:
        self._left = AT_ONCE
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_scheduled = False

    async def take(self) -> None:
        """Wait for a turn, if this one is used up."""
        self._schedule()
        if self._left and not self._waiting:
            self._left -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._is_scheduled = False
        self._left = AT_ONCE
        while self._waiting and self._left:
            turn = self._waiting.popleft()
            if not turn.done():  # its request may have been cancelled
                turn.set_result(None)
                self._left -= 1
        if self._waiting:
            self._schedule()
