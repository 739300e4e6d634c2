"""PDQ hashes: their size, the views of an image, and their review states."""

from enum import StrEnum

HASH_BYTES = 32
"""Bytes in a PDQ hash."""

MATCH_RADIUS = 31
"""The Hamming distance, in bits, within which PDQ's authors call two hashes a match."""

SUSPECT_RADIUS = 8
"""Beyond this distance, in bits, a hit of a suspect hash is marked and counts nowhere."""

LOWEST_QUALITY = 50
"""The lowest PDQ quality that is accepted; its authors discard 49 and less."""


class View(StrEnum):
    """The rotation or reflection of an image that was hashed.

    `turn-N` is turned clockwise by N degrees; `mirror-turn-N` is mirrored first, then turned.
    """

    ORIGINAL = "original"
    MIRROR = "mirror"
    TURN_90 = "turn-90"
    TURN_180 = "turn-180"
    TURN_270 = "turn-270"
    MIRROR_TURN_90 = "mirror-turn-90"
    MIRROR_TURN_180 = "mirror-turn-180"
    MIRROR_TURN_270 = "mirror-turn-270"


class Standing(StrEnum):
    """The review state of a hash.

    `unreviewed`: staff have not decided about it. `confirmed`: staff decided to keep it.
    `disputed`: staff confirmed it, and platforms reported `not-intimate` since. `quarantined`: not
    matched, because staff removed it.
    """

    UNREVIEWED = "unreviewed"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    QUARANTINED = "quarantined"
