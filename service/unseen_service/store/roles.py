"""The database role that serves: it has the rights that serving needs, and cannot rewrite history.

The user that migrates owns the tables. Every connection of the service assumes the role
`unseen_serve` (`session_settings`), which can neither change nor delete rows of the audit log, nor
alter any table.
"""

import psycopg
from psycopg import Connection

from ..errors import RoleMissing
from .sql import FOLDER, load

ROLE = "unseen_serve"
_SQL = load(FOLDER.joinpath("roles.sql"))


def grant(connection: Connection) -> None:
    """Create the role if it does not exist, and grant its rights. Raises RoleMissing."""
    try:
        for statement in ("create_role", "grant_rights"):
            connection.execute(_SQL[statement])
    except psycopg.errors.InsufficientPrivilege:
        raise RoleMissing(ROLE) from None


def is_granted(connection: Connection) -> bool:
    """Return whether this user may assume the role, and the role has exactly its rights."""
    row = connection.execute(_SQL["has_role_and_rights"]).fetchone()
    return bool(row and row[0])
