"""The only place that speaks SQL: every statement is in queries.sql, one module a subject."""

from . import (
    audit,
    bank,
    cases,
    changes,
    clock,
    feed,
    feedback,
    intake,
    keys,
    limits,
    matches,
    owed,
    retention,
    review,
    vitals,
    watch,
    webhooks,
)
from .database import Store, Transaction
from .migrate import migrate
from .reach import allowed_connections, reach

__all__ = [
    "Store",
    "Transaction",
    "allowed_connections",
    "audit",
    "bank",
    "cases",
    "changes",
    "clock",
    "feed",
    "feedback",
    "intake",
    "keys",
    "limits",
    "matches",
    "migrate",
    "owed",
    "reach",
    "retention",
    "review",
    "vitals",
    "watch",
    "webhooks",
]
