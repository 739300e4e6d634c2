"""The service's responses about cases and matches, as frozen dataclasses.

Unknown fields are ignored, so that an older client can read a newer service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Matches:
    """The result of a lookup: hits ordered by query, then distance."""

    generation: int
    """The change-log position that the result reflects."""
    hits: tuple[Hit, ...]


def parse_case(answer: Mapping[str, Any]) -> Case:
    """Parse a case. Raises KeyError, TypeError or ValueError if it is malformed."""
    return Case(
        case=str(answer["case"]),
        status=str(answer["status"]),
        submitted_at=_time(answer["submitted_at"]),
        withdrawn_at=_time(answer.get("withdrawn_at")),
        images=tuple(_image(image) for image in answer["images"]),
        platforms=tuple(_platform(platform) for platform in answer.get("platforms", ())),
    )


def parse_matches(answer: Mapping[str, Any]) -> Matches:
    """Parse the result of a lookup. Raises as `parse_case` does."""
    return Matches(int(answer["generation"]), tuple(_hit(hit) for hit in answer["hits"]))


def _image(image: Mapping[str, Any]) -> CaseImage:
    return CaseImage(
        image=int(image["image"]),
        status=str(image["status"]),
        hashes=int(image["hashes"]),
        matches=int(image["matches"]),
        last_match_at=_time(image.get("last_match_at")),
        withdrawn_at=_time(image.get("withdrawn_at")),
    )


def _platform(platform: Mapping[str, Any]) -> CasePlatform:
    return CasePlatform(
        platform=str(platform["platform"]),
        matches=int(platform["matches"]),
        first_match_at=_time(platform.get("first_match_at")),
        last_match_at=_time(platform.get("last_match_at")),
        delivered_at=_time(platform.get("delivered_at")),
        feedback=_text(platform.get("feedback")),
        removed_at=_time(platform.get("removed_at")),
        withdrawal_confirmed_at=_time(platform.get("withdrawal_confirmed_at")),
    )


def _hit(hit: Mapping[str, Any]) -> Hit:
    return Hit(
        query=int(hit["query"]),
        record=str(hit["record"]),
        distance=int(hit["distance"]),
        view=str(hit["view"]),
        standing=str(hit["standing"]),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
