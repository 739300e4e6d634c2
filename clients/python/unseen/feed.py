"""The wire of a platform that keeps a copy: the feed, feedback, withdrawals confirmed.

Pure functions, as those of `wire`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from .changes import Confirmed, Feedback, FeedPage, parse_confirmed, parse_page
from .errors import InputError
from .wire import Call, Request, bearer

MAX_ENTRIES: Final = 10_000
"""The most entries that one page of the feed may have."""
MAX_WAIT: Final = 600
"""The most seconds that may be asked to be waited for news."""
MAX_RECORDS: Final = 1_000
"""The most records that one call says something of."""

Item = TypeVar("Item")


def page(
    key: str | None, cursor: str | None = None, *, limit: int = 1_000, wait: float = 0.0
) -> Call[FeedPage]:
    """Ask for what follows a cursor (None: from the beginning), waiting for news for `wait` s.

    Raises InputError on a limit outside 1 to 10,000, a wait outside 0 to 600, or a missing key.
    """
    if not 1 <= limit <= MAX_ENTRIES or not 0 <= wait <= MAX_WAIT:
        raise InputError(
            f"A page has 1 to {MAX_ENTRIES} entries, and is waited for 0 to {MAX_WAIT} seconds.",
            hint="Leave out `limit` and `wait` for what is usual.",
        )
    asked = {"limit": str(limit), "wait": f"{wait:g}"} | ({"cursor": cursor} if cursor else {})
    request = Request("GET", f"/v1/hashes?{urlencode(asked)}", bearer(key), patience=wait)
    return Call(request, parse_page)


def feedback(given: Iterable[Feedback], key: str | None) -> list[Call[int]]:
    """Say what came of hashes: one call for each 1,000. The answer: how many are news.

    Raises InputError on a record that is none, or a missing key.
    """
    said = [
        {"record": _record(one.record), "value": one.value, "tags": list(one.tags)} for one in given
    ]
    return [
        Call(_post("/v1/feedback", key, {"feedback": part}), lambda answer: int(answer["new"]))
        for part in batches(said)
    ]


def confirm(records: Iterable[str], key: str | None) -> list[Call[Confirmed]]:
    """Confirm that withdrawn hashes are held no more: one call for each 1,000. Raises as above."""
    listed = [_record(record) for record in records]
    return [
        Call(_post("/v1/withdrawals", key, {"records": part}), parse_confirmed)
        for part in batches(listed)
    ]


def join(answers: Iterable[Confirmed]) -> Confirmed:
    """Put the answers to the calls of `confirm` together."""
    told = list(answers)
    return Confirmed(
        tuple(record for part in told for record in part.confirmed),
        tuple(record for part in told for record in part.active),
    )


def batches(items: Iterable[Item]) -> Iterable[list[Item]]:
    """Cut into lists of at most 1,000."""
    rest = iter(items)
    while batch := list(islice(rest, MAX_RECORDS)):
        yield batch


def _post(path: str, key: str | None, body: Mapping[str, Sequence[Any]]) -> Request:
    headers = {"Content-Type": "application/json", **bearer(key)}
    return Request("POST", path, headers, json.dumps(body, separators=(",", ":")).encode())


def _record(text: str) -> str:
    """Read a record's name; it must be one, as 1,000 are refused together."""
    try:
        return str(UUID(text))
    except ValueError:
        raise InputError(
            "This is no record of the service.",
            hint="A record is named by the feed, and by each hit of `unseen match`.",
        ) from None
