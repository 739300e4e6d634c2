"""What sessions are called in pg_stat_activity: the form of the database they know, and their host.

So `encrypt` can tell whether a worker is connected that cannot read sealed hashes, or one on
another host, which needs the key.
"""

import os
import socket

from psycopg.conninfo import conninfo_to_dict, make_conninfo

APPLICATION = "unseen-service/2"
"""How the names of sessions begin. Version 0.1 gave no name, or the one in its URL."""

HOST = socket.gethostname().replace(" ", "-")
"""The second word of a name."""


def named(url: str) -> str:
    """Return a connection string whose sessions have our name, before the one that the URL sets."""
    name = f"{APPLICATION} {HOST} {application_of(url)}".strip()
    return make_conninfo(url, application_name=name)


def application_of(url: str) -> str:
    """Return the name that a URL, or the environment, gives to sessions; empty: none."""
    return str(conninfo_to_dict(url).get("application_name") or os.environ.get("PGAPPNAME", ""))
