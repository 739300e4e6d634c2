"""Hash an intimate image on your own device and have its copies blocked.

Only 256 bits of an image leave the device, never its pixels. `fingerprint` hashes an image,
`fingerprint_views` hashes it mirrored and turned too, `Client` talks to a service.
"""

from .client import AsyncClient, Client
from .codes import make_pin, read_case, read_pin
from .errors import (
    AccessRefusedError,
    BrokenImageError,
    CaseNotFoundError,
    FieldError,
    ImageError,
    ImageNotFoundError,
    ImageRefusedError,
    InputError,
    KeyReusedError,
    NotAnImageError,
    QualityTooLowError,
    RequestRefusedError,
    ServerUnreachableError,
    ServiceError,
    StatementError,
    TooManyGuessesError,
    TooManyPixelsError,
    UnavailableError,
    UnderageError,
    UnexpectedAnswerError,
    UnreadableFileError,
    UnseenError,
)
from .exchange import Retry
from .hashing import MATCH_DISTANCE, MIN_QUALITY, Fingerprint, fingerprint
from .models import Case, CaseImage, CasePlatform, Hit, Matches
from .pixels import CONVENTION, MAX_PIXELS
from .submission import Submission
from .views import VIEWS, fingerprint_views

__all__ = [
    "CONVENTION",
    "MATCH_DISTANCE",
    "MAX_PIXELS",
    "MIN_QUALITY",
    "VIEWS",
    "AccessRefusedError",
    "AsyncClient",
    "BrokenImageError",
    "Case",
    "CaseImage",
    "CaseNotFoundError",
    "CasePlatform",
    "Client",
    "FieldError",
    "Fingerprint",
    "Hit",
    "ImageError",
    "ImageNotFoundError",
    "ImageRefusedError",
    "InputError",
    "KeyReusedError",
    "Matches",
    "NotAnImageError",
    "QualityTooLowError",
    "RequestRefusedError",
    "Retry",
    "ServerUnreachableError",
    "ServiceError",
    "StatementError",
    "Submission",
    "TooManyGuessesError",
    "TooManyPixelsError",
    "UnavailableError",
    "UnderageError",
    "UnexpectedAnswerError",
    "UnreadableFileError",
    "UnseenError",
    "fingerprint",
    "fingerprint_views",
    "make_pin",
    "read_case",
    "read_pin",
]
