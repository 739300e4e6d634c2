"""The SDK: `Client` blocks, `AsyncClient` awaits; both carry out the same exchanges.

with Client("https://unseen.example", key) as client:
    for hit in client.match([fingerprint(data)]).hits:
        print(hit.record, hit.distance)
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Final, Self, TypeAlias, TypeVar

import httpx

from . import feed, wire, work
from .changes import Confirmed, Feedback, FeedPage
from .errors import ServerUnreachableError
from .exchange import Outcome, Retry, exchange
from .hashing import MATCH_DISTANCE, Fingerprint
from .models import Case, Matches
from .submission import Submission

Answer = TypeVar("Answer")
OnWork: TypeAlias = Callable[[work.Challenge], None]

_AGENT: Final = {"User-Agent": f"unseen/{version('unseen')}", "Accept": "application/json"}
_RETRY: Final = Retry()
_TIMEOUT: Final = 30.0


class Client:
    """A connection to an Unseen service, reused from call to call; safe to share by threads.

    `server` is its address, `key` a platform's key (for `match` and all that follows it). Every
    call is repeated with back-off when no answer arrives, and raises ServerUnreachableError when
    none ever did, a ServiceError when the service refused, InputError when it was never sent.
    `timeout` is in seconds, for each attempt; `insecure` allows plain http to another machine;
    `on_work` is called when the service, at a busy time, has `submit` compute for some seconds.
    """

    def __init__(
        self,
        server: str,
        key: str | None = None,
        *,
        timeout: float = _TIMEOUT,
        retry: Retry = _RETRY,
        insecure: bool = False,
        on_work: OnWork | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.server = wire.read_server(server, insecure=insecure)
        self._key = key
        self._retry = retry
        self._on_work = on_work
        self._http = httpx.Client(
            base_url=self.server, headers=_AGENT, timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, submission: Submission) -> Case:
        """Open a case; sent again, the same submission gives the same case."""
        return self._run(wire.submit(submission))

    def status(self, case: str, pin: str) -> Case:
        """Ask for a case by its number and PIN."""
        return self._run(wire.status(case, pin))

    def withdraw(self, case: str, pin: str, image: int | None = None) -> Case:
        """Withdraw a case, or only its image of that number, from 1."""
        return self._run(wire.withdraw(case, pin, image))

    def match(
        self, hashes: Iterable[str | Fingerprint], max_distance: int = MATCH_DISTANCE
    ) -> Matches:
        """Ask which hashes are within a distance (0 to 31) of a submitted one."""
        calls = wire.match(hashes, self._key, max_distance)
        return wire.join([self._run(call) for call in calls])

    def feed_page(
        self, cursor: str | None = None, *, limit: int = 1_000, wait: float = 0.0
    ) -> FeedPage:
        """Ask for what changed since a cursor; None: all, from the beginning.

        Where there is no news, wait for it up to `wait` seconds (the service has a limit of its
        own). Raises StartAgainError when the cursor is of another history.
        """
        return self._run(feed.page(self._key, cursor, limit=limit, wait=wait))

    def feed(
        self, cursor: str | None = None, *, limit: int = 1_000, wait: float | None = None
    ) -> Iterator[FeedPage]:
        """Read the feed page by page until there is no more; with `wait`, go on for ever.

        Then a page comes at least every `wait` seconds, empty where there is no news. Each has
        the cursor to go on from. Raises as `feed_page` does.
        """
        page = FeedPage((), cursor or "", more=True)
        while page.more or wait is not None:
            page = self.feed_page(page.cursor or None, limit=limit, wait=wait or 0.0)
            yield page

    def feedback(self, given: Iterable[Feedback]) -> int:
        """Say what came of hashes; the last on a record counts. How many of them were news."""
        return sum([self._run(call) for call in feed.feedback(given, self._key)])

    def confirm_withdrawals(self, records: Iterable[str]) -> Confirmed:
        """Confirm that withdrawn hashes are held no more; the same again changes nothing."""
        calls = feed.confirm(records, self._key)
        return feed.join([self._run(call) for call in calls])

    def _run(self, call: wire.Call[Answer]) -> Answer:
        steps = exchange(call, self._retry)
        outcome: Outcome = None
        try:
            while True:
                step = steps.send(outcome)
                if isinstance(step, wire.Request):
                    outcome = self._send(step)
                elif isinstance(step, work.Challenge):
                    _tell(self._on_work, step)
                    outcome = step.solve()
                else:
                    time.sleep(step)
                    outcome = None
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    def _send(self, request: wire.Request) -> Outcome:
        try:
            return _reply(self._http.send(_built(self._http, request)))
        except httpx.RequestError as error:
            return _unreachable(error)


class AsyncClient:
    """What `Client` is, awaited; its calls, errors and parameters are the same."""

    def __init__(
        self,
        server: str,
        key: str | None = None,
        *,
        timeout: float = _TIMEOUT,
        retry: Retry = _RETRY,
        insecure: bool = False,
        on_work: OnWork | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.server = wire.read_server(server, insecure=insecure)
        self._key = key
        self._retry = retry
        self._on_work = on_work
        self._http = httpx.AsyncClient(
            base_url=self.server, headers=_AGENT, timeout=timeout, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def submit(self, submission: Submission) -> Case:
        """Open a case; sent again, the same submission gives the same case."""
        return await self._run(wire.submit(submission))

    async def status(self, case: str, pin: str) -> Case:
        """Ask for a case by its number and PIN."""
        return await self._run(wire.status(case, pin))

    async def withdraw(self, case: str, pin: str, image: int | None = None) -> Case:
        """Withdraw a case, or only its image of that number, from 1."""
        return await self._run(wire.withdraw(case, pin, image))

    async def match(
        self, hashes: Iterable[str | Fingerprint], max_distance: int = MATCH_DISTANCE
    ) -> Matches:
        """Ask which hashes are within a distance (0 to 31) of a submitted one."""
        calls = wire.match(hashes, self._key, max_distance)
        return wire.join([await self._run(call) for call in calls])

    async def feed_page(
        self, cursor: str | None = None, *, limit: int = 1_000, wait: float = 0.0
    ) -> FeedPage:
        """Ask for what changed since a cursor; None: all, from the beginning.

        Where there is no news, wait for it up to `wait` seconds (the service has a limit of its
        own). Raises StartAgainError when the cursor is of another history.
        """
        return await self._run(feed.page(self._key, cursor, limit=limit, wait=wait))

    async def feed(
        self, cursor: str | None = None, *, limit: int = 1_000, wait: float | None = None
    ) -> AsyncIterator[FeedPage]:
        """Read the feed page by page until there is no more; with `wait`, go on for ever.

        Then a page comes at least every `wait` seconds, empty where there is no news. Each has
        the cursor to go on from. Raises as `feed_page` does.
        """
        page = FeedPage((), cursor or "", more=True)
        while page.more or wait is not None:
            page = await self.feed_page(page.cursor or None, limit=limit, wait=wait or 0.0)
            yield page

    async def feedback(self, given: Iterable[Feedback]) -> int:
        """Say what came of hashes; the last on a record counts. How many of them were news."""
        return sum([await self._run(call) for call in feed.feedback(given, self._key)])

    async def confirm_withdrawals(self, records: Iterable[str]) -> Confirmed:
        """Confirm that withdrawn hashes are held no more; the same again changes nothing."""
        calls = feed.confirm(records, self._key)
        return feed.join([await self._run(call) for call in calls])

    async def _run(self, call: wire.Call[Answer]) -> Answer:
        steps = exchange(call, self._retry)
        outcome: Outcome = None
        try:
            while True:
                step = steps.send(outcome)
                if isinstance(step, wire.Request):
                    outcome = await self._send(step)
                elif isinstance(step, work.Challenge):
                    _tell(self._on_work, step)
                    outcome = await asyncio.to_thread(step.solve)
                else:
                    await asyncio.sleep(step)
                    outcome = None
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    async def _send(self, request: wire.Request) -> Outcome:
        try:
            return _reply(await self._http.send(_built(self._http, request)))
        except httpx.RequestError as error:
            return _unreachable(error)


def _tell(on_work: OnWork | None, challenge: work.Challenge) -> None:
    if on_work:
        on_work(challenge)


def _built(http: httpx.Client | httpx.AsyncClient, request: wire.Request) -> httpx.Request:
    timeout = http.timeout.as_dict()
    if request.patience and (read := timeout["read"]) is not None:
        timeout["read"] = read + request.patience
    return http.build_request(
        request.method,
        request.path,
        headers=dict(request.headers),
        content=request.content,
        timeout=httpx.Timeout(**timeout),
    )


def _reply(response: httpx.Response) -> wire.Reply:
    return wire.Reply(response.status_code, response.content, response.headers.get("Retry-After"))


def _unreachable(error: httpx.RequestError) -> ServerUnreachableError:
    slow = isinstance(error, httpx.TimeoutException)
    failure = ServerUnreachableError(
        "The server did not answer in time." if slow else "The server cannot be reached."
    )
    failure.__cause__ = error
    return failure
