"""Local copies of a feed: some pages, and how a copy is kept and searched."""

from pathlib import Path

from unseen import LocalCopy, Matches, Mirror, Round

from .feeds import Feed, active, gone

PAGES = (
    [active(n, n) for n in range(1, 6)],
    [active(6, 6), gone(2, 7), active(3, 8, standing="confirmed")],
    [gone(4, 9, "quarantined"), gone(99, 10)],
    [active(4, 11), active(7, 12), gone(7, 13)],
)


def keep(folder: Path, feed: Feed) -> Round:
    with Mirror(folder) as mirror, feed.client() as client:
        done = mirror.catch_up(client)
        mirror.confirm(client)
        return done


def ask(folder: Path, *hashes: str, distance: int = 31) -> Matches:
    with LocalCopy(folder) as copy:
        return copy.match(hashes, distance)
