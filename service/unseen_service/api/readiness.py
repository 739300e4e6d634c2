"""Why a worker is not ready: codes for programs, sentences for people."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ..live.follower import Follower
from ..live.index import LiveIndex
from .schemas.health import ReasonOut


def reasons(
    index: LiveIndex, follower: Follower, now: datetime, stale_after: float
) -> list[ReasonOut]:
    """Return what is wrong now.

    An outage or a lag is tolerated for `stale_after` seconds.
    """
    return [
        *_loading(index),
        *_cut_off(follower, now, stale_after),
        *_lagging(index, follower, stale_after),
    ]


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
