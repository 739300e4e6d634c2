"""What the floors hand to each other: frozen values, no behaviour to speak of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

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


class Scope(StrEnum):
    """What a key may do."""

    MATCH = "match"
    FEED = "feed"
    FEEDBACK = "feedback"
    SUBMIT = "submit"
    AUDIT = "audit"
    ADMIN = "admin"


class KeyStatus(StrEnum):
    """What a key is: only one in force opens anything."""

    IN_FORCE = "in-force"
    PENDING = "pending"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ChangeKind(StrEnum):
    """What the change log says of a hash."""

    ADD = "add"
    REMOVE = "remove"
    STANDING = "standing"
    FEEDBACK = "feedback"


class Opinion(StrEnum):
    """What a platform says of a hash."""

    PENDING_REVIEW = "pending-review"
    REMOVED = "removed"
    NOT_REMOVED = "not-removed"
    NOT_INTIMATE = "not-intimate"


class WebhookEvent(StrEnum):
    """What a webhook tells of."""

    ADDED = "hash.added"
    WITHDRAWN = "hash.withdrawn"
    STANDING = "hash.standing"
    TEST = "webhook.test"


class Cause(StrEnum):
    """Why a hash is in the staff's queue; one that is only found often is matched meanwhile."""

    OVER_MATCHING = "over-matching"
    NOT_INTIMATE = "not-intimate"
    OFTEN_FOUND = "often-found"


class Decision(StrEnum):
    """What staff make of a hash in the queue.

    `release` gives it back the standing that it had, `keep` confirms it, `remove` puts its bits
    out of reach whoever submits them, until staff decide otherwise.
    """

    RELEASE = "release"
    KEEP = "keep"
    REMOVE = "remove"


class FeedStatus(StrEnum):
    """What the feed says of a hash: whoever mirrors it keeps those that are active."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class SubmittedHash:
    """One hash of one view of an image, as the device made it."""

    pdq: bytes = field(repr=False)
    quality: int
    view: View


@dataclass(frozen=True, slots=True)
class SubmittedImage:
    """One image: its hashes, and the pixel convention that they were made under."""

    hashes: tuple[SubmittedHash, ...]
    convention: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person sends: images and the PIN that their device made (normalised)."""

    images: tuple[SubmittedImage, ...]
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseSecret:
    """What is kept of a PIN, and the case that it opens."""

    case_id: int
    audit_ref: UUID
    pin_salt: bytes = field(repr=False)
    pin_digest: bytes = field(repr=False)
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """One image of a case, as its owner sees it."""

    number: int
    hashes: int
    matches: int
    last_match_at: datetime | None
    under_review: bool
    declined: bool
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlatformStatus:
    """What one platform was handed, found and said of a case."""

    platform: str
    matches: int
    first_match_at: datetime | None
    last_match_at: datetime | None
    delivered_at: datetime | None
    feedback: Opinion | None
    removed_at: datetime | None
    withdrawal_confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Case:
    """One person's takedown request, as they see it."""

    number: str
    submitted_at: datetime
    withdrawn_at: datetime | None
    images: tuple[ImageStatus, ...]
    platforms: tuple[PlatformStatus, ...]


TWO_PERSONS = frozenset({Scope.FEED, Scope.ADMIN})
"""The scopes that a second person must approve: all hashes at once, and the giving of keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """A platform's key: what it may do and since when; the key itself is kept nowhere.

    `line` is the first of the keys that were rotated into this one: one line, one holder.
    """

    id: int
    line: int
    platform_id: int
    platform: str
    digest: bytes = field(repr=False)
    scopes: frozenset[Scope]
    note: str
    created_at: datetime
    issued_by: str
    approved_at: datetime | None
    approved_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None

    def status(self, now: datetime) -> KeyStatus:
        """Say what it is at this moment."""
        if self.revoked_at is not None:
            return KeyStatus.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyStatus.EXPIRED
        return KeyStatus.PENDING if self.approved_at is None else KeyStatus.IN_FORCE


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is asked for: who for, what for, until when, and a note of who asked."""

    platform: str
    scopes: frozenset[Scope]
    note: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, to be shown once; it is in force, or pending."""

    id: int
    key: str = field(repr=False)
    status: KeyStatus


@dataclass(frozen=True, slots=True)
class Staff:
    """Who does something to the service: `actor` as the audit log names them.

    `person` tells whether two acts are one person's; `key` is what they came with, if any, and
    `account` whose process it was, where they used the command line.
    """

    actor: str
    person: str
    key: int | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log; `pdq` is None where the hash may not be matched now."""

    position: int
    at: datetime
    kind: ChangeKind
    hash_id: int
    pdq: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConfirmedHash:
    """A candidate of the index that the store says may be matched."""

    id: int
    record: UUID
    view: View
    standing: Standing


@dataclass(frozen=True, slots=True)
class Hit:
    """One stored hash within reach of one query of a look-up."""

    query: int
    record: UUID
    distance: int
    view: View
    standing: Standing


@dataclass(frozen=True, slots=True)
class Matched:
    """The answer to a look-up: its hits, and how far along the change log it was made."""

    generation: int
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one platform (`source`) says of one hash; no value where it only gives tags."""

    source: str
    value: Opinion | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GivenFeedback:
    """What a platform says of a hash now; without a value it only changes the tags."""

    value: Opinion | None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Overdue:
    """Something that a platform has owed an answer to since a moment."""

    what: str
    platform: str
    record: UUID
    since: datetime
    feedback: str | None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a platform is told of changes, of which, and how that fares."""

    id: int
    ref: UUID
    url: str = field(repr=False)
    events: tuple[WebhookEvent, ...]
    created_at: datetime
    delivered: int
    delivered_at: datetime | None
    waiting: int
    given_up: int


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message in hand: what is sent, where, signed with what, and the how-manieth attempt."""

    id: int
    ref: UUID
    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A message that did not arrive."""

    ref: UUID
    event: WebhookEvent
    created_at: datetime
    attempts: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class Review:
    """One hash in the staff's queue: why, what they have to go by, and what they decided.

    `evidence` holds the counts that put it there; `opinions` which platforms say what of it now.
    """

    record: UUID
    standing: Standing
    cause: Cause
    evidence: Mapping[str, int]
    opened_at: datetime
    decision: Decision | None
    decided_at: datetime | None
    decided_by: str | None
    why: str | None
    images: int
    opinions: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a decision on a hash depends on; `held`: an image that is not withdrawn shows it."""

    hash_id: int
    record: UUID
    before: Standing
    decision: Decision | None
    active: bool
    held: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a hash found in a day: how often, and how many different uploads.

    `shared` are those without the platform that has most of them.
    """

    hash_id: int
    finds: int
    uploads: int
    shared: int
    platforms: int


@dataclass(frozen=True, slots=True)
class Usual:
    """What 99 of 100 hashes that are found in a day do not exceed."""

    finds: int
    uploads: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """What happened in an hour or a day: new cases, images, look-ups by hash."""

    at: datetime
    cases: int
    images: int
    withdrawn: int
    matched: int
    missed: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is measured of the database as a whole: how far its logs are, sizes, queues.

    `gone_with_bits` are withdrawn hashes whose bits are not erased yet.
    """

    changes: int
    audit_entries: int
    database_bytes: int
    webhooks_waiting: int
    webhooks_oldest_s: float
    webhooks_given_up: int
    overdue: int
    open_reviews: int
    paused_keys: int
    gone_with_bits: int


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One hash as it is now, told of at the position of its last change.

    `pdq` is None once the bits are erased; the view, quality and convention are None where no
    case holds it, the quality also where nobody said it.
    """

    position: int
    at: datetime
    record: UUID
    status: FeedStatus
    standing: Standing
    pdq: bytes | None = field(repr=False)
    view: View | None
    quality: int | None
    convention: str | None
    feedback: tuple[Feedback, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a reader has read a change log: which log, which position, the mark there."""

    log: UUID
    position: int
    mark: int


@dataclass(frozen=True, slots=True)
class FeedPage:
    """All that changed last after one position and up to another, while the log was at `head`.

    `mark` tells the change at `upto` from one of another history.
    """

    log: UUID
    after: int
    upto: int
    mark: int
    head: int
    entries: tuple[FeedEntry, ...]

    @property
    def place(self) -> "Place":
        """Where the page ends."""
        return Place(self.log, self.upto, self.mark)

    @property
    def more(self) -> bool:
        """Whether there was more when this was read."""
        return self.upto < self.head


SERVICE = "service"
"""The actor of what a worker records by itself."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something to be recorded: the store gives it its place, its time and its digest.

    `details` holds strings, integers, booleans, lists and mappings: what JSON keeps exactly.
    """

    kind: str
    actor: str
    subject: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One link of the audit log; `nodes` are the subtrees of the Merkle tree that it completes."""

    position: int
    at: datetime
    kind: str
    actor: str
    subject: str | None
    details: Mapping[str, Any]
    digest: bytes
    nodes: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How far the audit log is: its last entry, and the peaks of its Merkle tree, joined."""

    position: int
    at: datetime
    digest: bytes
    peaks: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BenignHash:
    """A hash of a harmless picture (a logo, a meme, a stock photo): nothing near it is taken."""

    id: int
    pdq: bytes
    note: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class IntakeState:
    """What a worker needs to know of intake: hashes submitted of late, which bank, the secret."""

    level: float
    bank: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a line of keys may do; None: as the service's settings say, 0: without a limit."""

    line: int
    requests_per_minute: int | None = None
    hashes_per_minute: int | None = None
    coarse: bool = False
    paused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a line of keys has spent of its budgets."""

    line: int
    requests: float
    hashes: float


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that staff should look at."""

    id: int
    at: datetime
    kind: str
    line: int | None
    details: Mapping[str, Any]
