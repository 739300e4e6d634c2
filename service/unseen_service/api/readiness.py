"""Why a worker is not as it should be, in codes for programs and sentences for people."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ..live.follower import Follower
from ..live.index import LiveIndex
from .schemas.health import ReasonOut


def reasons(
    index: LiveIndex, follower: Follower, now: datetime, stale_after: float
) -> list[ReasonOut]:
    """List what is not as it should be now; `stale_after` (in seconds) it is too much."""
    return [
        *_loading(index),
        *_out_of_touch(follower, now, stale_after),
        *_behind(index, follower, stale_after),
    ]


def _loading(index: LiveIndex) -> Iterator[ReasonOut]:
    if index.loaded is None:
        of = f" of about {index.expected}" if index.expected else ""
        detail = f"The index is not loaded yet: {index.progress}{of} hashes so far."
        yield ReasonOut(
            code="loading", detail=detail, hashes=index.progress, of=index.expected or None
        )


def _out_of_touch(follower: Follower, now: datetime, stale_after: float) -> Iterator[ReasonOut]:
    seconds = follower.cut_off_for()
    if seconds is None:
        return
    stale = seconds > stale_after
    so = "what it misses may be new." if stale else "misses are answered, hits are not."
    yield ReasonOut(
        code="stale" if stale else "cut-off",
        detail=f"PostgreSQL has not answered for {seconds:.0f} s; {so}",
        since=now - timedelta(seconds=seconds),
        seconds=round(seconds, 1),
    )


def _behind(index: LiveIndex, follower: Follower, stale_after: float) -> Iterator[ReasonOut]:
    entries, seconds = follower.behind()
    if index.loaded is None or follower.cut_off_for() is not None:
        return
    if seconds is None or seconds > stale_after:
        told = "ever" if seconds is None else f"for {seconds:.0f} s"
        detail = f"{entries} changes are not applied yet; it was not in step {told}."
        yield ReasonOut(
            code="behind", detail=detail, entries=entries, seconds=seconds and round(seconds, 1)
        )
