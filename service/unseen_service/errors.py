"""Everything that can go wrong, as the flows see it: no HTTP here, no driver's errors.

ServiceError
├── Refused                  what was asked cannot be done as asked
│   ├── InvalidRequest       it breaks a rule of the API
│   ├── QualityTooLow        an image is too flat or small to be hashed reliably
│   ├── DegenerateHash       a hash is of a pattern or of nothing, not of a picture
│   ├── KnownBenign          a hash is close to one of a well-known harmless picture
│   ├── WorkRequired         much is being submitted: a proof of work is needed
│   ├── SubmissionReused     one idempotency key, two different submissions
│   ├── SecondPersonNeeded   who asked for a key cannot approve it
│   └── ReviewChanged        another decided on this hash meanwhile
├── NotFound
│   ├── CaseNotFound         no such case, or not with this PIN: on purpose the same
│   ├── ImageNotFound        the case has no image with this number
│   ├── NoSuchCase           as staff are told it: there is no PIN in their question
│   ├── WebhookNotFound      the platform has no such webhook
│   ├── KeyNotFound          no key of this number can have that done to it
│   └── ReviewNotFound       no hash of this record was ever in the review queue, or is erased
├── FeedGone                 a cursor into a change log that is not this one: start again
├── NotAllowed
│   ├── NotAuthenticated     no key, or not one that is in force
│   ├── ScopeMissing         the key may not do this
│   └── KeyPaused            its look-ups were like probing; the operator ends it
├── BudgetSpent              a key asks more than it may
├── TooManyGuesses           wrong PINs for one case, too fast
├── Unavailable              for now; the same request may succeed later
│   ├── StoreUnavailable     PostgreSQL is away
│   └── StillLoading         index and keys are not loaded yet
└── OperatorError            for who runs the service: told on the command line
    ├── SettingInvalid
    ├── AddressInvalid       it cannot be served on this address
    ├── StoreRefused         PostgreSQL is there and refuses: waiting does not mend it
    ├── MigrationMismatch    the database is not one that this version can serve
    ├── RoleMissing          the role that serves cannot be made by this user
    └── ChainBroken          the audit log does not fit its digests, or what was signed
"""

import math
from collections.abc import Sequence


class ServiceError(Exception):
    """The root: its text is written for the person who reads the answer."""


class Refused(ServiceError):
    """What was asked cannot be done as asked."""


class InvalidRequest(Refused):
    """The request breaks a rule of the API; `at` says where in it, as a dotted path."""

    def __init__(self, detail: str, at: str | None = None) -> None:
        super().__init__(detail)
        self.at = at


class QualityTooLow(Refused):
    """At least one hash is of a picture too flat or too small; `at` lists where they are."""

    def __init__(self, at: list[str]) -> None:
        super().__init__(
            "An image has too little detail to be recognised reliably (quality under 50). "
            "Leave it out, or use a larger or sharper copy of it."
        )
        self.at = at


class DegenerateHash(Refused):
    """At least one hash is not of a picture; `spots` says of each where it is, and why."""

    def __init__(self, spots: Sequence[tuple[str, str]]) -> None:
        super().__init__(
            "A hash is that of a plain surface or a pattern: it would match other people's "
            "pictures, or none. Leave that image out, or hash the original file."
        )
        self.spots = tuple(spots)


class KnownBenign(Refused):
    """At least one hash is close to a well-known harmless picture's; `at` lists where they are."""

    def __init__(self, at: list[str]) -> None:
        super().__init__(
            "An image looks like a well-known harmless one (a logo, a meme, a stock photo), which "
            "this service does not take. Leave it out; if it is yours, ask the service's operator."
        )
        self.at = at


class WorkRequired(Refused):
    """Much is being submitted at the moment: answer `challenge`, as docs/intake.md says."""

    def __init__(self, challenge: str, puzzles: int, target: int) -> None:
        super().__init__(
            "Many submissions are arriving, so each has to be paid for with some computing. "
            "An up-to-date client does this by itself: repeat the request with the header "
            "Unseen-Work, and with the same Idempotency-Key."
        )
        self.challenge, self.puzzles, self.target = challenge, puzzles, target


class SubmissionReused(Refused):
    """An idempotency key came a second time, with another submission behind it."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for a different submission. "
            "Repeat the first one unchanged, or make a new key for a new case."
        )


class SecondPersonNeeded(Refused):
    """A key for all hashes, or for giving keys, is approved by another than who asked for it."""

    def __init__(self) -> None:
        super().__init__(
            "This key has to be approved by another person than the one who issued it: "
            "with another admin key, or 'unseen-service keys approve ID --by NAME'."
        )


class ReviewChanged(Refused):
    """Another decided on the hash since whoever decides now has looked."""

    def __init__(self, decision: str | None) -> None:
        now = f"'{decision}' was decided" if decision else "it waits for a decision"
        super().__init__(
            f"This hash is not as you saw it: {now}. Look at it again; to change a decision, "
            "name it in 'instead_of'."
        )


class NotFound(ServiceError):
    """What was asked for is not here."""


class CaseNotFound(NotFound):
    """No such case, or not with this PIN: one answer, so that case numbers cannot be probed."""

    def __init__(self) -> None:
        super().__init__(
            "There is no case with this number and this PIN. "
            "Check both; they are not case-sensitive, and the hyphens do not matter."
        )


class WebhookNotFound(NotFound):
    """The platform has no such webhook."""

    def __init__(self) -> None:
        super().__init__("You have no webhook of this name; GET /v1/webhooks lists those you have.")


class ImageNotFound(NotFound):
    """The case has no image with this number."""

    def __init__(self, images: int) -> None:
        super().__init__(f"This case has images 1 to {images}; name one of them.")


class NoSuchCase(NotFound):
    """No case has this number; for staff, who ask without a PIN."""

    def __init__(self) -> None:
        super().__init__("There is no case with this number; it looks like UN-7K4M-9QTX.")


class KeyNotFound(NotFound):
    """No key of this number, or not one that this can be done to."""

    def __init__(self, key_id: int, state: str) -> None:
        super().__init__(
            f"No key {key_id} is {state}; GET /v1/keys or 'unseen-service keys list' shows them."
        )


class ReviewNotFound(NotFound):
    """No hash of this record is, or was, in the review queue."""

    def __init__(self) -> None:
        super().__init__(
            "No hash of this record is in the review queue, or its bits were erased since. "
            "GET /v1/review shows what is."
        )


class FeedGone(ServiceError):
    """A cursor of another change log, or from beyond its end: the database is not the same."""

    def __init__(self) -> None:
        super().__init__(
            "This cursor belongs to another history than this service has now. "
            "Drop your copy and start again without a cursor."
        )


class NotAllowed(ServiceError):
    """Who asks may not."""


class NotAuthenticated(NotAllowed):
    """No key, or not one that is in force; `how` says how a key is sent here."""

    def __init__(self, how: str = "'Authorization: Bearer <key>'") -> None:
        super().__init__(
            f"This call needs a key that is in force: send {how}. "
            "The service's operator issues keys."
        )


class ScopeMissing(NotAllowed):
    """The key is in force, but not for this."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This key lacks the scope '{scope}'; ask the service's operator for it.")


class KeyPaused(NotAllowed):
    """The key is in force but paused, by its look-ups or by the operator."""

    def __init__(self) -> None:
        super().__init__(
            "This key is paused: it asked about very many slightly different hashes, as one does "
            "to find out what is kept, or the operator paused it. Ask the service's operator."
        )


class BudgetSpent(ServiceError):
    """A key has spent what it may a minute; there is room again in `retry_after` seconds."""

    def __init__(self, what: str, capacity: int, wait: float) -> None:
        super().__init__(
            f"This key may send {capacity} {what} a minute, and has. Wait as Retry-After says, "
            "or ask the service's operator for more."
        )
        self.retry_after = math.ceil(wait) or 1


class TooManyGuesses(ServiceError):
    """Wrong PINs for one case came faster than a person types; the right one is still taken."""

    retry_after = 5

    def __init__(self) -> None:
        super().__init__("Too many wrong PINs were tried for this case. Wait a little, try again.")


class Unavailable(ServiceError):
    """It cannot be answered now; the same request may succeed after `retry_after` seconds."""

    retry_after = 1


class StoreUnavailable(Unavailable):
    """PostgreSQL is away, or too busy to answer in time.

    `why` is for the operator alone, and says nothing of the address, the user or the password.
    """

    def __init__(self, why: str = "it does not answer") -> None:
        super().__init__("The service's database is away. Nothing was lost; try again shortly.")
        self.why = why


class StillLoading(Unavailable):
    """Index and keys are not loaded yet, so no look-up can be answered."""

    def __init__(self) -> None:
        super().__init__("The service is starting and cannot answer yet; try again shortly.")


class OperatorError(ServiceError):
    """Something for the operator to mend; told on the command line, never over HTTP."""


class SettingInvalid(OperatorError):
    """A setting in the environment cannot be read."""


class AddressInvalid(OperatorError):
    """The address to serve on is not to be had."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(
            f"Port {port} of {host} cannot be served on: {why}. "
            "Choose another with --port or --host, or end who holds it."
        )


class StoreRefused(OperatorError):
    """PostgreSQL is there and refuses who asks, or cannot be served from: nothing mends itself."""


class MigrationMismatch(OperatorError):
    """The database's ledger of migrations is not a beginning of this version's own."""


class RoleMissing(OperatorError):
    """The role that serves is not there, and this database user may not make it."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"The database has no role '{role}' that this user may take on and grant rights to. "
            f"Let an administrator of the server run: CREATE ROLE {role} NOLOGIN; "
            f"GRANT {role} TO <the user of DATABASE_URL>; and migrate as the user that owns the "
            "tables (UNSEEN_MIGRATE_URL)."
        )


class ChainBroken(OperatorError):
    """The audit log does not fit its digests; `position` is the first entry that does not."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"audit entry {position} does not fit: {why}")
        self.position = position
