"""The client: hashes images on this device; only 256 bits leave it."""

from .errors import ImageError, UnseenError
from .hashing import MATCH_DISTANCE, MIN_QUALITY, Fingerprint, fingerprint
from .pixels import CONVENTION
from .views import VIEWS, fingerprint_views

__all__ = [
    "CONVENTION",
    "MATCH_DISTANCE",
    "MIN_QUALITY",
    "VIEWS",
    "Fingerprint",
    "ImageError",
    "UnseenError",
    "fingerprint",
    "fingerprint_views",
]
