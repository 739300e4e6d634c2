"""The errors, as one tree; each says what happened and, as `hint`, what to do about it.

UnseenError
├── ImageError                  one image could not be hashed
│   ├── UnreadableFileError     the file cannot be opened or read
│   ├── NotAnImageError         the bytes are in no format that this client decodes
│   ├── BrokenImageError        an image, but truncated or damaged
│   ├── TooManyPixelsError      a decompression bomb, or too large to hash
│   └── QualityTooLowError      too flat or too small to be distinguished
├── InputError                  a PIN, case number, hash, key, server or option is malformed
│   ├── StatementError          a statement that a case requires is not true
│   └── UnderageError           someone shown is under 18; the hint says where to go instead
├── LocalCopyError              a mirror's folder contains no copy, or is in use
├── ServerUnreachableError      no answer arrived; the request can be repeated safely
└── ServiceError                the service responded with a problem
    ├── RequestRefusedError     it found the request invalid (see `errors` for where)
    ├── ImageRefusedError       the service does not accept one of the images (see `errors`)
    ├── CaseNotFoundError       unknown case or wrong PIN: one response on purpose
    ├── ImageNotFoundError      the case has no image with that number
    ├── KeyReusedError          an idempotency key was sent with another body
    ├── TooManyGuessesError     wait `retry_after` seconds before the next PIN
    ├── StartAgainError         a feed cursor belongs to another change log
    ├── AccessRefusedError      no key, a wrong key, or one without the scope
    │   └── KeyInactiveError    the key was not activated or not approved yet
    ├── UnavailableError        the service cannot answer now
    └── UnexpectedAnswerError   the response is not that of an Unseen service
"""

from collections.abc import Sequence
from dataclasses import dataclass


class UnseenError(Exception):
    """The base class: `str(error)` says what happened, `error.hint` what to do about it."""

    hint: str = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class ImageError(UnseenError):
    """One image could not be hashed."""


class UnreadableFileError(ImageError):
    """The file cannot be opened or read."""

    hint = "Check the path, and whether you have permission to read the file."


class NotAnImageError(ImageError):
    """The bytes are in no format that this client decodes."""

    hint = "JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF and BMP can be hashed."


class BrokenImageError(ImageError):
    """The image is truncated or damaged, so its hash would not be that of the whole image."""

    hint = "Copy or download the original file again."


class TooManyPixelsError(ImageError):
    """The image is a decompression bomb, or too large to hash."""

    hint = "Save a smaller copy of the image and use that."


class QualityTooLowError(ImageError):
    """The image is too flat or too small to be distinguished from others."""

    hint = (
        "Use the original file rather than a small or cropped copy. "
        "A nearly uniform image cannot be matched by its hash."
    )


class InputError(UnseenError):
    """A PIN, case number, hash, key, server or option is malformed."""


class StatementError(InputError):
    """A statement that a case requires is not true."""


class UnderageError(InputError):
    """Someone shown is under 18: Unseen cannot accept such images, but others can act on them."""

    hint = (
        "For images of someone under 18, use Take It Down (takeitdown.ncmec.org) anywhere in the "
        "world, or in the UK the Internet Watch Foundation's Report Remove (iwf.org.uk)."
    )


class LocalCopyError(UnseenError):
    """A mirror's folder contains no copy, or another process is updating it."""

    hint = "`unseen mirror --folder DIR` creates a copy and keeps it up to date."


class ServerUnreachableError(UnseenError):
    """No response arrived. Every request of this client can be repeated safely."""

    hint = "Check the server's address and your connection, then try again."


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid field of a request: where (`images.0.hashes.2.pdq`) and what is wrong."""

    at: str
    detail: str


class ServiceError(UnseenError):
    """The service responded with a problem (RFC 9457).

    Attributes: `slug`, the last part of the problem's type; `status`, the HTTP status; `errors`,
    the invalid fields; `retry_after`, the seconds to wait, or None.
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

    hint = "Client and service may be different versions: update the client."


class ImageRefusedError(ServiceError):
    """The service does not accept one of the images; `errors` says which."""

    hint = "Leave that image out and submit the others."


class CaseNotFoundError(ServiceError):
    """Unknown case or wrong PIN; the service gives the same response to both on purpose."""

    hint = "Check the case number (UN-XXXX-XXXX) and the PIN, letter by letter."


class ImageNotFoundError(ServiceError):
    """The case has no image with that number."""

    hint = "`unseen status CASE` lists the images of the case by number."


class KeyReusedError(ServiceError):
    """An idempotency key was sent with another body."""

    hint = "The prepared file was changed after it was first sent: prepare a new submission."


class TooManyGuessesError(ServiceError):
    """Too many wrong PINs for this case; wait `retry_after` seconds."""

    hint = "Wait, then try once more with the PIN as you noted it down."


class StartAgainError(ServiceError):
    """A feed cursor belongs to another change log than the service's, and is no longer valid."""

    hint = "Discard your copy and read the feed from its beginning, without a cursor."


class AccessRefusedError(ServiceError):
    """No key, a wrong or revoked key, or one without the scope that the call requires."""

    hint = (
        "Give the platform's key with --key-file or in UNSEEN_KEY; the operator can issue a new "
        "one."
    )


class KeyInactiveError(AccessRefusedError):
    """The key is registered, but its holder has not activated it, or nobody has approved it yet."""

    hint = "`unseen key show` tells how far it is."


class UnavailableError(ServiceError):
    """The service cannot answer now."""

    hint = "Nothing is lost: try again in a minute."


class UnexpectedAnswerError(ServiceError):
    """The response is not that of an Unseen service."""

    hint = "Check that the server's address is that of an Unseen service."
