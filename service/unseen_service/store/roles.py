"""The serving role: it may do what serving needs, and cannot rewrite what was recorded.

The account that migrates owns the tables. Every connection of the service assumes the role
`unseen_serve` (`as_server`), which can neither change nor delete a row of the audit log, nor any
table.
"""

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ..errors import RoleMissing
from .sql import FOLDER, load

ROLE = "unseen_serve"
_SQL = load(FOLDER.joinpath("roles.sql"))


def as_server(url: str) -> str:
    """Return the connection string whose sessions start in the serving role."""
    given = conninfo_to_dict(url)
    options = f"{given.get('options') or ''} -c role={ROLE}".strip()
    return make_conninfo(url, options=options)


def grant(connection: Connection) -> None:
    """Create the role if it does not exist, and grant its rights. Raises RoleMissing."""
    try:
        for statement in ("make_role", "grant_rights"):
            connection.execute(_SQL[statement])
    except psycopg.errors.InsufficientPrivilege:
        raise RoleMissing(ROLE) from None


def granted(connection: Connection) -> bool:
    """Return whether this user may assume the role, and the role has exactly its rights."""
    row = connection.execute(_SQL["role_is_in_place"]).fetchone()
    return bool(row and row[0])
