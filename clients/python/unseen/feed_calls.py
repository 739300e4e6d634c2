"""The API calls of a platform that keeps a copy: the feed, feedback, confirmed withdrawals.

Pure functions, like those of `api_calls`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from . import answers
from .api_calls import MIN_MAX_BYTES, Call, Request, bearer
from .errors import InputError, UnexpectedAnswerError
from .feed_models import Confirmed, Feedback, FeedPage, parse_confirmed, parse_page

MAX_ENTRIES: Final = 10_000
"""The most entries in one page of the feed."""
MAX_WAIT: Final = 600
"""The most seconds for which the service can be asked to wait for changes."""
MAX_RECORDS: Final = 1_000
"""The most records in one call."""
_MAX_ENTRY_BYTES: Final = 2_048

Item = TypeVar("Item")


def page(
    key: str | None, cursor: str | None = None, *, limit: int = 1_000, wait: float = 0.0
) -> Call[FeedPage]:
    """Get the page after a cursor (None: the first page), waiting up to `wait` s for changes.

    Raises InputError for a limit outside 1 to 10,000, a wait outside 0 to 600, or a missing key.
    """
    if not 1 <= limit <= MAX_ENTRIES or not 0 <= wait <= MAX_WAIT:
        raise InputError(
            f"`limit` must be 1 to {MAX_ENTRIES} entries, and `wait` 0 to {MAX_WAIT} seconds.",
            hint="Leave out `limit` and `wait` to use the defaults.",
        )
    query = {"limit": str(limit), "wait": f"{wait:g}"} | ({"cursor": cursor} if cursor else {})
    request = Request(
        "GET",
        f"/v1/hashes?{urlencode(query)}",
        bearer(key),
        patience=wait,
        max_bytes=MIN_MAX_BYTES + limit * _MAX_ENTRY_BYTES,
    )
    return Call(request, partial(parse_page, limit=limit))


def require_progress(cursor: str, page: FeedPage) -> None:
    """Raise UnexpectedAnswerError for a page after which there is more, at the same cursor."""
    if page.more and page.cursor == cursor:
        raise UnexpectedAnswerError("The server's feed does not move on.")


def feedback(given: Iterable[Feedback], key: str | None) -> list[Call[int]]:
    """Send feedback, one call per 1,000 records; each answer is the number that were new.

    Raises InputError for a malformed record or a missing key.
    """
    entries = [
        {"record": _record(one.record), "value": one.value, "tags": list(one.tags)} for one in given
    ]
    return [
        Call(_post("/v1/feedback", key, {"feedback": part}), _parse_new)
        for part in batches(entries)
    ]


def confirm(records: Iterable[str], key: str | None) -> list[Call[Confirmed]]:
    """Confirm that withdrawn hashes are deleted, one call per 1,000. Raises as `feedback` does."""
    listed = [_record(record) for record in records]
    return [
        Call(_post("/v1/withdrawals", key, {"records": part}), parse_confirmed)
        for part in batches(listed)
    ]


def join(answers: Iterable[Confirmed]) -> Confirmed:
    """Join the answers to the calls of `confirm`."""
    parts = list(answers)
    return Confirmed(
        tuple(record for part in parts for record in part.confirmed),
        tuple(record for part in parts for record in part.active),
    )


def batches(items: Iterable[Item]) -> Iterable[list[Item]]:
    """Split into lists of at most 1,000."""
    rest = iter(items)
    while batch := list(islice(rest, MAX_RECORDS)):
        yield batch


def _parse_new(answer: Mapping[str, Any]) -> int:
    return answers.integer(answer["new"], MAX_RECORDS)


def _post(path: str, key: str | None, body: Mapping[str, Sequence[Any]]) -> Request:
    headers = {"Content-Type": "application/json", **bearer(key)}
    return Request("POST", path, headers, json.dumps(body, separators=(",", ":")).encode())


def _record(text: str) -> str:
    """Check a record's format, since one malformed record has all 1,000 refused."""
    try:
        return str(UUID(text))
    except ValueError:
        raise InputError(
            "The record has the wrong format.",
            hint="The feed names each record, and so does each match of `unseen match`.",
        ) from None
