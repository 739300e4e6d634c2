"""How many entries fit into a page of the feed: it is limited by bytes, too, not by number alone.

A page is written at once and kept until its reader has read it, so its size is what a reader who
does not read costs.
"""

from collections.abc import Sequence

from ..models.feed import FeedEntry

MAX_PAGE_BYTES = 3 * 1024 * 1024
"""A page ends before this, counted generously; it has at least one entry."""

_ENTRY_BYTES = 512
"""More than an entry takes in either format, without what platforms report about it."""
_FEEDBACK_BYTES = 96
"""More than what one platform reports takes, without its name and tags."""
_TAG_BYTES = 4


def fitting(entries: Sequence[FeedEntry]) -> Sequence[FeedEntry]:
    """Return as many of the first entries as fit into a page, and at least one if there are any."""
    size = 0
    for number, entry in enumerate(entries):
        size += _size(entry)
        if size > MAX_PAGE_BYTES:
            return entries[: max(number, 1)]
    return entries


def _size(entry: FeedEntry) -> int:
    return _ENTRY_BYTES + sum(
        _FEEDBACK_BYTES + _text_size(each.source) + sum(map(_text_size, each.tags))
        for each in entry.feedback
    )


def _text_size(text: str) -> int:
    return _TAG_BYTES + len(text.encode()) + text.count('"') + text.count("\\")
