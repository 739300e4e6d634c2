"""Hash an intimate image on your own device and have its copies blocked.

Only 256 bits of an image leave the device, never its pixels. `fingerprint` hashes an image,
`fingerprint_views` hashes it mirrored and turned too, `Client` talks to a service, `Mirror` and
`LocalCopy` keep and search a platform's own copy of the hashes.
"""

TYPE_CHECKING = False  # as typing has it, which would take its time to load
if TYPE_CHECKING:
    from .changes import (
        FEEDBACK_VALUES,
        ActiveHash,
        Confirmed,
        Feedback,
        FeedEntry,
        FeedPage,
        Tombstone,
    )
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
        LocalCopyError,
        NotAnImageError,
        QualityTooLowError,
        RequestRefusedError,
        ServerUnreachableError,
        ServiceError,
        StartAgainError,
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
    from .mirror import LocalCopy, Mirror, Round
    from .models import Case, CaseImage, CasePlatform, Hit, Matches
    from .pixels import CONVENTION, MAX_PIXELS
    from .submission import Submission
    from .views import VIEWS, fingerprint_views

__all__ = [
    "CONVENTION",
    "FEEDBACK_VALUES",
    "MATCH_DISTANCE",
    "MAX_PIXELS",
    "MIN_QUALITY",
    "VIEWS",
    "AccessRefusedError",
    "ActiveHash",
    "AsyncClient",
    "BrokenImageError",
    "Case",
    "CaseImage",
    "CaseNotFoundError",
    "CasePlatform",
    "Client",
    "Confirmed",
    "FeedEntry",
    "FeedPage",
    "Feedback",
    "FieldError",
    "Fingerprint",
    "Hit",
    "ImageError",
    "ImageNotFoundError",
    "ImageRefusedError",
    "InputError",
    "KeyReusedError",
    "LocalCopy",
    "LocalCopyError",
    "Matches",
    "Mirror",
    "NotAnImageError",
    "QualityTooLowError",
    "RequestRefusedError",
    "Retry",
    "Round",
    "ServerUnreachableError",
    "ServiceError",
    "StartAgainError",
    "StatementError",
    "Submission",
    "Tombstone",
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

_MODULES = (
    *("changes", "client", "codes", "errors", "exchange", "hashing", "mirror", "models"),
    *("pixels", "submission", "views"),
)


if not TYPE_CHECKING:  # which would take any name to be here

    def __getattr__(name: str) -> object:
        """Import a name when it is first used (PEP 562).

        So the `unseen` command begins before Pillow and NumPy are loaded, and can answer a Ctrl-C
        while they are.
        """
        from importlib import import_module  # noqa: PLC0415

        for module in _MODULES if name in __all__ else ():
            found = vars(import_module(f".{module}", __name__)).get(name)
            if found is not None:
                globals()[name] = found
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
