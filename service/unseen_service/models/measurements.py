"""What is measured of the database as a whole."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatabaseMetrics:
    """What is measured of the database as a whole: how far its logs are, sizes, queues.

    `withdrawn_not_erased` are withdrawn hashes whose bits are not erased yet.
    """

    changes: int
    audit_entries: int
    database_bytes: int
    webhooks_waiting: int
    webhooks_oldest_s: float
    webhooks_failed: int
    overdue: int
    open_reviews: int
    paused_keys: int
    withdrawn_not_erased: int
