"""The feed, and what platforms report about its hashes, as frozen dataclasses.

docs/feed.md describes the feed. As in `models`, unknown fields are ignored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from .errors import InputError

FEEDBACK_VALUES: Final = ("pending-review", "removed", "not-removed", "not-intimate")
"""What a platform can report about a hash: that it is reviewing it, what it did, or saw."""

MAX_TAGS: Final = 16
_TAG: Final = r"[^\x00-\x1f\x7f]{1,64}"


@dataclass(frozen=True, slots=True)
class ActiveHash:
    """A hash to match against, in its current state; it replaces earlier entries of its record.

    If the record is already known, its standing or its feedback has changed.
    """

    position: int
    """The position of its last change in the service's log; increases from entry to entry."""
    at: datetime
    record: str
    """The ID of the hash, also in lookups and feedback; reveals nothing about its bits."""
    standing: str
    """Its review state: `unreviewed`, `confirmed` or `disputed`."""
    pdq: str = field(repr=False)
    """64 lower-case hexadecimal digits. Treat them as sensitive."""
    view: str
    """The view of the image: one of `VIEWS`."""
    quality: int | None
    """0 to 100; None if unknown."""
    convention: str
    """The name of the pixel convention."""
    feedback: Mapping[str, int]
    """The number of platforms by reported value."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A hash that must no longer be matched: delete it."""

    position: int
    at: datetime
    record: str
    status: str
    """`withdrawn`: confirm once it is deleted. `quarantined`: suspended by staff for now."""
    standing: str


FeedEntry = ActiveHash | Tombstone


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of the feed, oldest change first."""

    entries: tuple[FeedEntry, ...]
    cursor: str
    """The position after this page; store it atomically with the page's changes."""
    more: bool
    """Whether more pages are available now. Even an empty page can be followed by more."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a platform did about one hash, or thinks of it. Raises InputError."""

    record: str
    """The ID from the feed or from a hit."""
    value: str
    """One of `FEEDBACK_VALUES`."""
    tags: Sequence[str] = ()
    """Up to 16 words of up to 64 characters, which other platforms can see."""

    def __post_init__(self) -> None:
        if self.value not in FEEDBACK_VALUES:
            raise InputError(
                "Unknown feedback value.", hint=f"Use one of {', '.join(FEEDBACK_VALUES)}."
            )
        if len(self.tags) > MAX_TAGS or not all(re.fullmatch(_TAG, tag) for tag in self.tags):
            raise InputError(
                "The tags have the wrong format.",
                hint=f"Give at most {MAX_TAGS} tags of 1 to 64 characters, without line breaks.",
            )


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The response to confirmed withdrawals."""

    confirmed: tuple[str, ...]
    active: tuple[str, ...]
    """Records that are active again: the feed has them."""


def parse_page(answer: Mapping[str, Any]) -> FeedPage:
    """Parse a page. Raises KeyError, TypeError or ValueError if it is malformed."""
    entries = tuple(parse_entry(entry) for entry in answer["entries"])
    return FeedPage(entries, str(answer["cursor"]), bool(answer["more"]))


def parse_entry(entry: Mapping[str, Any]) -> FeedEntry:
    """Parse one entry of the feed. Raises as `parse_page` does."""
    position, at = int(entry["position"]), datetime.fromisoformat(entry["at"])
    record, standing = str(entry["record"]), str(entry["standing"])
    if entry["status"] != "active":
        return Tombstone(position, at, record, str(entry["status"]), standing)
    quality = entry.get("quality")
    return ActiveHash(
        position=position,
        at=at,
        record=record,
        standing=standing,
        pdq=_check_pdq(entry["pdq"]),
        view=str(entry["view"]),
        quality=None if quality is None else int(quality),
        convention=str(entry["convention"]),
        feedback={str(value): int(count) for value, count in entry["feedback"].items()},
    )


def parse_confirmed(answer: Mapping[str, Any]) -> Confirmed:
    """Parse the response to confirmed withdrawals. Raises as `parse_page` does."""
    return Confirmed(tuple(map(str, answer["confirmed"])), tuple(map(str, answer["active"])))


def _check_pdq(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("not 256 bits in lower-case hexadecimal digits")
    return text
