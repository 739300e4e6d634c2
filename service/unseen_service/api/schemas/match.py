"""What platforms send and see: look-ups and their hits."""

from pydantic import BaseModel, Field

from ...models.hashes import Standing, View
from .common import Pdq, Wire

MAX_MATCH_HASHES = 10_000


class MatchIn(Wire):
    """A look-up."""

    hashes: list[Pdq] = Field(min_length=1, max_length=MAX_MATCH_HASHES)
    max_distance: int | None = Field(
        default=None, ge=0, le=256, description="In bits; the service's limit unless given."
    )


class HitOut(BaseModel):
    """One stored hash close to one of those asked about."""

    query: int = Field(description="Which of the hashes asked about, from 0.")
    record: str = Field(description="Names the stored hash, without saying what it is.")
    distance: int = Field(description="Hamming distance in bits.")
    view: View
    standing: Standing


class MatchOut(BaseModel):
    """The hits, by query, nearest first; a hash that is not listed has none."""

    generation: int = Field(description="How far along the change log this was answered.")
    hits: list[HitOut]
