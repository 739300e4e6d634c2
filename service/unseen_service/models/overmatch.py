"""How often hashes are found, and what is usual."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HashActivity:
    """What a hash found in a day: how often, and how many different uploads.

    `shared` are those without the platform that has most of them.
    """

    hash_id: int
    finds: int
    uploads: int
    shared: int
    platforms: int


@dataclass(frozen=True, slots=True)
class ActivityBaseline:
    """What 99 of 100 hashes that are found in a day do not exceed."""

    finds: int
    uploads: int
