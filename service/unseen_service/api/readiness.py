"""Why a worker is not ready: codes for programs, sentences for people."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ..live.follower import Follower
from ..live.index import LiveIndex
from ..live.write_health import WriteHealth
from .schemas.health import ReasonOut

_TOLERATED = frozenset({"cut-off", "cannot-write"})
"""Codes that leave a worker ready: it answers what it can, and no other worker could do more."""

_DETAILS = {
    "loading": "The index is loading.",
    "cut-off": "PostgreSQL does not respond; misses are answered, hits are not.",
    "stale": "PostgreSQL has not responded for too long; lookups may miss new hashes.",
    "behind": "Changes have not been applied for too long.",
    "cannot-write": "PostgreSQL cannot store anything now.",
    "key-missing": "This host cannot read the hashes in the database.",
    "newer-schema": "A newer version of the service has migrated the database.",
}
"""What anyone may know."""


def without_numbers(found: Sequence[ReasonOut]) -> list[ReasonOut]:
    """Return reasons as anyone may see them: counts would tell whether a hash was new."""
    return [ReasonOut(code=each.code, detail=_DETAILS[each.code]) for each in found]


def reasons(
    index: LiveIndex,
    follower: Follower,
    write_health: WriteHealth,
    now: datetime,
    stale_after: float,
) -> list[ReasonOut]:
    """Return what is wrong now.

    An outage or a lag is tolerated for `stale_after` seconds.
    """
    return [
        *_loading(index),
        *_cut_off(follower, now, stale_after),
        *_lagging(index, follower, stale_after),
        *_key_missing(follower),
        *_cannot_write(write_health),
        *_newer_schema(follower),
    ]


def is_ready(found: Sequence[ReasonOut], follower: Follower) -> bool:
    """Return whether requests should still be sent to a worker with these reasons."""
    return all(
        each.code in _TOLERATED
        or (each.code == "newer-schema" and follower.newer_schema == "since-start")
        for each in found
    )


def _cannot_write(write_health: WriteHealth) -> Iterator[ReasonOut]:
    seconds = write_health.failing_for()
    if seconds is not None:
        yield ReasonOut(
            code="cannot-write",
            detail=f"PostgreSQL cannot write: {write_health.why}. Submissions and hits fail.",
            seconds=round(seconds, 1),
        )


def _key_missing(follower: Follower) -> Iterator[ReasonOut]:
    if follower.key_missing:
        yield ReasonOut(code="key-missing", detail=follower.key_missing)


def _newer_schema(follower: Follower) -> Iterator[ReasonOut]:
    if follower.newer_schema:
        yield ReasonOut(code="newer-schema", detail=_DETAILS["newer-schema"])


def _loading(index: LiveIndex) -> Iterator[ReasonOut]:
    if index.loaded is None:
        of = f" of about {index.expected}" if index.expected else ""
        detail = f"The index is loading: {index.progress}{of} hashes so far."
        yield ReasonOut(
            code="loading", detail=detail, hashes=index.progress, of=index.expected or None
        )


def _cut_off(follower: Follower, now: datetime, stale_after: float) -> Iterator[ReasonOut]:
    seconds = follower.cut_off_for()
    if seconds is None:
        return
    is_stale = seconds > stale_after
    effect = "lookups may miss new hashes." if is_stale else "misses are answered, hits are not."
    yield ReasonOut(
        code="stale" if is_stale else "cut-off",
        detail=f"PostgreSQL has not responded for {seconds:.0f} s; {effect}",
        since=now - timedelta(seconds=seconds),
        seconds=round(seconds, 1),
    )


def _lagging(index: LiveIndex, follower: Follower, stale_after: float) -> Iterator[ReasonOut]:
    entries, seconds = follower.lag()
    if index.loaded is None or follower.cut_off_for() is not None:
        return
    if seconds is None or seconds > stale_after:
        since = "never" if seconds is None else f"{seconds:.0f} s ago"
        detail = f"{entries} changes are not applied yet; last up to date: {since}."
        yield ReasonOut(
            code="behind", detail=detail, entries=entries, seconds=seconds and round(seconds, 1)
        )
