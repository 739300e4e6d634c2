"""Why PostgreSQL cannot be reached, and whether waiting helps.

A refused connection brings no SQLSTATE to the driver, only a text in the server's language, which
may contain parameters. What waiting cannot fix must be told from what it can, without that text:
so libpq connects once more, with its protocol trace on, and the SQLSTATE is read from the trace.

Everything here has a deadline and leaves the interpreter free: `PQping` would do neither (psycopg
holds the GIL while it waits for an address or a server), and a worker whose event loop stops is
killed by its supervisor. docs/decisions/0017 has what was tried.
"""

import os
import re
import select
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout, TooManyRequests

from ..errors import (
    Busy,
    CannotWrite,
    OperatorError,
    SettingInvalid,
    StoreRefused,
    StoreUnavailable,
)
from . import session_settings
from .connection import conninfo
from .roles import ROLE
from .session_names import named

CONNECTION_LOST = "the connection was lost"
READ_ONLY = "it is read-only: it is a standby, or configured so"

CONNECT_TIMEOUT_S = 5
"""A server may accept a connection and then not respond."""

# PgBouncer sends no V.
_SQLSTATE = re.compile(rb'\tErrorResponse\t S ".*?"(?: V ".*?")? C "([0-9A-Z]{5})"')
_UNRESOLVED = "failed to resolve host"

_ALLOWED = """
SELECT current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', true), '0')::integer
"""


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why a connection failed; `fix` is what the operator has to do if waiting does not help."""

    why: str
    fix: str | None = None


_UNRESPONSIVE = _Reason("it does not respond")
_NO_SERVER = _Reason("nothing answers at its address")
_NO_HOST = _Reason("the name of its host does not resolve")
_PASSWORD = _Reason(
    "it rejects the password",
    "PostgreSQL rejects the password of {setting}. Set the right one; characters such as @ : / # "
    "in it are percent-encoded.",
)
_POOLER = (
    "{setting} leads through a connection pooler that gives a session to several clients in turn "
    "(PgBouncer with pool_mode = transaction or statement, for example). LISTEN, the role and the "
    "time limits of our sessions cannot work there. Use pool_mode = session, or connect to "
    "PostgreSQL itself: the service has a pool of its own."
)
_POOLER_REFUSES = (
    "{setting} leads through a connection pooler that refuses our sessions. In session mode they "
    "need no startup parameters but those of {setting}: leave out `options`."
)
_OF_POOLERS = "08P01"
_POOLER_CUT_OFF = _Reason("a pooler in front of it has no connection to it")
_ROUNDS = 5
"""How often two sessions are compared: a pooler can have several connections to hand out."""
_SESSION = "SELECT current_user::text, current_setting('lock_timeout')"
_BY_SQLSTATE = {
    _OF_POOLERS: _Reason("a pooler in front of it refuses our sessions", _POOLER_REFUSES),
    "28P01": _PASSWORD,
    "28000": _Reason(
        "it rejects the user",
        "PostgreSQL rejects the user of {setting}: there is no user of this name, or pg_hba.conf "
        "does not let it in from here.",
    ),
    "3D000": _Reason(
        "it has no database of this name",
        "PostgreSQL has no database of the name in {setting}. Create it, or name another.",
    ),
    "22023": _Reason("there is no role unseen_serve, or a setting has another form"),
    "42501": _Reason(
        "the user may not connect to the database",
        "The user of {setting} may not connect to the database, or may not take on the role "
        "unseen_serve. Let an administrator grant both. If the database has a "
        "session_replication_role other than origin, let them reset it.",
    ),
    "53300": _Reason("it has no free connection"),
    "57P01": _Reason("it is shutting down"),
    "57P02": _Reason("it has crashed"),
    "57P03": _Reason("it is starting up or shutting down"),
}


CANNOT_WRITE = {
    "25006": READ_ONLY,
    "53000": "it has run out of a resource",
    "53100": "its disk is full",
    "53200": "it has run out of memory",
    "55P03": "another session holds a lock that every writer needs",
    "58030": "it cannot read or write its files",
}
"""SQLSTATEs of a server that answers, and cannot write."""


_REFUSALS = (
    psycopg.OperationalError,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.InvalidParameterValue,
)
"""What a connection, and a setting of its session, fails with."""


def check_connection(url: str, setting: str) -> None:
    """Connect once as the service does. Raises what `connection_error` returns.

    Raises StoreRefused if the session is not as it was asked for: the service would run with the
    rights of its login, and without time limits.

    `setting` is the name of the setting that holds the URL.
    """
    with connect(checked_url(url, setting), setting) as session:
        settings = session_settings.serving(url)
        set_up(session, settings, url, setting)
        found = session.execute(_SESSION).fetchone()
    if found != (ROLE, settings[1][settings[0].index("lock_timeout")]):
        raise StoreRefused(_POOLER.format(setting=setting))


def connect(url: str, setting: str) -> psycopg.Connection:
    """Open a session that is ours alone, in autocommit, without settings.

    Raises what `connection_error` returns: StoreRefused also if a pooler would give the session to
    others in turn.
    """
    with _explained(url, setting), ExitStack() as stack:
        session = stack.enter_context(_connected(url))
        # A pooler invents the number by which a client would cancel statements.
        if session.info.backend_pid != _backend(session):
            other = stack.enter_context(_connected(url))
            pairs = {(_backend(session), _backend(other)) for _ in range(_ROUNDS)}
            first, second = pairs.pop()
            if pairs or first == second:
                raise StoreRefused(_POOLER.format(setting=setting))
            other.close()
        stack.pop_all()
        return session


def set_up(
    session: psycopg.Connection, settings: session_settings.Parameters, url: str, setting: str
) -> None:
    """Set the settings of a session. Raises what `connection_error` returns."""
    with _explained(url, setting):
        session.execute(session_settings.SET, settings)


def _connected(url: str) -> psycopg.Connection:
    # A statement that was prepared in a session that is shared would be there for another client.
    return psycopg.connect(
        conninfo(url), connect_timeout=CONNECT_TIMEOUT_S, autocommit=True, prepare_threshold=None
    )


def _backend(session: psycopg.Connection) -> int:
    (pid,) = session.execute("SELECT pg_backend_pid()").fetchone() or (0,)
    return int(pid)


@contextmanager
def _explained(url: str, setting: str) -> Iterator[None]:
    """Translate the driver's errors while a connection is made and set up."""
    try:
        yield
    except _REFUSALS as error:
        raise connection_error(error, conninfo(url), setting) from None


def allowed_connections(url: str) -> int:
    """Return how many connections PostgreSQL allows to users that are no superusers.

    Raises StoreUnavailable.
    """
    try:
        with psycopg.connect(named(url), connect_timeout=CONNECT_TIMEOUT_S) as connection:
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
    error: psycopg.Error, url: str, setting: str
) -> StoreUnavailable | OperatorError:
    """Return the error for a failed connection: StoreRefused if waiting does not help.

    `setting` is the name of the setting that holds the URL.
    """
    reason = _reason(error, url)
    if reason.fix:
        return StoreRefused(reason.fix.format(setting=setting))
    return StoreUnavailable(reason.why)


def why_unavailable(url: str, settings: session_settings.Parameters) -> str | None:
    """Connect once more. Return why that fails, in words fit for a log; None if it succeeds."""
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            connection.execute(session_settings.SET, settings)
    except _REFUSALS as error:
        return _reason(error, url).why
    except psycopg.Error:
        return CONNECTION_LOST
    return None


def connection_lost(error: Exception) -> StoreUnavailable:
    """Return the error for a connection that was lost, not available in time, or cannot write."""
    if isinstance(error, PoolTimeout):
        return StoreUnavailable("no connection was free in time")
    if isinstance(error, TooManyRequests):
        return StoreUnavailable("too many requests wait for a connection")
    if isinstance(error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)):
        return Busy()
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state in CANNOT_WRITE:
        return CannotWrite(CANNOT_WRITE[state])
    return StoreUnavailable(_BY_SQLSTATE[state].why if state in _BY_SQLSTATE else CONNECTION_LOST)


def _reason(error: psycopg.Error, url: str) -> _Reason:
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return _UNRESPONSIVE
    if str(error).startswith(_UNRESOLVED):
        return _NO_HOST
    if error.pgconn is not None and error.pgconn.needs_password:
        return _PASSWORD
    state = error.sqlstate or _sqlstate(url)
    if state is None:
        return _NO_SERVER
    # PgBouncer has one SQLSTATE for whatever it cannot do, and its messages are never translated.
    if state == _OF_POOLERS and "startup parameter" not in str(error):
        return _POOLER_CUT_OFF
    return _BY_SQLSTATE.get(state, _Reason(f"it refuses the connection, with SQLSTATE {state}"))


def _sqlstate(url: str) -> str | None:
    """Connect once more. Return the SQLSTATE of the refusal, or None if nobody refuses."""
    with suppress(OSError, AttributeError, psycopg.Error):
        trace = os.memfd_create("unseen-trace")
        try:
            _connect_traced(url, trace)
            states = _SQLSTATE.findall(os.pread(trace, 1 << 20, 0))
            return states[-1].decode() if states else None
        finally:
            os.close(trace)
    return None


def _connect_traced(url: str, trace: int) -> None:
    """Connect until refused, connected or out of time; `trace` is the descriptor to write to."""
    connection = pq.PGconn.connect_start(url.encode())
    try:
        connection.trace(trace)
        connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        status = pq.PollingStatus.WRITING
        while status in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
            socket, left = [connection.socket], max(0.0, deadline - time.monotonic())
            is_reading = status == pq.PollingStatus.READING
            ready = select.select(
                socket if is_reading else [], [] if is_reading else socket, [], left
            )
            if not any(ready):
                return
            status = pq.PollingStatus(connection.connect_poll())
    finally:
        connection.untrace()  # writes what is left of the trace
        connection.finish()
