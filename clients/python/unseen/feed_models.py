"""The feed, and what platforms report about its hashes, as frozen dataclasses.

docs/feed.md describes the feed. As in `models`, unknown fields are ignored. Names from lists that
may grow (status, standing, view, convention, feedback) are accepted if they have a name's form, so
that a mirror still works with a newer service; a hash whose status it does not know is not matched.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from . import answers
from .errors import InputError

FEEDBACK_VALUES: Final = ("pending-review", "removed", "not-removed", "not-intimate")
"""What a platform can report about a hash: that it is reviewing it, what it did, or saw."""

SUSPECT_DISTANCE: Final = 8
"""In bits; within it, an upload is nearly the same image."""

MAX_TAGS: Final = 16
_TAG: Final = r"[^\x00-\x1f\x7f]{1,64}"
_MAX_ENTRIES: Final = 10_000
_MAX_RECORDS: Final = 1_000
_MAX_QUALITY: Final = 100
_MAX_FEEDBACK: Final = 32
_CURSOR: Final = re.compile("[A-Za-z0-9._~=-]{1,128}")
_PDQ: Final = re.compile("[0-9a-f]{64}")


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
    suspect: bool = False
    """It waits for a decision by the service's staff: let a person look at uploads that are more
    than `SUSPECT_DISTANCE` bits away from it."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A hash that must no longer be matched: delete it."""

    position: int
    at: datetime
    record: str
    status: str
    """`withdrawn`: confirm once it is deleted. `quarantined`: suspended for now."""
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


def parse_page(answer: Mapping[str, Any], limit: int = _MAX_ENTRIES) -> FeedPage:
    """Parse a page of at most `limit` entries, whose positions increase.

    Raises KeyError, TypeError or ValueError if it is malformed.
    """
    entries = tuple(parse_entry(entry) for entry in answers.sequence(answer["entries"], limit))
    if any(one.position >= next_one.position for one, next_one in pairwise(entries)):
        raise ValueError("positions that do not increase")
    return FeedPage(entries, check_cursor(answer["cursor"]), answers.boolean(answer["more"]))


def parse_entry(entry: Mapping[str, Any]) -> FeedEntry:
    """Parse one entry of the feed. Raises as `parse_page` does."""
    position, at = answers.integer(entry["position"]), answers.moment(entry["at"])
    record, standing = answers.identifier(entry["record"]), answers.token(entry["standing"])
    status = answers.token(entry["status"])
    if status != "active":
        return Tombstone(position, at, record, status, standing)
    quality = entry.get("quality")
    return ActiveHash(
        position=position,
        at=at,
        record=record,
        standing=standing,
        pdq=_check_pdq(entry["pdq"]),
        view=answers.token(entry["view"]),
        quality=None if quality is None else answers.integer(quality, _MAX_QUALITY),
        convention=answers.token(entry["convention"]),
        feedback=_parse_feedback(entry["feedback"]),
        suspect=answers.boolean(entry.get("suspect", False)),
    )


def parse_confirmed(answer: Mapping[str, Any]) -> Confirmed:
    """Parse the response to confirmed withdrawals. Raises as `parse_page` does."""
    confirmed, active = (
        tuple(map(answers.identifier, answers.sequence(answer[name], _MAX_RECORDS)))
        for name in ("confirmed", "active")
    )
    return Confirmed(confirmed, active)


def check_cursor(text: Any) -> str:
    """Return a cursor: 1 to 128 characters that need no escape in a URL. Raises ValueError."""
    if not isinstance(text, str) or not _CURSOR.fullmatch(text):
        raise ValueError("not a cursor")
    return text


def _parse_feedback(counts: Mapping[str, Any]) -> dict[str, int]:
    if not isinstance(counts, Mapping) or len(counts) > _MAX_FEEDBACK:
        raise ValueError("not the numbers of platforms by what they report")
    return {answers.token(value): answers.integer(count) for value, count in counts.items()}


def _check_pdq(text: Any) -> str:
    if not isinstance(text, str) or not _PDQ.fullmatch(text):
        raise ValueError("not 256 bits in lower-case hexadecimal digits")
    return text
