"""The service's responses about cases and matches, as frozen dataclasses.

Unknown fields are ignored, and so are unknown names of a status or a view, so that an older client
can read a newer service. Text from the service is one line without control characters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from . import answers

_MAX_IMAGES: Final = 1_000
_MAX_ITEMS: Final = 10_000
_MAX_HITS: Final = 1_000_000
_BITS: Final = 256


@dataclass(frozen=True, slots=True)
class CaseImage:
    """One image of a case, numbered from 1; the service does not know the file's name."""

    image: int
    status: str
    """`active`, `under_review`, `declined` (by the service's staff) or `withdrawn`."""
    hashes: int
    matches: int
    last_match_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class CasePlatform:
    """A platform that found a copy of one of the case's images, or keeps their hashes."""

    platform: str
    matches: int
    first_match_at: datetime | None
    last_match_at: datetime | None
    delivered_at: datetime | None = None
    """When it had received every hash of the case, if it keeps a copy of them."""
    feedback: str | None = None
    """Its least settled feedback on any of them: `pending-review`, `removed`, …"""
    removed_at: datetime | None = None
    withdrawal_confirmed_at: datetime | None = None
    """When it had confirmed that every withdrawn hash is deleted."""


@dataclass(frozen=True, slots=True)
class Case:
    """One person's takedown request."""

    case: str
    """The case number, UN-XXXX-XXXX."""
    status: str
    """`active` or `withdrawn`."""
    submitted_at: datetime | None
    withdrawn_at: datetime | None
    images: tuple[CaseImage, ...]
    platforms: tuple[CasePlatform, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A submitted hash that is close to a queried one."""

    query: int
    """The index of the queried hash, from 0."""
    record: str
    """The opaque ID of the submitted hash, for feedback."""
    distance: int
    """The number of the 256 bits that differ."""
    view: str
    """The view of the submitted image that matched: one of `VIEWS`."""
    standing: str
    """Its review state: `unreviewed`, `confirmed`, `disputed`, …"""
    suspect: bool = False
    """The hash waits for a decision, and the images differ: let a person look at the upload."""


@dataclass(frozen=True, slots=True)
class Matches:
    """The result of a lookup: hits ordered by query, then distance."""

    generation: int
    """The change-log position that the result reflects."""
    hits: tuple[Hit, ...]
    truncated: tuple[int, ...] = ()
    """The queries that are close to more stored hashes than `hits` lists: it has the nearest."""


def parse_case(answer: Mapping[str, Any]) -> Case:
    """Parse a case. Raises KeyError, TypeError or ValueError if it is malformed."""
    return Case(
        case=answers.token(answer["case"]),
        status=answers.token(answer["status"]),
        submitted_at=_time(answer["submitted_at"]),
        withdrawn_at=_time(answer.get("withdrawn_at")),
        images=tuple(map(_image, answers.sequence(answer["images"], _MAX_IMAGES))),
        platforms=tuple(map(_platform, answers.sequence(answer.get("platforms", []), _MAX_ITEMS))),
    )


def parse_matches(answer: Mapping[str, Any], queries: int) -> Matches:
    """Parse the result of a lookup of so many hashes. Raises as `parse_case` does."""
    hits = tuple(_hit(hit, queries) for hit in answers.sequence(answer["hits"], _MAX_HITS))
    truncated = answers.sequence(answer.get("truncated", []), queries)
    return Matches(
        answers.integer(answer["generation"]),
        hits,
        tuple(answers.integer(query, queries - 1) for query in truncated),
    )


def _image(image: Mapping[str, Any]) -> CaseImage:
    return CaseImage(
        image=answers.integer(image["image"], _MAX_IMAGES),
        status=answers.token(image["status"]),
        hashes=answers.integer(image["hashes"]),
        matches=answers.integer(image["matches"]),
        last_match_at=_time(image.get("last_match_at")),
        withdrawn_at=_time(image.get("withdrawn_at")),
    )


def _platform(platform: Mapping[str, Any]) -> CasePlatform:
    feedback = platform.get("feedback")
    return CasePlatform(
        platform=answers.label(platform["platform"]),
        matches=answers.integer(platform["matches"]),
        first_match_at=_time(platform.get("first_match_at")),
        last_match_at=_time(platform.get("last_match_at")),
        delivered_at=_time(platform.get("delivered_at")),
        feedback=None if feedback is None else answers.token(feedback),
        removed_at=_time(platform.get("removed_at")),
        withdrawal_confirmed_at=_time(platform.get("withdrawal_confirmed_at")),
    )


def _hit(hit: Mapping[str, Any], queries: int) -> Hit:
    return Hit(
        query=answers.integer(hit["query"], queries - 1),
        record=answers.token(hit["record"]),
        distance=answers.integer(hit["distance"], _BITS),
        view=answers.token(hit["view"]),
        standing=answers.token(hit["standing"]),
        suspect=answers.boolean(hit.get("suspect", False)),
    )


def _time(text: Any) -> datetime | None:
    return None if text is None else answers.moment(text)
