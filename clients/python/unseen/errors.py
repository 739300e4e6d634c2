"""What can go wrong, as one tree; every error says what happened and, as `hint`, what to do.

UnseenError
├── ImageError                  one image could not be hashed
│   ├── UnreadableFileError     the file cannot be opened or read
│   ├── NotAnImageError         the bytes are in no format that this client decodes
│   ├── BrokenImageError        an image, but truncated or damaged
│   ├── TooManyPixelsError      a decompression bomb, or simply too large
│   └── QualityTooLowError      too flat or too small to be told from other images
├── InputError                  a PIN, case number, hash, key, server or option of the wrong form
│   ├── StatementError          a statement that a case needs is not true
│   └── UnderageError           someone shown is under 18; the hint says where to go instead
├── LocalCopyError              a mirror's folder holds no copy, or is in use
├── ServerUnreachableError      no answer arrived; the request can be repeated safely
└── ServiceError                the service answered, with a problem
    ├── RequestRefusedError     it found the request invalid (see `errors` for where)
    ├── ImageRefusedError       an image is one that the service does not take (see `errors`)
    ├── CaseNotFoundError       unknown case or wrong PIN: the same answer on purpose
    ├── ImageNotFoundError      the case has no image of that number
    ├── KeyReusedError          an idempotency key came back with another body
    ├── TooManyGuessesError     wait `retry_after` seconds before the next PIN
    ├── StartAgainError         a feed's cursor is of another history
    ├── AccessRefusedError      no key, a wrong key, or one without the scope
    ├── UnavailableError        the service cannot answer now
    └── UnexpectedAnswerError   not the answer of an Unseen service
"""

from collections.abc import Sequence
from dataclasses import dataclass


class UnseenError(Exception):
    """The root: `str(error)` says what happened, `error.hint` what to do about it."""

    hint: str = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class ImageError(UnseenError):
    """One image could not be hashed."""


class UnreadableFileError(ImageError):
    """The file cannot be opened or read."""

    hint = "Check the path, and that you are allowed to read the file."


class NotAnImageError(ImageError):
    """The bytes are in no format that this client decodes."""

    hint = "JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF and BMP can be hashed."


class BrokenImageError(ImageError):
    """An image, but truncated or damaged: its hash would not be that of the whole image."""

    hint = "Copy or download the original file again."


class TooManyPixelsError(ImageError):
    """A decompression bomb, or an image too large to hash."""

    hint = "Save a smaller copy of the image and use that."


class QualityTooLowError(ImageError):
    """The image is too flat or too small to be told from others."""

    hint = (
        "Use the original file rather than a small or cropped copy. "
        "A nearly plain image cannot be matched by its hash."
    )


class InputError(UnseenError):
    """A PIN, case number, hash, key, server or option of the wrong form."""


class StatementError(InputError):
    """A statement that a case needs is not true."""


class UnderageError(InputError):
    """Someone shown is under 18: Unseen does not take such images, others can act on them."""

    hint = (
        "For images of someone under 18, use Take It Down (takeitdown.ncmec.org) anywhere in the "
        "world, or in the UK the Internet Watch Foundation's Report Remove (iwf.org.uk)."
    )


class LocalCopyError(UnseenError):
    """A mirror's folder holds no copy, or another process is keeping it in step."""

    hint = "`unseen mirror --folder DIR` makes a copy and keeps it in step."


class ServerUnreachableError(UnseenError):
    """No answer arrived. Every request of this client can be repeated safely."""

    hint = "Check the server's address and your connection, then try again."


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong in a request: where (`images.0.hashes.2.pdq`) and what."""

    at: str
    detail: str


class ServiceError(UnseenError):
    """The service answered with a problem (RFC 9457).

    Attributes: `slug` the last part of the problem's type, `status` the HTTP status,
    `errors` the fields concerned, `retry_after` seconds to wait or None.
    """

    def __init__(
        self,
        message: str,
        *,
        slug: str = "",
        status: int = 0,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.slug = slug
        self.status = status
        self.errors = tuple(errors)
        self.retry_after = retry_after


class RequestRefusedError(ServiceError):
    """The service found the request invalid."""

    hint = "Client and service may be of different versions: try the newest client."


class ImageRefusedError(ServiceError):
    """An image is one that the service does not take; `errors` says which."""

    hint = "Leave that image out and submit the others."


class CaseNotFoundError(ServiceError):
    """Unknown case or wrong PIN; the service gives the same answer to both on purpose."""

    hint = "Check the case number (UN-XXXX-XXXX) and the PIN, letter by letter."


class ImageNotFoundError(ServiceError):
    """The case has no image of that number."""

    hint = "`unseen status CASE` lists the images of the case by number."


class KeyReusedError(ServiceError):
    """An idempotency key came back with another body."""

    hint = "The prepared file was changed after it was first sent: prepare the submission anew."


class TooManyGuessesError(ServiceError):
    """Too many wrong PINs for this case; wait `retry_after` seconds."""

    hint = "Wait, then try once more with the PIN as you noted it down."


class StartAgainError(ServiceError):
    """A feed's cursor is of another history than the service's: it leads nowhere now."""

    hint = "Drop your copy and read the feed from its beginning, without a cursor."


class AccessRefusedError(ServiceError):
    """No key, a wrong or revoked key, or one without the scope that the call needs."""

    hint = "Give the platform's key as --key or UNSEEN_KEY; its operator can issue a new one."


class UnavailableError(ServiceError):
    """The service cannot answer now."""

    hint = "Nothing is lost: try again in a minute."


class UnexpectedAnswerError(ServiceError):
    """The answer is not that of an Unseen service."""

    hint = "Check the server's address: it should be that of an Unseen service."
