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


LOWEST_CROP_QUALITY = 80
"""The lowest PDQ quality of a crop: parts with little texture resemble those of other images."""

MOST_FROM_ORIGINAL = 90
"""The most bits between an image and what remains of it without 2.5 % at each side.

Of 94 photos and parts of photos, at most 72. Smaller crops are as far as any other image.
"""


class View(StrEnum):
    """The rotation, reflection or crop of an image that was hashed.

    `turn-N` is turned clockwise by N degrees; `mirror-turn-N` is mirrored first, then turned.
    `crop-WxH` is the largest box of that aspect in the middle; otherwise a crop lacks so many
    percent at the side, or at all four `sides`.
    """

    ORIGINAL = "original"
    MIRROR = "mirror"
    TURN_90 = "turn-90"
    TURN_180 = "turn-180"
    TURN_270 = "turn-270"
    MIRROR_TURN_90 = "mirror-turn-90"
    MIRROR_TURN_180 = "mirror-turn-180"
    MIRROR_TURN_270 = "mirror-turn-270"
    CROP_1X1 = "crop-1x1"
    CROP_4X5 = "crop-4x5"
    CROP_9X16 = "crop-9x16"
    CROP_16X9 = "crop-16x9"
    CROP_SIDES_2_5 = "crop-sides-2.5"
    CROP_SIDES_6 = "crop-sides-6"
    CROP_SIDES_8 = "crop-sides-8"
    CROP_SIDES_12 = "crop-sides-12"
    CROP_SIDES_18 = "crop-sides-18"
    CROP_BOTTOM_6 = "crop-bottom-6"
    CROP_BOTTOM_25 = "crop-bottom-25"
    CROP_TOP_6 = "crop-top-6"
    CROP_LEFT_12 = "crop-left-12"
    CROP_LEFT_20 = "crop-left-20"
    CROP_RIGHT_8 = "crop-right-8"

    @property
    def is_crop(self) -> bool:
        """Whether a part of the image was hashed. Such a hash answers lookups only."""
        return self.value.startswith("crop-")


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
