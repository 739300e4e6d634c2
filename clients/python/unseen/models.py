"""What the service answers, as frozen dataclasses.

Fields that this client does not know are ignored: an older client reads a newer service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class CaseImage:
    """One image of a case, by its number from 1; the service does not know its file's name."""

    image: int
    status: str
    """`active`, `under_review`, `declined` (by the service's staff) or `withdrawn`."""
    hashes: int
    matches: int
    last_match_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class CasePlatform:
    """A platform that asked about a copy of one of the case's images."""

    platform: str
    matches: int
    first_match_at: datetime | None
    last_match_at: datetime | None
    delivered_at: datetime | None = None
    """When it had every hash of the case, if it keeps a copy of them."""
    feedback: str | None = None
    """The least settled that it says of one: `pending-review`, `removed`, …"""
    removed_at: datetime | None = None
    withdrawal_confirmed_at: datetime | None = None
    """When it had let go of every hash that was withdrawn."""


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
    """One hash of the service that is close to one that was asked about."""

    query: int
    """Which of the hashes asked about, from 0."""
    record: str
    """An opaque name of what was hit, for feedback."""
    distance: int
    """How many of the 256 bits differ."""
    view: str
    """The view of the submitted image that was hit: `original`, `mirror`, …"""
    standing: str
    """What platforms and staff make of it: `unreviewed`, `confirmed`, `disputed`, …"""


@dataclass(frozen=True, slots=True)
class Matches:
    """The answer to a look-up: hits ordered by query, then distance."""

    generation: int
    """The change-log position that the answer reflects."""
    hits: tuple[Hit, ...]


def parse_case(answer: Mapping[str, Any]) -> Case:
    """Read a case. Raises KeyError, TypeError or ValueError if the answer is no case."""
    return Case(
        case=str(answer["case"]),
        status=str(answer["status"]),
        submitted_at=_time(answer["submitted_at"]),
        withdrawn_at=_time(answer.get("withdrawn_at")),
        images=tuple(_image(image) for image in answer["images"]),
        platforms=tuple(_platform(platform) for platform in answer.get("platforms", ())),
    )


def parse_matches(answer: Mapping[str, Any]) -> Matches:
    """Read a look-up's answer. Raises as `parse_case` does."""
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
