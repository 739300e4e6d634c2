"""Lookups: a candidate that the store confirmed, a hit, and an answer."""

from dataclasses import dataclass
from uuid import UUID

from .hashes import Standing, View


@dataclass(frozen=True, slots=True)
class ConfirmedHash:
    """A candidate of the index that the store says may be matched."""

    id: int
    record: UUID
    view: View
    standing: Standing


@dataclass(frozen=True, slots=True)
class Hit:
    """One stored hash within reach of one query of a look-up."""

    query: int
    record: UUID
    distance: int
    view: View
    standing: Standing


@dataclass(frozen=True, slots=True)
class Matched:
    """The answer to a look-up: its hits, and how far along the change log it was made."""

    generation: int
    hits: tuple[Hit, ...]
