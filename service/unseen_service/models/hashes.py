"""PDQ hashes: their size, the view of an image each is of, and their review state."""

from enum import StrEnum

HASH_BYTES = 32
"""Bytes in a PDQ hash."""

MATCH_RADIUS = 31
"""The Hamming distance, in bits, within which PDQ's authors call two hashes a match."""

LOWEST_QUALITY = 50
"""The lowest PDQ quality that is kept; its authors discard 49 and less."""


class View(StrEnum):
    """Which turn of the picture a hash is of; `mirror-turn-N` is mirrored first, then turned."""

    ORIGINAL = "original"
    MIRROR = "mirror"
    TURN_90 = "turn-90"
    TURN_180 = "turn-180"
    TURN_270 = "turn-270"
    MIRROR_TURN_90 = "mirror-turn-90"
    MIRROR_TURN_180 = "mirror-turn-180"
    MIRROR_TURN_270 = "mirror-turn-270"


class Standing(StrEnum):
    """What is thought of a hash."""

    UNREVIEWED = "unreviewed"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    QUARANTINED = "quarantined"
