"""Schemas of lookups."""

from pydantic import BaseModel, Field

from ...models.hashes import Standing, View
from .common import Listed, Pdq, RequestModel

MAX_MATCH_HASHES = 10_000
MAX_MATCH_IMAGES = 1_000
MAX_GROUP_HASHES = 32


class QueryImageIn(RequestModel):
    """An image, by the hashes of the whole and of its parts."""

    id: str | None = Field(
        default=None,
        max_length=64,
        description="What its hits are marked with, in `image`. It is stored nowhere.",
    )
    hashes: Listed[Pdq] = Field(
        min_length=1,
        max_length=MAX_GROUP_HASHES,
        description="The first is that of the whole image.",
    )


class MatchIn(RequestModel):
    """A lookup: of hashes, or of images by several hashes each."""

    hashes: Listed[Pdq] = Field(
        default=[], min_length=1, max_length=MAX_MATCH_HASHES, description="Either these,"
    )
    images: Listed[QueryImageIn] = Field(
        default=[],
        min_length=1,
        max_length=MAX_MATCH_IMAGES,
        description=f"or these, with at most {MAX_MATCH_HASHES:,} hashes in all. An image has one "
        "hit for each stored hash, however many of its own are near.",
    )
    max_distance: int | None = Field(
        default=None,
        ge=0,
        le=256,
        description="The largest Hamming distance that counts as a match, in bits. At most the "
        "service's limit (31 by default), which is also the default.",
    )


class HitOut(BaseModel):
    """A stored hash that is close to a hash of the lookup."""

    query: int = Field(description="Which hash, or which image, of the lookup, from 0.")
    image: str | None = Field(
        default=None, description="The `id` of the image; not if it has none."
    )
    record: str = Field(description="The ID of the stored hash; it reveals nothing about its bits.")
    distance: int = Field(
        description="The Hamming distance in bits; rounded up for keys with coarse distances."
    )
    view: View = Field(description="The view of the stored image that was hashed.")
    standing: Standing
    suspect: bool = Field(
        description="The hash is suspect and the distance more than 8 bits: let a person look at "
        "the upload. The hit counts in no statistics."
    )


class MatchOut(BaseModel):
    """The hits of a lookup."""

    generation: int = Field(
        description="The position up to which the index had applied the change log."
    )
    hits: list[HitOut] = Field(
        description="Ordered by query, then by distance. A hash or image of the lookup may have "
        "several hits, or none."
    )
    truncated: list[int] = Field(
        description="The hashes or images of the lookup, from 0, that are close to more stored "
        "hashes than `hits` lists: it has the nearest of each, at most 16 by default, and fewer if "
        "the call has very many hits. Nearly always empty."
    )
