"""The only place that speaks SQL: one module per subject, its statements in queries/."""

from .diagnose import allowed_connections, check_connection
from .migrate import migrate
from .pool import Store
from .session_names import application_of
from .statements import Transaction

__all__ = [
    "Store",
    "Transaction",
    "allowed_connections",
    "application_of",
    "check_connection",
    "migrate",
]
