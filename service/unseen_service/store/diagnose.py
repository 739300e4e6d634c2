"""Why PostgreSQL cannot be reached, and whether waiting helps.

A refused connection brings no SQLSTATE to the driver, only a text in the server's language. So
this goes by what libpq knows (no answer, a timeout, a server that accepts no connections yet),
and passes the driver's own text on to the operator's terminal, never to a log.
"""

from dataclasses import dataclass

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout, TooManyRequests

from ..errors import OperatorError, SettingInvalid, StoreRefused, StoreUnavailable
from .connection import conninfo

CONNECTION_LOST = "the connection was lost"
READ_ONLY = "it is read-only: it is a standby, or configured so"

CONNECT_TIMEOUT_S = 5
"""A server may accept a connection and then not respond."""

_UNRESPONSIVE = "it does not respond"
_NO_SERVER = "nothing answers at its address"
_STARTING = "it is starting up or shutting down"
_NO_FREE_CONNECTION = "it has no free connection"
_REFUSED = "it refuses the connection: check the password, the user and the database"

_PASSING = (
    "too many clients already",
    "too many connections for",
    "remaining connection slots are reserved",
    "is not currently accepting connections",
)
"""Refusals that may pass, in a server's English: in another language they end a command at once."""

_BY_SQLSTATE = {
    "53300": _NO_FREE_CONNECTION,
    "57P01": "it is shutting down",
    "57P02": "it has crashed",
    "57P03": _STARTING,
}

_ALLOWED = """
SELECT current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', true), '0')::integer
"""


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a connection failed; `is_permanent` if waiting does not help."""

    why: str
    is_permanent: bool = False


def check_connection(url: str, setting: str) -> None:
    """Connect once as the service does. Raises what `connection_error` returns.

    `setting` is the name of the setting that holds the URL.
    """
    try:
        psycopg.connect(
            conninfo(checked_url(url, setting)), connect_timeout=CONNECT_TIMEOUT_S
        ).close()
    except psycopg.OperationalError as error:
        raise connection_error(error, conninfo(url), setting) from None


def allowed_connections(url: str) -> int:
    """Return how many connections PostgreSQL allows to users that are no superusers.

    Raises StoreUnavailable.
    """
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            (allowed,) = connection.execute(_ALLOWED).fetchone() or (0,)
            return int(allowed)
    except psycopg.OperationalError as error:
        raise connection_lost(error) from None


def checked_url(url: str, setting: str) -> str:
    """Return a URL that the driver can parse. Raises SettingInvalid, which does not repeat it."""
    try:
        ports = conninfo_to_dict(url).get("port") or ""
        if url.strip() and all(each.isdigit() for each in str(ports).split(",") if each):
            return url
    except psycopg.ProgrammingError:
        pass
    raise SettingInvalid(
        f"{setting} cannot be parsed. It looks like postgresql://USER:PASSWORD@HOST:PORT/DATABASE; "
        "characters such as @ : / # in the password are percent-encoded."
    )


def connection_error(
    error: psycopg.OperationalError, url: str, setting: str
) -> StoreUnavailable | OperatorError:
    """Return the error for a failed connection: StoreRefused if waiting does not help.

    `setting` is the name of the setting that holds the URL.
    """
    failure = _diagnose(error, url)
    text = _driver_text(error)
    if failure.is_permanent:
        return StoreRefused(
            f"PostgreSQL refuses the connection of {setting} ({text}). Check its password, user "
            "and database; characters such as @ : / # in a password are percent-encoded."
        )
    return StoreUnavailable(failure.why, text)


def why_unavailable(url: str) -> str | None:
    """Connect once more. Return why that fails, in words fit for a log; None if it succeeds."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return _diagnose(error, url).why
    except psycopg.Error:
        return CONNECTION_LOST
    return None


def connection_lost(error: Exception) -> StoreUnavailable:
    """Return the error for a connection that was lost, or not available in time."""
    if isinstance(error, PoolTimeout):
        return StoreUnavailable("no connection was free in time")
    if isinstance(error, TooManyRequests):
        return StoreUnavailable("too many requests wait for a connection")
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return StoreUnavailable(READ_ONLY)
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return StoreUnavailable(_BY_SQLSTATE.get(state or "", CONNECTION_LOST))


def _diagnose(error: psycopg.OperationalError, url: str) -> _Failure:
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return _Failure(_UNRESPONSIVE)
    ping = pq.PGconn.ping(url.encode())
    if ping == pq.Ping.REJECT:
        return _Failure(_STARTING)
    # A server may have started since: only one that answered has refused.
    if ping != pq.Ping.OK or not _has_answered(error):
        return _Failure(_NO_SERVER)
    text = str(error)
    if any(each in text for each in _PASSING):
        return _Failure(_NO_FREE_CONNECTION)
    return _Failure(_REFUSED, is_permanent=True)


def _has_answered(error: psycopg.OperationalError) -> bool:
    """Return whether a server refused the connection, and libpq not merely failed to make one."""
    # libpq writes a server's message as "SEVERITY:  text", in whichever language.
    missing_password = error.pgconn is not None and error.pgconn.needs_password
    return missing_password or ":  " in str(error)


def _driver_text(error: psycopg.OperationalError) -> str:
    """Return the driver's reason, on one line, without the address that it repeats."""
    lines = str(error).splitlines() or [CONNECTION_LOST]
    *_, last = [line for line in lines if " failed: " in line] or lines
    return " ".join(last.rpartition(" failed: ")[2].split())
