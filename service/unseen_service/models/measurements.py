"""Measurements of the database as a whole."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatabaseMetrics:
    """Measurements of the database: positions of its logs, sizes, lengths of queues.

    `withdrawn_not_erased` is the number of withdrawn hashes whose bits are not erased yet.
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
