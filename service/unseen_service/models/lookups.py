"""Lookups: confirmed candidates, hits and results."""

from dataclasses import dataclass
from uuid import UUID

from .hashes import Standing, View


@dataclass(frozen=True, slots=True)
class ConfirmedHash:
    """A candidate that PostgreSQL confirmed: the hash may match now.

    `is_crop`: it is held as a crop only.
    """

    id: int
    record: UUID
    view: View
    standing: Standing
    suspect: bool
    is_crop: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A stored hash within the radius of one query of a lookup; `distance` is in bits.

    `suspect`: the hash is suspect, and the upload is not nearly the same image. A person should
    look at the upload; the hit counts nowhere.
    """

    query: int
    record: UUID
    distance: int
    view: View
    standing: Standing
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """The result of a lookup: its hits, and the generation of the index that found them.

    `truncated` are the queries that are close to more hashes than `hits` lists.
    """

    generation: int
    hits: tuple[Hit, ...]
    truncated: tuple[int, ...] = ()
