"""How often lookups find a hash, and what is usual."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HashActivity:
    """How often lookups found a hash in a day, and in how many distinct uploads.

    `shared` is the number of distinct uploads without those of the platform that has the most.
    """

    hash_id: int
    finds: int
    uploads: int
    shared: int
    platforms: int


@dataclass(frozen=True, slots=True)
class ActivityBaseline:
    """What 99 % of the hashes that are found in a day do not exceed."""

    finds: int
    uploads: int
