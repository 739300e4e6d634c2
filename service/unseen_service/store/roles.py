"""The role that serves: it may do what serving needs, and cannot rewrite what was recorded.

Whoever migrates owns the tables; every connection of the service takes on the role `unseen_serve`
(`as_server`), which can neither change nor remove a row of the audit log, nor any table.
"""

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ..errors import RoleMissing
from .sql import FOLDER, load

ROLE = "unseen_serve"
_SQL = load(FOLDER.joinpath("roles.sql"))


def as_server(url: str) -> str:
    """Give the connection string whose sessions start in the role that serves."""
    given = conninfo_to_dict(url)
    options = f"{given.get('options') or ''} -c role={ROLE}".strip()
    return make_conninfo(url, options=options)


def grant(connection: Connection) -> None:
    """Make the role where there is none, and give it its rights; raises RoleMissing."""
    try:
        for statement in ("make_role", "grant_rights"):
            connection.execute(_SQL[statement])
    except psycopg.errors.InsufficientPrivilege:
        raise RoleMissing(ROLE) from None


def granted(connection: Connection) -> bool:
    """Whether this user may take on the role, and the role has its rights and no more."""
    row = connection.execute(_SQL["role_is_in_place"]).fetchone()
    return bool(row and row[0])
