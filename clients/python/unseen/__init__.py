"""Hash an intimate image on your own device and have its copies blocked.

Only an image's hashes leave the device, never its pixels. `fingerprint` hashes an image,
`fingerprint_views` also hashes it mirrored and turned, `Client` talks to a service, `Mirror` and
`LocalCopy` keep and search a platform's own copy of the hashes.

A name is imported when it is first used (PEP 562), so that `import unseen` loads neither Pillow,
NumPy nor httpx.
"""

TYPE_CHECKING = False  # for type checkers; importing `typing` would take time
if TYPE_CHECKING:
    from .client import AsyncClient as AsyncClient
    from .client import Client as Client
    from .codes import make_pin as make_pin
    from .codes import read_case as read_case
    from .codes import read_pin as read_pin
    from .errors import AccessRefusedError as AccessRefusedError
    from .errors import BrokenImageError as BrokenImageError
    from .errors import CaseNotFoundError as CaseNotFoundError
    from .errors import FieldError as FieldError
    from .errors import ImageError as ImageError
    from .errors import ImageNotFoundError as ImageNotFoundError
    from .errors import ImageRefusedError as ImageRefusedError
    from .errors import InputError as InputError
    from .errors import KeyInactiveError as KeyInactiveError
    from .errors import KeyReusedError as KeyReusedError
    from .errors import LocalCopyError as LocalCopyError
    from .errors import NotAnImageError as NotAnImageError
    from .errors import QualityTooLowError as QualityTooLowError
    from .errors import RequestRefusedError as RequestRefusedError
    from .errors import ServerUnreachableError as ServerUnreachableError
    from .errors import ServiceError as ServiceError
    from .errors import StartAgainError as StartAgainError
    from .errors import StatementError as StatementError
    from .errors import TooManyGuessesError as TooManyGuessesError
    from .errors import TooManyPixelsError as TooManyPixelsError
    from .errors import UnavailableError as UnavailableError
    from .errors import UnderageError as UnderageError
    from .errors import UnexpectedAnswerError as UnexpectedAnswerError
    from .errors import UnreadableFileError as UnreadableFileError
    from .errors import UnseenError as UnseenError
    from .feed_models import FEEDBACK_VALUES as FEEDBACK_VALUES
    from .feed_models import ActiveHash as ActiveHash
    from .feed_models import Confirmed as Confirmed
    from .feed_models import Feedback as Feedback
    from .feed_models import FeedEntry as FeedEntry
    from .feed_models import FeedPage as FeedPage
    from .feed_models import Tombstone as Tombstone
    from .fingerprints import CONVENTION as CONVENTION
    from .fingerprints import MATCH_DISTANCE as MATCH_DISTANCE
    from .fingerprints import MIN_QUALITY as MIN_QUALITY
    from .fingerprints import Fingerprint as Fingerprint
    from .hashing import fingerprint as fingerprint
    from .hashing import fingerprint_views as fingerprint_views
    from .key_calls import OwnKey as OwnKey
    from .mirror import LocalCopy as LocalCopy
    from .mirror import Mirror as Mirror
    from .mirror import Round as Round
    from .models import Case as Case
    from .models import CaseImage as CaseImage
    from .models import CasePlatform as CasePlatform
    from .models import Hit as Hit
    from .models import Matches as Matches
    from .pixels import MAX_PIXELS as MAX_PIXELS
    from .query_hashes import MAX_QUERY_HASHES as MAX_QUERY_HASHES
    from .query_hashes import query_fingerprints as query_fingerprints
    from .retries import Retry as Retry
    from .submission import Submission as Submission
    from .views import VIEWS as VIEWS

_MODULE_OF = {
    "CONVENTION": "fingerprints",
    "FEEDBACK_VALUES": "feed_models",
    "MATCH_DISTANCE": "fingerprints",
    "MAX_PIXELS": "pixels",
    "MAX_QUERY_HASHES": "query_hashes",
    "MIN_QUALITY": "fingerprints",
    "VIEWS": "views",
    "AccessRefusedError": "errors",
    "ActiveHash": "feed_models",
    "AsyncClient": "client",
    "BrokenImageError": "errors",
    "Case": "models",
    "CaseImage": "models",
    "CaseNotFoundError": "errors",
    "CasePlatform": "models",
    "Client": "client",
    "Confirmed": "feed_models",
    "FeedEntry": "feed_models",
    "FeedPage": "feed_models",
    "Feedback": "feed_models",
    "FieldError": "errors",
    "Fingerprint": "fingerprints",
    "Hit": "models",
    "ImageError": "errors",
    "ImageNotFoundError": "errors",
    "ImageRefusedError": "errors",
    "InputError": "errors",
    "KeyInactiveError": "errors",
    "KeyReusedError": "errors",
    "LocalCopy": "mirror",
    "LocalCopyError": "errors",
    "Matches": "models",
    "Mirror": "mirror",
    "NotAnImageError": "errors",
    "OwnKey": "key_calls",
    "QualityTooLowError": "errors",
    "RequestRefusedError": "errors",
    "Retry": "retries",
    "Round": "mirror",
    "ServerUnreachableError": "errors",
    "ServiceError": "errors",
    "StartAgainError": "errors",
    "StatementError": "errors",
    "Submission": "submission",
    "Tombstone": "feed_models",
    "TooManyGuessesError": "errors",
    "TooManyPixelsError": "errors",
    "UnavailableError": "errors",
    "UnderageError": "errors",
    "UnexpectedAnswerError": "errors",
    "UnreadableFileError": "errors",
    "UnseenError": "errors",
    "fingerprint": "hashing",
    "fingerprint_views": "hashing",
    "make_pin": "codes",
    "query_fingerprints": "query_hashes",
    "read_case": "codes",
    "read_pin": "codes",
}
"""The module of each public name; the imports above repeat it for type checkers."""

if not TYPE_CHECKING:  # type checkers read the imports above; `__getattr__` would allow any name
    __all__ = list(_MODULE_OF)

    def __getattr__(name: str) -> object:
        """Import a public name."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULE_OF})
