"""The settings of our sessions, whatever the database or its users are set to.

They are set by a statement: in the startup packet a pooler such as PgBouncer refuses them, or
leaves them out.
"""

import re

from psycopg.conninfo import conninfo_to_dict

from .roles import ROLE

LOCK_TIMEOUT = "2500ms"

SET = """
SELECT set_config(name, value, false)
FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
WHERE CASE name
    WHEN 'session_replication_role' THEN current_setting(name) <> value
    WHEN 'synchronous_commit' THEN current_setting(name) = 'off'
    ELSE current_setting(name, true) IS NOT NULL
END
"""
"""Sets those that this version of PostgreSQL has. Its parameters are names and values."""

_FORMATS = {
    # The statements and the driver depend on these: with another DateStyle no time can be read.
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "array_nulls": "on",
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    # Triggers check each change of state.
    "session_replication_role": "origin",
    # What was answered is stored.
    "synchronous_commit": "on",
    # We have time limits of our own. Large statements, and sessions that listen, need more.
    "idle_session_timeout": "0",
    "statement_timeout": "0",
    "transaction_timeout": "0",
}
_LIMITS = {
    # A client that is cut off or frozen inside a transaction may hold the change log's lock: no
    # other host may have to wait for it longer than this.
    "idle_in_transaction_session_timeout": "3s",
    # Shorter than that: otherwise another session of the vanished host, which also waits for the
    # lock, would be granted it next, and be ended only 3 seconds later.
    "lock_timeout": LOCK_TIMEOUT,
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
}
_TIMEOUTS = "idle_in_transaction_session_timeout", "lock_timeout"
_IN_OPTIONS = re.compile(r"(?:-c\s*|--)([A-Za-z_.-]+)\s*=")


Parameters = tuple[list[str], list[str]]
"""Those of SET."""


def migrating(url: str) -> Parameters:
    """Return the parameters of SET for sessions that migrate; the URL's own have priority."""
    return _parameters(url, {**_FORMATS, **dict.fromkeys(_TIMEOUTS, "0")})


def serving(url: str, *, in_role: bool = True) -> Parameters:
    """Return the parameters of SET for sessions that serve; the URL's own have priority.

    They are in the serving role; otherwise they have the rights of the user in the URL.
    """
    # The role comes last: it might not be allowed to set the others.
    return _parameters(url, {**_FORMATS, **_LIMITS, **({"role": ROLE} if in_role else {})})


def _parameters(url: str, wanted: dict[str, str]) -> Parameters:
    options = str(conninfo_to_dict(url).get("options") or "")
    own = {each.replace("-", "_").lower() for each in _IN_OPTIONS.findall(options)}
    left = {name: value for name, value in wanted.items() if name.lower() not in own}
    return list(left), list(left.values())
