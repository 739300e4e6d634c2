"""The SDK: `Client` blocks, `AsyncClient` awaits; both send the same requests.

with Client("https://unseen.example", key) as client:
    for hit in client.match([fingerprint(data)]).hits:
        print(hit.record, hit.distance)
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any, Final, Self, TypeAlias, TypeVar

import httpx

from . import api_calls, feed_calls, http_environment, http_limits, key_calls, proof_of_work
from .errors import ServerUnreachableError
from .feed_models import Confirmed, Feedback, FeedPage
from .fingerprints import MATCH_DISTANCE, Fingerprint
from .key_calls import OwnKey
from .models import Case, Matches
from .retries import Outcome, Retry, call_steps
from .server_address import read_server
from .submission import Submission

Answer = TypeVar("Answer")
OnWork: TypeAlias = Callable[[proof_of_work.Challenge], None]

_AGENT: Final = {
    "User-Agent": f"unseen/{version('unseen')}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
}
_RETRY: Final = Retry()
_TIMEOUT: Final = 30.0


class Client:
    """A client of an Unseen service that reuses its connections; thread-safe.

    `server` is the service's address, `key` a platform's key (for `match` and the methods after
    it). Every call is repeated with back-off if no response arrives. It raises
    ServerUnreachableError if none ever does, ServiceError if the service refuses, InputError if
    nothing was sent. `timeout` is in seconds, for each read; an attempt as a whole may take four
    times as long. Answers larger than any of an Unseen service are not read. `insecure` allows
    plain http to another machine. `on_work` is called when a busy service asks `submit` for some
    seconds of computing.
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
        self.server = read_server(server, insecure=insecure)
        self._key = key
        self._retry = retry
        self._on_work = on_work
        self._proxy = http_environment.read_proxy(self.server) if transport is None else None
        self._http = httpx.Client(
            headers=_AGENT,
            timeout=timeout,
            transport=transport,
            **_connection(self.server, self._proxy),
        )
        self._deadline = http_limits.Deadline()
        http_limits.enforce(self._deadline, self._http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def submit(self, submission: Submission) -> Case:
        """Open a case; repeated with the same submission, it returns the same case."""
        return self._run(api_calls.submit(submission))

    def status(self, case: str, pin: str) -> Case:
        """Get a case by its number and PIN."""
        return self._run(api_calls.status(case, pin))

    def withdraw(self, case: str, pin: str, image: int | None = None) -> Case:
        """Withdraw a case, or only one image of it, counted from 1."""
        return self._run(api_calls.withdraw(case, pin, image))

    def match(
        self, hashes: Iterable[str | Fingerprint], max_distance: int = MATCH_DISTANCE
    ) -> Matches:
        """Look up which hashes are within a distance (0 to 31 bits) of a submitted one."""
        calls = api_calls.match(hashes, self._key, max_distance)
        return api_calls.join([self._run(call) for call in calls])

    def match_images(
        self,
        images: Iterable[Iterable[str | Fingerprint]],
        max_distance: int = MATCH_DISTANCE,
    ) -> Matches:
        """Look up images by several hashes each, as `query_fingerprints` makes them.

        `query` of a hit is the number of the image. An image has one hit for each stored hash, by
        the nearest of its own.
        """
        calls, sizes = api_calls.match_images(images, self._key, max_distance)
        return api_calls.join([self._run(call) for call in calls], sizes)

    def feed_page(
        self, cursor: str | None = None, *, limit: int = 1_000, wait: float = 0.0
    ) -> FeedPage:
        """Get the changes since a cursor, or from the beginning if it is None.

        If there are none, wait for them up to `wait` seconds; the service may wait less.
        Raises StartAgainError if the cursor belongs to another change log.
        """
        return self._run(feed_calls.page(self._key, cursor, limit=limit, wait=wait))

    def feed(
        self, cursor: str | None = None, *, limit: int = 1_000, wait: float | None = None
    ) -> Iterator[FeedPage]:
        """Yield the feed page by page to its end; with `wait`, continue for ever.

        With `wait`, a page comes at least every `wait` seconds, empty if nothing changed. Each has
        the cursor to continue from. Raises as `feed_page` does.
        """
        page = FeedPage((), cursor or "", more=True)
        while page.more or wait is not None:
            after = page.cursor
            page = self.feed_page(after or None, limit=limit, wait=wait or 0.0)
            feed_calls.require_progress(after, page)
            yield page

    def feedback(self, given: Iterable[Feedback]) -> int:
        """Report outcomes of matches; return how many were new. The latest for a record applies."""
        return sum([self._run(call) for call in feed_calls.feedback(given, self._key)])

    def confirm_withdrawals(self, records: Iterable[str]) -> Confirmed:
        """Confirm that withdrawn hashes are deleted here; repeating it changes nothing."""
        calls = feed_calls.confirm(records, self._key)
        return feed_calls.join([self._run(call) for call in calls])

    def own_key(self) -> OwnKey:
        """Get the key that this client sends, also if it is not active yet."""
        return self._run(key_calls.own_key(self._key))

    def activate_key(self) -> OwnKey:
        """Activate the key that this client sends; repeating it changes nothing."""
        return self._run(key_calls.activate_key(self._key))

    def replace_key(self, digest: str, overlap_s: int) -> int:
        """Register the digest of a successor of this client's key; return the new key's number.

        The successor has to be activated, and this key ends `overlap_s` seconds later.
        """
        return self._run(key_calls.replace_key(self._key, digest, overlap_s))

    def _run(self, call: api_calls.Call[Answer]) -> Answer:
        steps = call_steps(call, self._retry)
        outcome: Outcome = None
        try:
            while True:
                step = steps.send(outcome)
                if isinstance(step, api_calls.Request):
                    outcome = self._send(step)
                elif isinstance(step, proof_of_work.Challenge):
                    _announce(self._on_work, step)
                    outcome = step.solve()
                else:
                    time.sleep(step)
                    outcome = None
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    def _send(self, request: api_calls.Request) -> Outcome:
        built, seconds = _build(self._http, request)
        with self._deadline.within(seconds):
            try:
                response = self._http.send(built, stream=True)
                with contextlib.closing(response):
                    body = http_limits.Body(response, request.max_bytes)
                    if response.is_stream_consumed:  # a transport of tests has it already
                        body.add_unpacked(response.content)
                    else:
                        for part in response.iter_raw():
                            body.add(part)
            except httpx.RequestError as error:
                if self._deadline.is_over:
                    raise _slow_error() from error
                return _unreachable_error(error, self._proxy)
        return _reply(response, body)


class AsyncClient:
    """The asynchronous `Client`, with the same parameters, methods and errors."""

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
        self.server = read_server(server, insecure=insecure)
        self._key = key
        self._retry = retry
        self._on_work = on_work
        self._proxy = http_environment.read_proxy(self.server) if transport is None else None
        self._http = httpx.AsyncClient(
            headers=_AGENT,
            timeout=timeout,
            transport=transport,
            **_connection(self.server, self._proxy),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def submit(self, submission: Submission) -> Case:
        """Open a case; repeated with the same submission, it returns the same case."""
        return await self._run(api_calls.submit(submission))

    async def status(self, case: str, pin: str) -> Case:
        """Get a case by its number and PIN."""
        return await self._run(api_calls.status(case, pin))

    async def withdraw(self, case: str, pin: str, image: int | None = None) -> Case:
        """Withdraw a case, or only one image of it, counted from 1."""
        return await self._run(api_calls.withdraw(case, pin, image))

    async def match(
        self, hashes: Iterable[str | Fingerprint], max_distance: int = MATCH_DISTANCE
    ) -> Matches:
        """Look up which hashes are within a distance (0 to 31 bits) of a submitted one."""
        calls = api_calls.match(hashes, self._key, max_distance)
        return api_calls.join([await self._run(call) for call in calls])

    async def match_images(
        self,
        images: Iterable[Iterable[str | Fingerprint]],
        max_distance: int = MATCH_DISTANCE,
    ) -> Matches:
        """Look up images by several hashes each, as `query_fingerprints` makes them.

        `query` of a hit is the number of the image. An image has one hit for each stored hash, by
        the nearest of its own.
        """
        calls, sizes = api_calls.match_images(images, self._key, max_distance)
        return api_calls.join([await self._run(call) for call in calls], sizes)

    async def feed_page(
        self, cursor: str | None = None, *, limit: int = 1_000, wait: float = 0.0
    ) -> FeedPage:
        """Get the changes since a cursor, or from the beginning if it is None.

        If there are none, wait for them up to `wait` seconds; the service may wait less.
        Raises StartAgainError if the cursor belongs to another change log.
        """
        return await self._run(feed_calls.page(self._key, cursor, limit=limit, wait=wait))

    async def feed(
        self, cursor: str | None = None, *, limit: int = 1_000, wait: float | None = None
    ) -> AsyncIterator[FeedPage]:
        """Yield the feed page by page to its end; with `wait`, continue for ever.

        With `wait`, a page comes at least every `wait` seconds, empty if nothing changed. Each has
        the cursor to continue from. Raises as `feed_page` does.
        """
        page = FeedPage((), cursor or "", more=True)
        while page.more or wait is not None:
            after = page.cursor
            page = await self.feed_page(after or None, limit=limit, wait=wait or 0.0)
            feed_calls.require_progress(after, page)
            yield page

    async def feedback(self, given: Iterable[Feedback]) -> int:
        """Report outcomes of matches; return how many were new. The latest for a record applies."""
        return sum([await self._run(call) for call in feed_calls.feedback(given, self._key)])

    async def confirm_withdrawals(self, records: Iterable[str]) -> Confirmed:
        """Confirm that withdrawn hashes are deleted here; repeating it changes nothing."""
        calls = feed_calls.confirm(records, self._key)
        return feed_calls.join([await self._run(call) for call in calls])

    async def own_key(self) -> OwnKey:
        """Get the key that this client sends, also if it is not active yet."""
        return await self._run(key_calls.own_key(self._key))

    async def activate_key(self) -> OwnKey:
        """Activate the key that this client sends; repeating it changes nothing."""
        return await self._run(key_calls.activate_key(self._key))

    async def replace_key(self, digest: str, overlap_s: int) -> int:
        """Register the digest of a successor of this client's key; return the new key's number.

        The successor has to be activated, and this key ends `overlap_s` seconds later.
        """
        return await self._run(key_calls.replace_key(self._key, digest, overlap_s))

    async def _run(self, call: api_calls.Call[Answer]) -> Answer:
        steps = call_steps(call, self._retry)
        outcome: Outcome = None
        try:
            while True:
                step = steps.send(outcome)
                if isinstance(step, api_calls.Request):
                    outcome = await self._send(step)
                elif isinstance(step, proof_of_work.Challenge):
                    _announce(self._on_work, step)
                    outcome = await asyncio.to_thread(step.solve)
                else:
                    await asyncio.sleep(step)
                    outcome = None
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    async def _send(self, request: api_calls.Request) -> Outcome:
        built, seconds = _build(self._http, request)
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.send(built, stream=True)
                async with contextlib.aclosing(response):
                    body = http_limits.Body(response, request.max_bytes)
                    if response.is_stream_consumed:
                        body.add_unpacked(response.content)
                    else:
                        async for part in response.aiter_raw():
                            body.add(part)
        except TimeoutError as error:
            raise _slow_error() from error
        except httpx.RequestError as error:
            return _unreachable_error(error, self._proxy)
        return _reply(response, body)


def _connection(server: str, proxy: http_environment.Proxy | None) -> dict[str, Any]:
    """Return the arguments of httpx for a server. Raises InputError as `http_environment` does."""
    return {
        "base_url": server,
        "cookies": http_limits.no_cookies(),
        "proxy": proxy and proxy.url,
        "verify": http_environment.make_tls_context(server),
        "trust_env": False,
    }


def _announce(on_work: OnWork | None, challenge: proof_of_work.Challenge) -> None:
    if on_work:
        on_work(challenge)


def _build(
    http: httpx.Client | httpx.AsyncClient, request: api_calls.Request
) -> tuple[httpx.Request, float | None]:
    """Return an HTTP request, and the seconds that the whole exchange may take."""
    timeout = http.timeout.as_dict()
    if request.patience and (read := timeout["read"]) is not None:
        timeout["read"] = read + request.patience
    built = http.build_request(
        request.method,
        request.path,
        headers=dict(request.headers),
        content=request.content,
        timeout=httpx.Timeout(**timeout),
    )
    one = http.timeout.read
    return built, None if one is None else http_limits.TOTAL * one + request.patience


def _reply(response: httpx.Response, body: http_limits.Body) -> api_calls.Reply:
    return api_calls.Reply(response.status_code, body.whole(), response.headers.get("Retry-After"))


def _slow_error() -> ServerUnreachableError:
    return ServerUnreachableError("The server answered too slowly.")


def _unreachable_error(
    error: httpx.RequestError, proxy: http_environment.Proxy | None
) -> ServerUnreachableError:
    slow = isinstance(error, httpx.TimeoutException)
    failure = ServerUnreachableError(
        "The server did not answer in time." if slow else "The server cannot be reached."
    )
    if proxy:
        failure.hint = f"{failure.hint} The connection goes through a proxy: {proxy.variable}."
    failure.__cause__ = error
    return failure
