"""Whether PostgreSQL can be reached, and if not why: what mends itself, and what does not.

A refused connection brings no SQLSTATE to the driver, only a text in the server's language, which
may hold parameters. So where it matters why, libpq is asked once more and its trace is read.
"""

import os
import re
import select
import time
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import PoolTimeout, TooManyRequests

from ..errors import OperatorError, SettingInvalid, StoreRefused, StoreUnavailable
from .connection import conninfo

LOST = "the connection was lost"
ONLY_READS = "it only reads: it is a standby, or set to be read-only"

WITHIN_S = 5
"""Seconds in which there is an answer: who is asked may be there and say nothing."""

_STATE = re.compile(rb'\tErrorResponse\t S ".*?" V ".*?" C "([0-9A-Z]{5})"')
_UNRESOLVED = "failed to resolve host"

_ALLOWED = """
SELECT current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer
    - coalesce(current_setting('reserved_connections', true), '0')::integer
"""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no connection to be had; `mend` is what to do where waiting does not help."""

    told: str
    mend: str | None = None


_SILENT = Reason("it says nothing")
_NOBODY = Reason("nobody answers at its address")
_NO_HOST = Reason("the name of its host does not resolve")
_PASSWORD = Reason(
    "it refuses the password",
    "PostgreSQL refuses the password of {named}. Set the right one; characters such as @ : / # "
    "in it are written in percent.",
)
_BY_STATE = {
    "28P01": _PASSWORD,
    "28000": Reason(
        "it refuses the user",
        "PostgreSQL refuses the user of {named}: it has none of this name, or its pg_hba.conf "
        "does not let it in from here.",
    ),
    "3D000": Reason(
        "it has no database of this name",
        "PostgreSQL has no database of the name in {named}. Create it, or name another.",
    ),
    "42501": Reason(
        "the user may not connect to the database",
        "The user of {named} may not connect to the database, or not take on the role "
        "unseen_serve. Let an administrator grant both.",
    ),
    "53300": Reason("all its connections are taken"),
    "57P01": Reason("it is shutting down"),
    "57P02": Reason("it has crashed"),
    "57P03": Reason("it is starting up, or shutting down"),
}


def check_connection(url: str, named: str) -> None:
    """Connect once as the service does; raises what `connection_error` makes of it.

    `named` is the setting that the URL is from.
    """
    try:
        psycopg.connect(conninfo(readable(url, named)), connect_timeout=WITHIN_S).close()
    except psycopg.OperationalError as error:
        raise connection_error(error, conninfo(url), named) from None


def allowed_connections(url: str) -> int:
    """Say how many connections PostgreSQL allows those who are no superuser.

    Raises StoreUnavailable.
    """
    try:
        with psycopg.connect(url, connect_timeout=WITHIN_S) as connection:
            (allowed,) = connection.execute(_ALLOWED).fetchone() or (0,)
            return int(allowed)
    except psycopg.OperationalError as error:
        raise connection_lost(error) from None


def readable(url: str, named: str) -> str:
    """Give a URL back that the driver can read; raises SettingInvalid without repeating it."""
    try:
        ports = conninfo_to_dict(url).get("port") or ""
        if url.strip() and all(each.isdigit() for each in str(ports).split(",") if each):
            return url
    except psycopg.ProgrammingError:
        pass
    raise SettingInvalid(
        f"{named} cannot be read. It looks like postgresql://USER:PASSWORD@HOST:PORT/DATABASE; "
        "characters such as @ : / # in the password are written in percent."
    )


def connection_error(
    error: psycopg.OperationalError, url: str, named: str
) -> StoreUnavailable | OperatorError:
    """Say why a connection failed: as StoreUnavailable what mends itself, as StoreRefused the rest.

    `named` is the setting that the URL is from.
    """
    reason = _reason(error, url)
    if reason.mend:
        return StoreRefused(reason.mend.format(named=named))
    return StoreUnavailable(reason.told)


def why_unavailable(url: str) -> str | None:
    """Connect once more, and say why that fails; None: it does not."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return _reason(error, url).told
    except psycopg.Error:
        return LOST
    return None


def connection_lost(error: Exception) -> StoreUnavailable:
    """Say why a connection was lost, or none was to be had, as far as the error itself tells."""
    if isinstance(error, PoolTimeout):
        return StoreUnavailable("no connection was free in time")
    if isinstance(error, TooManyRequests):
        return StoreUnavailable("too many requests wait for a connection")
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return StoreUnavailable(ONLY_READS)
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return StoreUnavailable(_BY_STATE[state].told if state in _BY_STATE else LOST)


def _reason(error: psycopg.OperationalError, url: str) -> Reason:
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return _SILENT
    if str(error).startswith(_UNRESOLVED):
        return _NO_HOST
    if error.pgconn is not None and error.pgconn.needs_password:
        return _PASSWORD
    state = error.sqlstate or _state(url)
    if state is None:
        return _NOBODY
    return _BY_STATE.get(state, Reason(f"it refuses, with SQLSTATE {state}"))


def _state(url: str) -> str | None:
    """Connect once more, and read the SQLSTATE of the refusal; None where there is none."""
    with suppress(OSError, AttributeError, psycopg.Error):
        trace = os.memfd_create("unseen-trace")
        try:
            _connect_traced(url, trace)
            states = _STATE.findall(os.pread(trace, 1 << 20, 0))
            return states[-1].decode() if states else None
        finally:
            os.close(trace)
    return None


def _connect_traced(url: str, trace: int) -> None:
    connection = pq.PGconn.connect_start(url.encode())
    try:
        connection.trace(trace)
        connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        until = time.monotonic() + WITHIN_S
        status = pq.PollingStatus.WRITING
        while status in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
            line, left = [connection.socket], until - time.monotonic()
            reads = status == pq.PollingStatus.READING
            ready = select.select(line if reads else [], [] if reads else line, [], max(0.0, left))
            if not any(ready):
                return
            status = pq.PollingStatus(connection.connect_poll())
    finally:
        connection.untrace()  # writes what is left of it
        connection.finish()
