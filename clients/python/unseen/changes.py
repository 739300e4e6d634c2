"""What a platform that keeps a copy reads and says back, as frozen dataclasses.

docs/feed.md describes the feed. As in `models`, fields that are not known are ignored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from .errors import InputError

FEEDBACK_VALUES: Final = ("pending-review", "removed", "not-removed", "not-intimate")
"""What a platform may say of a hash: that it looks into it, what it did, or what it saw."""

MAX_TAGS: Final = 16
_TAG: Final = r"[^\x00-\x1f\x7f]{1,64}"


@dataclass(frozen=True, slots=True)
class ActiveHash:
    """A hash to match against, as it is now; it takes the place of what was told of it before.

    A record that is not held yet is new; of one that is, the standing or the feedback changed.
    """

    position: int
    """Of its last change in the service's log; grows from entry to entry."""
    at: datetime
    record: str
    """Names the hash, in look-ups and feedback too; says nothing of its bits."""
    standing: str
    """What is thought of it: `unreviewed`, `confirmed` or `disputed`."""
    pdq: str = field(repr=False)
    """64 lower-case hexadecimal digits. Treat them as sensitive."""
    view: str
    """Which turn of the image it is of: one of `VIEWS`."""
    quality: int | None
    """0 to 100; None where nobody said it."""
    convention: str
    """The name of the pixel convention."""
    feedback: Mapping[str, int]
    """How many platforms say what of it."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A hash that is not to be matched against any more: let go of it."""

    position: int
    at: datetime
    record: str
    status: str
    """`withdrawn`: confirm it once it is gone. `quarantined`: set aside by staff for now."""
    standing: str


FeedEntry = ActiveHash | Tombstone


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A part of the feed, oldest change first."""

    entries: tuple[FeedEntry, ...]
    cursor: str
    """Goes on where this page ends; keep it together with what the page changed."""
    more: bool
    """Whether there is more now. A page may be empty and have more behind it."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a platform makes of one hash, or did about it. Raises InputError."""

    record: str
    """As the feed and the hits name it."""
    value: str
    """One of `FEEDBACK_VALUES`."""
    tags: Sequence[str] = ()
    """Up to 16 of up to 64 characters; other platforms see them."""

    def __post_init__(self) -> None:
        if self.value not in FEEDBACK_VALUES:
            raise InputError(
                "Feedback is one of a few words.", hint=f"They are {', '.join(FEEDBACK_VALUES)}."
            )
        if len(self.tags) > MAX_TAGS or not all(re.fullmatch(_TAG, tag) for tag in self.tags):
            raise InputError(
                "The tags cannot be sent.",
                hint=f"Give at most {MAX_TAGS} tags of 1 to 64 characters each, on one line.",
            )


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The answer to withdrawals that were confirmed."""

    confirmed: tuple[str, ...]
    active: tuple[str, ...]
    """Records that came back meanwhile: the feed has them again."""


def parse_page(answer: Mapping[str, Any]) -> FeedPage:
    """Read a page. Raises KeyError, TypeError or ValueError if the answer is none."""
    entries = tuple(parse_entry(entry) for entry in answer["entries"])
    return FeedPage(entries, str(answer["cursor"]), bool(answer["more"]))


def parse_entry(entry: Mapping[str, Any]) -> FeedEntry:
    """Read one entry of the feed. Raises as `parse_page` does."""
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
        pdq=_pdq(entry["pdq"]),
        view=str(entry["view"]),
        quality=None if quality is None else int(quality),
        convention=str(entry["convention"]),
        feedback={str(value): int(count) for value, count in entry["feedback"].items()},
    )


def parse_confirmed(answer: Mapping[str, Any]) -> Confirmed:
    """Read the answer to confirmed withdrawals. Raises as `parse_page` does."""
    return Confirmed(tuple(map(str, answer["confirmed"])), tuple(map(str, answer["active"])))


def _pdq(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("not 256 bits in lower-case hexadecimal digits")
    return text
