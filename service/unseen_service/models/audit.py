"""The audit log: the kinds of entries with their details, who acts, and the entries themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

SERVICE = "service"
"""The actor of what a worker records on its own behalf."""

PERSON = "person"
"""The actor of every entry about a case: nobody is asked who they are."""

BY_STAFF = {
    "by_key": "the key that staff used",
    "by_account": "the operator's account of the operating system",
}
"""Details that any entry may have if staff or an operator caused it."""

STATE = "state"
"""The detail of any entry whose transaction changed state: what the entry commits to."""

SALT = "salt"
"""The detail of every other entry: random, so that nobody can guess an entry from its hash."""

_NO_DETAILS: Mapping[str, str] = {}


class AuditKind(StrEnum):
    """What an entry records; each kind names the details that its entries may have.

    docs/audit.md and the filter of the staff page are generated from this (`make audit-kinds`).
    """

    when: str
    """When an entry of this kind is written."""
    details: Mapping[str, str]
    """The names of its details, and what each holds if the name does not say it."""

    def __new__(cls, kind: str, when: str, details: Mapping[str, str]) -> Self:
        """Make a member of the string `kind`."""
        member = str.__new__(cls, kind)
        member._value_ = kind
        member.when = when
        member.details = details
        return member

    CASE_SUBMITTED = (
        "case.submitted",
        "a person submits",
        {"images": "count", "hashes": "count", "activated": "hashes that became matchable"},
    )
    CASE_WITHDRAWN = (
        "case.withdrawn",
        "a person withdraws a case, or an image of it",
        {"images": "their numbers", "deactivated": "hashes that nobody else holds"},
    )
    PIN_REFUSED = (
        "case.pin-refused",
        "a wrong PIN, or a case number that does not exist (then without a subject)",
        _NO_DETAILS,
    )
    CASE_LINKED = ("case.linked", "staff ask for the reference of a case", {"reason": ""})
    MATCH_HIT = (
        "match.hit",
        "a lookup hits, before it is answered",
        {
            "key": "",
            "asked": "count of queries",
            "hits": "query, record and distance of each; suspect, if it counts nowhere; "
            "crowded, if no case shows it",
        },
    )
    MATCH_MISSED = (
        "match.missed",
        "every minute, by each worker",
        {"minute": "UTC", "keys": "calls and hashes without a hit, per key"},
    )
    FEED_DELIVERED = (
        "feed.delivered",
        "a platform receives a part of the feed that it did not have",
        {"key": "", "after": "position", "upto": "position", "entries": "count"},
    )
    FEEDBACK_GIVEN = (
        "feedback.given",
        "a platform sends new feedback",
        {
            "key": "",
            "feedback": "record, value and number of tags of each",
            "unheard": "records on which it counts for the platform itself only",
            "disputed": "records that staff had confirmed",
        },
    )
    FEEDBACK_BULK = (
        "feedback.bulk",
        "a platform disputes so many hashes that it counts for none of them, once a day",
        {"key": "", "disputes": "count"},
    )
    WITHDRAWAL_CONFIRMED = (
        "withdrawal.confirmed",
        "a platform confirms that it deleted hashes",
        {"key": "", "records": ""},
    )
    BANK_SUBMITTED = (
        "bank.submitted",
        "a platform submits hashes of its own",
        {"key": "", "hashes": "count", "activated": "count"},
    )
    BANK_WITHDRAWN = (
        "bank.withdrawn",
        "a platform withdraws hashes of its own",
        {"key": "", "hashes": "count", "deactivated": "count"},
    )
    WEBHOOK_REGISTERED = (
        "webhook.registered",
        "a platform registers a webhook",
        {"key": "", "webhook": ""},
    )
    WEBHOOK_DELETED = (
        "webhook.deleted",
        "a platform deletes a webhook",
        {"key": "", "webhook": ""},
    )
    WEBHOOK_REPLAYED = (
        "webhook.replayed",
        "a platform has failed messages sent again",
        {"key": "", "webhook": ""},
    )
    KEY_ISSUED = (
        "key.issued",
        "a key is issued",
        {
            "key": "",
            "platform": "its number",
            "scopes": "",
            "note": "",
            "pending": "",
            "expires": "",
            "fingerprint": "of a key whose secret its holder made",
            "peer": "the other key, of the first two admins",
        },
    )
    KEY_ACTIVATED = (
        "key.activated",
        "the holder of a key uses it for the first time",
        {
            "key": "",
            "fingerprint": "",
            "ends": "the key that it replaces",
            "active": "the keys of the first two admins, once both were used",
        },
    )
    KEY_APPROVED = (
        "key.approved",
        "a second person approves a key",
        {"key": "", "ends": "the key that it replaces", "fingerprint": ""},
    )
    KEY_ROTATED = (
        "key.rotated",
        "a successor of a key is issued",
        {
            "key": "",
            "replaces": "",
            "overlap_s": "seconds",
            "pending": "",
            "fingerprint": "of a key whose secret its holder made",
        },
    )
    KEY_REVOKED = ("key.revoked", "a key is revoked", {"key": ""})
    KEY_LISTED = ("key.listed", "staff list the keys", {"reason": ""})
    KEY_LIMITED = (
        "key.limited",
        "the limits of a key family are changed",
        {"key": "", "requests": "per minute", "hashes": "per minute", "coarse": ""},
    )
    KEY_PROBING = (
        "key.probing",
        "very many different queries of a platform came near one stored hash, or several",
        {
            "key": "one that it used",
            "around": "different queries near the one with most",
            "hashes": "how many had too many",
            "records": "the first 20 of them",
        },
    )
    KEY_HIT_RATE = (
        "key.hit-rate",
        "a platform hits far more often than it used to",
        {"key": "", "hits": "count"},
    )
    KEY_PAUSED = (
        "key.paused",
        "staff pause a key family; until version 0.1, also the service",
        {"key": "", "reason": ""},
    )
    KEY_RESUMED = ("key.resumed", "a pause is ended", {"key": "", "reason": ""})
    REVIEW_OPENED = (
        "review.opened",
        "a hash is queued for review: from `over-matching` and `not-intimate` on it is suspect",
        {"cause": "", "hashes": "record and counts of each"},
    )
    REVIEW_RESUMED = (
        "review.resumed",
        "hashes that version 0.1 suspended without a decision are matched again, as suspect",
        {"records": ""},
    )
    REVIEW_LISTED = (
        "review.listed",
        "staff read the review queue",
        {"reason": "", "decided": "", "limit": ""},
    )
    REVIEW_PROPOSED = (
        "review.proposed",
        "staff propose to remove a hash, or to bring it back: nothing changes yet",
        {"record": "", "decision": "", "instead_of": "as for review.decided", "reason": ""},
    )
    REVIEW_DECIDED = (
        "review.decided",
        "staff decide a review",
        {
            "record": "",
            "decision": "",
            "instead_of": "the decision that it replaces",
            "proposed_by": "the first of two persons, if it takes two",
            "reason": "",
        },
    )
    DISPUTES_LISTED = ("disputes.listed", "staff read which platforms dispute", {"reason": ""})
    DISPUTES_DECIDED = (
        "disputes.decided",
        "staff decide about hashes that a platform disputes, many at once",
        {"platform": "", "decision": "", "records": "", "reason": ""},
    )
    OVERDUE_LISTED = (
        "overdue.listed",
        "staff read what is overdue",
        {"reason": "", "limit": ""},
    )
    ALERTS_READ = ("alerts.read", "staff read alerts", {"reason": "", "alerts": "count"})
    STATISTICS_READ = (
        "statistics.read",
        "staff read statistics",
        {"reason": "", "by": "hour or day", "count": ""},
    )
    AUDIT_READ = (
        "audit.read",
        "staff read the audit log, before they receive it",
        {
            "reason": "",
            "after": "position",
            "before": "position",
            "limit": "",
            "kind": "",
            "actor": "",
            "subject": "",
        },
    )
    AUDIT_EXPORTED = ("audit.exported", "the log is exported", {"reason": ""})
    AUDIT_VERIFIED = (
        "audit.verified",
        "someone verified the log",
        {
            "fits": "",
            "position": "of the last entry, or the first that does not fit",
            "unexplained": "the first state that no entry explains, if the log itself fits",
            "reason": "if reported through the API",
            "same_root": "if reported through the API",
        },
    )
    AUDIT_KEY_CHANGED = (
        "audit.key-changed",
        "before a key signs the log for the first time",
        {
            "verifier": "public key",
            "before": "public key that signed until now",
            "reason": "if the operator replaced it",
        },
    )
    AUDIT_ACCEPTED = (
        "audit.accepted",
        "the operator accepts the log as it is, whatever checkpoint was kept before",
        {"reason": ""},
    )
    BENIGN_ADDED = (
        "benign.added",
        "hashes are added to the benign bank",
        {"benign": "their numbers", "note": ""},
    )
    BENIGN_REMOVED = (
        "benign.removed",
        "hashes are removed from the benign bank",
        {"benign": "their numbers", "note": ""},
    )
    ENCRYPTION_BEGUN = (
        "encryption.begun",
        "hashes are sealed with a key from here on; those that are stored follow",
        {"key": "its version"},
    )
    ENCRYPTION_COMPLETED = (
        "encryption.completed",
        "every hash in the database is sealed with the key",
        {"key": "its version"},
    )
    LOG_RENAMED = (
        "log.renamed",
        "the change log gets a new ID, because the database is a copy of another or was restored",
        {"why": "`moved`: a copy; `set back`: restored in place"},
    )
    LOG_BASELINE = (
        "log.baseline",
        "state from before there were commitments, or that an older version changed, is vouched "
        "for as it was found",
        {
            "part": "a kind of object, or `older version`",
            "upto": "number of the last object",
            "entries": "the older version's first and last",
            "objects": "count",
        },
    )
    RETENTION_BITS_ERASED = (
        "retention.bits-erased",
        "the bits of some withdrawn hashes were erased",
        {"bits": "count"},
    )
    RETENTION_ERASED = (
        "retention.erased",
        "data that is no longer needed was erased, at the end of a run",
        dict.fromkeys(("bits", "submissions", "messages", "alerts", "usage", "sketches"), "count"),
    )


@dataclass(frozen=True, slots=True)
class Staff:
    """Anyone who acts on the service itself; `actor` is their name in the audit log.

    `person` tells whether two acts are one person's. `key` is the key they used, if any, and
    `account` their account of the operating system if they used the command line.
    """

    actor: str
    person: str
    key: int | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something to record: the store assigns its position, time and digest.

    `details` holds strings, integers, booleans, lists and mappings: what JSON keeps exactly.
    Raises ValueError for a detail that the kind does not have.
    """

    kind: AuditKind
    actor: str
    subject: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the details to those that the kind names."""
        if unknown := self.details.keys() - self.kind.details.keys() - BY_STAFF.keys():
            raise ValueError(f"{self.kind} has no detail {min(unknown)!r}")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit log; `nodes` are the subtrees of the Merkle tree that it completes.

    `kind` is a plain string: a log may hold kinds that an older version wrote.
    """

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
    """The end of the audit log: its last entry, and the peaks of its Merkle tree, joined."""

    position: int
    at: datetime
    digest: bytes
    peaks: bytes = field(repr=False)
