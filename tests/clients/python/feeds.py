"""A feed of fixed pages, served to a real client through a transport; cursors number the pages."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import httpx
from unseen import Client, Retry

Entry = dict[str, Any]


def record(number: int) -> str:
    return str(UUID(int=number))


def pdq_of(number: int) -> str:
    """Return a random-looking hash that depends on the number."""
    return hashlib.sha256(str(number).encode()).hexdigest()


def active(number: int, position: int, **more: Any) -> Entry:
    """Return a feed entry for an active hash."""
    return {
        "position": position,
        "at": "2026-11-22T13:40:00.123456Z",
        "record": record(number),
        "status": "active",
        "standing": "unreviewed",
        "pdq": pdq_of(number),
        "view": "mirror",
        "quality": 100,
        "convention": "pdq-srgb-full-2",
        "feedback": {},
        **more,
    }


def gone(number: int, position: int, status: str = "withdrawn") -> Entry:
    """Return a feed entry for a hash that is no longer matched."""
    none = dict.fromkeys(("pdq", "view", "quality", "convention"))
    return active(number, position, **none) | {"status": status}


class Feed:
    """A service that serves pages of entries and records the withdrawals confirmed to it."""

    def __init__(self, *pages: Sequence[Entry], log: str = "log") -> None:
        self.pages = list(pages)
        self.log = log
        self.confirmed: list[str] = []
        self.asked: list[str | None] = []
        self.before: Callable[[], None] = lambda: None

    def client(self) -> Client:
        """Return a client whose requests go to this feed."""
        return Client(
            "https://unseen.example",
            "key",
            retry=Retry(attempts=1),
            transport=httpx.MockTransport(self.answer),
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.before()
        if request.url.path == "/v1/withdrawals":
            records = json.loads(request.content)["records"]
            self.confirmed += records
            return httpx.Response(200, json={"confirmed": records, "active": []})
        cursor = request.url.params.get("cursor")
        self.asked.append(cursor)
        log, _, number = (cursor or f"{self.log}.0").partition(".")
        if log != self.log or int(number) > len(self.pages):
            problem = {"type": "urn:unseen:problem:start-again", "detail": "Another history."}
            return httpx.Response(410, json=problem)
        entries = self.pages[int(number)] if int(number) < len(self.pages) else []
        end = min(int(number) + 1, len(self.pages))
        page = {"entries": entries, "cursor": f"{log}.{end}", "more": end < len(self.pages)}
        return httpx.Response(200, json=page)
