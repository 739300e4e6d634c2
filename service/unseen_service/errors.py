"""Everything that can go wrong, without a driver's errors.

ServiceError
├── Refused                  the request cannot be done as it is
│   ├── InvalidRequest       it breaks a rule of the API
│   ├── QualityTooLow        an image is too flat or too small to be hashed reliably
│   ├── DegenerateHash       a hash does not come from a photo, but from a pattern or surface
│   ├── KnownBenign          a hash is close to that of a known-benign image
│   ├── TooSimilar           very many images of a submission are nearly the same
│   ├── WorkRequired         many submissions arrive: a proof of work is needed
│   ├── SubmissionReused     one idempotency key, two different submissions
│   ├── SecondPersonNeeded   a key takes two independent persons
│   ├── IndependentPersonNeeded  a removal takes two persons who hold their own keys
│   └── ReviewChanged        someone else decided on this hash in the meantime
├── NotFound
│   ├── CaseNotFound         no such case, or not with this PIN: deliberately the same
│   ├── NoSuchCase           no such case, for staff
│   ├── ImageNotFound
│   ├── WebhookNotFound
│   ├── KeyNotFound
│   └── ReviewNotFound
├── FeedGone                 a cursor into another change log: start again
├── NotAllowed
│   ├── NotAuthenticated     no key, or not an active one
│   │   └── KeyInactive      not activated by its holder yet, or not approved
│   ├── ScopeMissing         the key may not do this
│   └── KeyPaused            the operator paused it, and ends the pause
├── Retriable                the same request may succeed later
│   ├── BudgetSpent          a key asks more than it may
│   ├── TooManyAtOnce        a key has too many hashes in lookups that are not answered yet
│   ├── TooManyGuesses       wrong PINs for one case, too fast
│   └── Unavailable
│       ├── StoreUnavailable PostgreSQL is unavailable
│       │   ├── CannotWrite  PostgreSQL answers, and cannot write
│       │   └── Busy         it is available, but others hold a lock for too long
│       ├── Overloaded       too many others wait for the same
│       └── StillLoading     index and keys are not loaded yet
└── OperatorError            for the operator, on the command line only
    ├── SettingInvalid
    ├── AddressInvalid       the service cannot listen on this address
    ├── StoreRefused         PostgreSQL refuses, and waiting does not help
    ├── MigrationMismatch    the database is not one that this version can serve
    ├── RoleMissing          the serving role cannot be created by this user
    ├── WitnessMissing       nobody outside has seen the audit log recently
    ├── StateUnexplained     no entry of the audit log explains a part of the database
    └── ChainBroken          the audit log does not fit its digests, or what was signed; also
        │                    over HTTP
        └── CheckpointMissing

The classes that a client can meet carry their problem type (`slug`, `title`) and HTTP status.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

Spot: TypeAlias = tuple[str, str]
"""A place in the request, as a dotted path, and what is wrong there."""


class ServiceError(Exception):
    """The root. Its text is written for the person who reads the answer."""

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500

    @property
    def spots(self) -> Sequence[Spot]:
        """The places in the request that are wrong; empty if it is wrong as a whole."""
        return ()

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that the answer needs."""
        return {}

    @property
    def members(self) -> Mapping[str, Any]:
        """Further members of the problem document."""
        return {}


class Retriable(ServiceError):
    """The same request may succeed after `retry_after` seconds."""

    retry_after: int = 1

    @property
    def headers(self) -> Mapping[str, str]:
        """Retry-After."""
        return {"Retry-After": str(self.retry_after)}


class Refused(ServiceError):
    """The request cannot be done as it is."""

    slug, title, status = "invalid-request", "The request breaks a rule", 422


class InvalidRequest(Refused):
    """The request breaks a rule of the API; `at` says where in it, as a dotted path."""

    def __init__(self, detail: str, at: str | None = None) -> None:
        super().__init__(detail)
        self.at = at

    @property
    def spots(self) -> Sequence[Spot]:
        """The place, if there is one."""
        return [(self.at, str(self))] if self.at else []


class QualityTooLow(Refused):
    """At least one hash is of an image too flat or too small; `at` lists where they are."""

    slug, title = "quality-too-low", "An image has too little detail"

    def __init__(self, at: Sequence[str]) -> None:
        super().__init__(
            "An image has too little detail to be recognised reliably (quality under 50). "
            "Leave it out, or use a larger or sharper copy of it."
        )
        self.at = tuple(at)

    @property
    def spots(self) -> Sequence[Spot]:
        """Each hash of low quality."""
        return [(at, "The quality is under 50.") for at in self.at]


class CropRefused(Refused):
    """At least one hash cannot be that of a crop; `found` says where each is, and why."""

    slug, title = "crop-refused", "A hash of a crop cannot be accepted"

    def __init__(self, found: Sequence[Spot]) -> None:
        super().__init__(
            "A hash of a crop cannot be accepted. Leave it out: the others of its image suffice."
        )
        self._found = tuple(found)

    @property
    def spots(self) -> Sequence[Spot]:
        """Each such hash, with the reason."""
        return self._found


class DegenerateHash(Refused):
    """At least one hash does not come from a photo; `found` says where each is, and why."""

    slug, title = "degenerate-hash", "A hash does not come from a photo"

    def __init__(self, found: Sequence[Spot]) -> None:
        super().__init__(
            "A hash is that of a plain surface or a pattern: it would match other people's "
            "images, or none. Leave that image out, or hash the original file."
        )
        self.found = tuple(found)

    @property
    def spots(self) -> Sequence[Spot]:
        """Each degenerate hash, and why it is."""
        return self.found


class KnownBenign(Refused):
    """At least one hash is close to that of a known-benign image; `at` lists where they are."""

    slug, title = "known-benign", "An image is known to be benign"

    def __init__(self, at: Sequence[str]) -> None:
        super().__init__(
            "An image looks like a known-benign one (a logo, a meme, a stock photo), which "
            "this service does not accept. Leave it out; if it is yours, ask the operator."
        )
        self.at = tuple(at)

    @property
    def spots(self) -> Sequence[Spot]:
        """Each hash that is close to a benign one."""
        return [(at, "It is close to a known-benign image.") for at in self.at]


class TooSimilar(Refused):
    """Very many hashes of a submission are close to one of them; `at` lists such hashes."""

    slug, title = "too-similar", "Too many images are nearly the same"

    def __init__(self, most: int, at: Sequence[str]) -> None:
        super().__init__(
            f"More than {most} of these images are nearly the same. The hash of one finds "
            "near-copies too: leave most of them out, or submit them in several cases."
        )
        self.at = tuple(at)

    @property
    def spots(self) -> Sequence[Spot]:
        """Some of the hashes that have so many close to them."""
        return [(at, "It is nearly the same as very many others here.") for at in self.at]


class WorkRequired(Refused):
    """Many submissions arrive at the moment: answer `challenge`, as docs/intake.md says."""

    slug, title, status = "work-required", "A proof of work is required", 429

    def __init__(self, challenge: str, puzzles: int, target: int) -> None:
        super().__init__(
            "Many submissions are arriving, so each has to be paid for with some computing. "
            "An up-to-date client does this by itself: repeat the request with the header "
            "Unseen-Work, and with the same Idempotency-Key."
        )
        self.challenge, self.puzzles, self.target = challenge, puzzles, target

    @property
    def members(self) -> Mapping[str, Any]:
        """The challenge."""
        work = {"challenge": self.challenge, "puzzles": self.puzzles, "target": self.target}
        return {"work": work}


class SubmissionReused(Refused):
    """An idempotency key came a second time, with another submission behind it."""

    slug, title, status = "idempotency-key-reused", "The Idempotency-Key was used", 409

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for a different submission. "
            "Repeat the first one unchanged, or make a new key for a new case."
        )


class SecondPersonNeeded(Refused):
    """A key that stands for a person or opens the bank takes two persons; `why` says who lacks."""

    slug, title, status = "second-person-needed", "A second person is needed", 409

    def __init__(self, why: str) -> None:
        super().__init__(why)


class ReviewChanged(Refused):
    """Someone else decided on the hash since the caller looked at it."""

    slug, title, status = "review-changed", "Someone else was faster", 409

    def __init__(self, decision: str | None) -> None:
        now = f"the decision now is '{decision}'" if decision else "it waits for a decision"
        super().__init__(
            f"This hash is not as you saw it: {now}. Look at it again; to change a decision, "
            "name it in 'instead_of'."
        )


class IndependentPersonNeeded(Refused):
    """One person may hold the keys of both who are to decide together."""

    slug, title, status = "independent-person-needed", "Another person is needed", 409

    def __init__(self, why: str) -> None:
        super().__init__(
            "This takes two persons who surely hold their own keys. "
            f"{why} Someone else with the scope 'admin' can confirm what was proposed."
        )


class NotFound(ServiceError):
    """What was asked for does not exist."""

    slug, title, status = "not-found", "Not found", 404


class CaseNotFound(NotFound):
    """No such case, or not with this PIN: one answer, so that case numbers cannot be probed."""

    slug, title = "case-not-found", "No such case"

    def __init__(self) -> None:
        super().__init__(
            "There is no case with this number and this PIN. "
            "Check both; they are not case-sensitive, and the hyphens do not matter."
        )


class NoSuchCase(NotFound):
    """No case has this number; for staff, who ask without a PIN."""

    slug, title = "case-not-found", "No such case"

    def __init__(self) -> None:
        super().__init__("There is no case with this number; it looks like UN-7K4M-9QTX.")


class ImageNotFound(NotFound):
    """The case has no image with this number."""

    slug, title = "image-not-found", "No such image"

    def __init__(self, images: int) -> None:
        super().__init__(f"This case has images 1 to {images}; name one of them.")


class WebhookNotFound(NotFound):
    """The platform has no such webhook."""

    slug, title = "webhook-not-found", "No such webhook"

    def __init__(self) -> None:
        super().__init__("You have no webhook with this ID; GET /v1/webhooks lists yours.")


class KeyNotFound(NotFound):
    """No such key, or not one that this can be done to; `why` completes "Key 7 …"."""

    slug, title = "key-not-found", "No such key"

    def __init__(self, key_id: int, why: str) -> None:
        super().__init__(
            f"Key {key_id} {why}; GET /v1/keys or 'unseen-service keys list' shows the keys."
        )


class ReviewNotFound(NotFound):
    """No hash with this record is, or was, in the review queue."""

    slug, title = "review-not-found", "No such review"

    def __init__(self) -> None:
        super().__init__(
            "No hash with this record is in the review queue, or its bits were erased since. "
            "GET /v1/review shows the queue."
        )


class FeedGone(ServiceError):
    """A cursor of another change log, or from beyond its end: the database is not the same.

    Also one that leaves out a part of the log, if the platform has left out very many.
    """

    slug, title, status = "start-again", "The cursor belongs to another change log", 410

    def __init__(self) -> None:
        super().__init__(
            "This cursor belongs to another change log than the service has now. "
            "Drop your copy and start again without a cursor."
        )


class NotAllowed(ServiceError):
    """The caller may not do this."""

    slug, title, status = "not-allowed", "Not allowed", 403


class NotAuthenticated(NotAllowed):
    """No key, or not an active one; `how` says how a key is sent here."""

    slug, title, status = "not-authenticated", "A key is needed", 401

    def __init__(self, how: str = "'Authorization: Bearer <key>'") -> None:
        super().__init__(
            f"This call needs an active key: send {how}. The service's operator issues keys."
        )

    @property
    def headers(self) -> Mapping[str, str]:
        """The scheme to authenticate with."""
        return {"WWW-Authenticate": "Bearer"}


class KeyInactive(NotAuthenticated):
    """The key is registered, but not active yet; `why` says what is missing."""

    slug, title = "key-inactive", "The key is not active yet"

    def __init__(self, why: str) -> None:
        NotAllowed.__init__(self, f"This key is registered, but not active yet: {why}.")


class ScopeMissing(NotAllowed):
    """The key is active, but not for this."""

    slug, title = "scope-missing", "The key may not do this"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This key lacks the scope '{scope}'; ask the service's operator for it.")


class KeyPaused(NotAllowed):
    """The key is paused by the operator."""

    slug, title = "key-paused", "The key is paused"

    def __init__(self) -> None:
        super().__init__(
            "The service's operator paused this key. Ask the operator why, and to resume it."
        )


class BudgetSpent(Retriable):
    """A key has used what it may use per minute; there is room again in `retry_after` seconds."""

    slug, title, status = "budget-spent", "The key has spent its budget", 429

    def __init__(self, what: str, capacity: int, wait: float) -> None:
        super().__init__(
            f"This key may send {capacity} {what} per minute, and has done so. Wait as Retry-After "
            "says, or ask the service's operator for more."
        )
        self.retry_after = math.ceil(wait) or 1


class TooManyAtOnce(Retriable):
    """A key has more hashes in lookups that are not answered yet than one may have at a time."""

    slug, title, status = "too-many-at-once", "Too many hashes at once", 429

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"Lookups with {limit} hashes of this key may be under way at once, and are. Wait for "
            "an answer before you send the next large lookup, or send smaller ones."
        )


class TooManyGuesses(Retriable):
    """Wrong PINs for one case arrive faster than a person types; the right one still works."""

    slug, title, status = "too-many-guesses", "Too many wrong PINs", 429
    retry_after = 5

    def __init__(self) -> None:
        super().__init__("Too many wrong PINs were tried for this case. Wait a little, try again.")


class Unavailable(Retriable):
    """The request cannot be answered now; the same one may succeed later."""

    slug, title, status = "unavailable", "Not now", 503


class StoreUnavailable(Unavailable):
    """PostgreSQL is unavailable, or too busy to answer in time.

    `why` is for the operator, and names no address, user or password: it may be logged.
    """

    def __init__(
        self,
        why: str = "it does not respond",
        detail: str = "The database is unavailable. Nothing was lost; try again shortly.",
    ) -> None:
        super().__init__(detail)
        self.why = why


class HashesUnreadable(StoreUnavailable):
    """This host cannot open the hashes in the database, and waiting does not help.

    It lacks their key, or somebody altered the table that says which one that is.
    """

    def __init__(self, why: str) -> None:
        super().__init__(
            why, "The service cannot read its database at the moment. Nothing was lost; try again."
        )


class CannotWrite(StoreUnavailable):
    """PostgreSQL answers, and cannot write: its disk is full, or another session holds a lock."""

    slug = "cannot-write"

    def __init__(self, why: str) -> None:
        super().__init__(
            why, "The service cannot store anything at the moment. Nothing was lost; try again."
        )


class Overloaded(Unavailable):
    """Too many callers wait for the same scarce work already."""

    retry_after = 3

    def __init__(self) -> None:
        super().__init__(
            "Too many people are asking at the moment. Nothing was lost; try again in a few "
            "seconds."
        )


class Busy(StoreUnavailable):
    """PostgreSQL is available, but a lock that others hold was not granted in time."""

    slug, title = "busy", "Busy at the moment"

    def __init__(self) -> None:
        super().__init__("it is busy: a lock was not granted in time")
        self.args = (
            "The service is busy with other requests that write. Nothing was lost; try the same "
            "request again shortly.",
        )


class StillLoading(Unavailable):
    """Index and keys are not loaded yet, so no lookup can be answered."""

    def __init__(self) -> None:
        super().__init__("The service is starting and cannot answer yet; try again shortly.")


class OperatorError(ServiceError):
    """Something for the operator to fix; reported on the command line, not over HTTP."""


class SettingInvalid(OperatorError):
    """A setting in the environment cannot be used."""


class AddressInvalid(OperatorError):
    """The service cannot listen on this address."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(
            f"Cannot listen on port {port} of {host}: {why}. "
            "Choose another with --port or --host, or stop the process that uses it."
        )


class StoreRefused(OperatorError):
    """PostgreSQL refuses the connection, or cannot be served from: waiting does not help."""


class MigrationMismatch(OperatorError):
    """The database's ledger of migrations is not a prefix of this version's."""


class OlderWorkers(OperatorError):
    """Workers of an older version may be connected, which cannot read what is encrypted."""

    def __init__(self, sessions: Sequence[int]) -> None:
        super().__init__(
            "Workers of an older version may be connected, which cannot read an encrypted "
            f"database: PostgreSQL's processes {', '.join(map(str, sessions[:5]))} serve sessions "
            "without a name of ours. Stop those workers and run this again. If the sessions are of "
            "another program, add --older-workers-stopped."
        )


class KeyNotShared(OperatorError):
    """Another host is connected, and cannot have a key that is only made now."""

    def __init__(self, file: str, prepare: str) -> None:
        super().__init__(
            "Another host serves this database, and needs the new key before it is used. Run "
            f"'{prepare}', copy {file} to every host, and then run 'unseen-service encrypt'."
        )


class HashesAltered(OperatorError):
    """Somebody altered hashes or PINs in the database, so that they are not sealed again."""

    def __init__(self) -> None:
        super().__init__(
            "Hashes or PINs were altered in the database, so that they are not sealed again. They "
            "match nothing; 'unseen-service audit verify' names the first. All others are sealed."
        )


class RoleMissing(OperatorError):
    """The serving role does not exist, and this database user may not create it."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"The database has no role '{role}' that this user may take on and grant rights to. "
            f"Let an administrator of the server run: CREATE ROLE {role} NOLOGIN; "
            f"GRANT {role} TO <the user of DATABASE_URL>; and migrate as the user that owns the "
            "tables (UNSEEN_MIGRATE_URL)."
        )


class StateUnexplained(OperatorError):
    """The audit log fits, and the database holds something else than it explains: `what`."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"the audit log fits, but not the database: {what}: {why}. Someone changed the"
            " database without the service. Keep a dump of it, and compare it with a backup."
        )
        self.what = what


class WitnessMissing(OperatorError):
    """Checkpoints are overdue, or a witness is silent: nobody outside would notice a rewrite."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the audit log is not witnessed: {why}")


class ChainBroken(OperatorError):
    """The audit log does not fit its digests; `position` is the first entry that does not.

    Clients meet it too, if they ask for a checkpoint or an export.
    """

    slug, title = "audit-broken", "The audit log does not fit"

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"audit entry {position} does not fit: {why}")
        self.position = position


class CheckpointMissing(ChainBroken):
    """There is a log, and no checkpoint of it outside the database."""

    def __init__(self, path: str) -> None:
        ServiceError.__init__(
            self,
            f"the last checkpoint of the audit log is missing: there is no {path}, so nothing here"
            " tells whether the log was rewritten. Put the file back. If it is lost, compare the"
            " log with a witness's checkpoint ('audit verify --checkpoint'), and then accept it as"
            " it is: 'unseen-service audit accept --reason WHY'.",
        )
        self.position = 1
