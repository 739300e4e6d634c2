"""`unseen-service serve`: migrate, then start the workers."""

import asyncio
import os
import signal
import socket
import sys
from argparse import Namespace
from contextlib import suppress
from types import FrameType

import uvicorn

from .. import metrics
from ..errors import AddressInvalid, ChainBroken, StoreUnavailable
from ..runtime import json_logs
from ..runtime.http_protocol import HttpProtocol
from ..runtime.private_files import check_folder, make_folder, narrow_folder
from ..runtime.shared_memory import share_counts
from ..runtime.supervisor import bind, supervise, wait_for_address
from ..settings import (
    DEFAULT_DATA,
    Address,
    Settings,
    obsolete_settings,
    read_address,
    read_database_url,
)
from ..store import Store, allowed_connections
from ..usecases.checkpoints import Checkpoints
from ..usecases.witnesses import read_witnesses
from .database import migrate_now, open_database, wait_for_database, warn_if_values_are_logged
from .encrypt import encrypt_if_new
from .output import discard, notice
from .typed_command import program

_KEEP_ALIVE_S = 75
"""How long an idle connection is kept: longer than clients and proxies keep one (5 to 60 s), so
that we never close one just as a request is sent."""

_BANNER = """\
Unseen is on {address}
  database       {database}
  docs           {address}/docs for the API, docs/ for the rest
  a key          {command} keys issue NAME --scope match{data}
  is it ready?   {address}/readyz
  metrics        {operator}
  stop it with   Ctrl-C
"""


def serve(args: Namespace) -> None:
    """Migrate, then serve until told to stop."""
    signal.signal(signal.SIGTERM, _exit)
    # The workers read their settings from the environment, in processes of their own.
    data = args.data.absolute()
    is_new_host = not data.is_dir() or not any(data.iterdir())
    os.environ["UNSEEN_DATA"] = str(data)
    os.environ.setdefault("UNSEEN_INDEX_DIR", str(data / "index"))
    # Mistakes are reported before anything is started.
    settings = Settings.from_environment(os.environ)
    for sentence in obsolete_settings(os.environ):
        notice(sentence)
    wait_for_address(args.host, args.port)
    connections = args.workers * settings.connections
    with open_database(args.data, connections) as (url, restart_if_dead):
        _claim_folders(settings)
        wait_for_database(lambda: _prepare_database(url, settings))
        _warn_if_too_few_connections(url, connections)
        warn_if_values_are_logged(url)
        asyncio.run(_prepare_audit(url, settings, is_new_host=is_new_host))
        operator = _operator_socket(args)
        _print_banner(args)
        if not os.environ.get("DATABASE_URL_FILE"):  # the file's secret belongs in no environment
            os.environ["DATABASE_URL"] = url
        share_counts()
        with metrics.shared(data / "metrics" / str(args.port)):
            supervise(_config(args), restart_if_dead, operator)


def _prepare_database(url: str, settings: Settings) -> None:
    """Migrate, and encrypt a new database. Raises StoreUnavailable, HashesUnreadable."""
    migrate_now(url)
    asyncio.run(encrypt_if_new(url, settings))


def _operator_socket(args: Namespace) -> socket.socket | None:
    """Bind the operator's address; by default the port 1,000 above the service's, on loopback.

    The workers learn it from the environment. Raises AddressInvalid for one that was asked for; the
    default is done without if another process uses it.
    """
    given = args.operator_address or os.environ.get("UNSEEN_OPERATOR_ADDRESS")
    default = Address("127.0.0.1", args.port + 1_000 if args.port <= 64_535 else args.port - 1_000)
    address = read_address(given, "The operator's address") if given else default
    os.environ["UNSEEN_OPERATOR_ADDRESS"] = str(address or "off")
    if address is None:
        return None
    try:
        return bind(address.host, address.port)
    except AddressInvalid:
        if given:
            raise
    notice(
        f"/metrics is not served: another process uses port {address.port}. Choose another with"
        " --operator-address."
    )
    os.environ["UNSEEN_OPERATOR_ADDRESS"] = "off"
    return None


async def _prepare_audit(url: str, settings: Settings, *, is_new_host: bool) -> None:
    """Load the key and sign the log, before anything else happens to it.

    Without its key the service does not start. If the log does not fit what was signed, or the
    checkpoint is gone, it starts, because people depend on it, but signs nothing.
    """
    store = Store(url, pool_size=1, timeout=10)
    await store.open()
    signing = Checkpoints(store, settings.audit_key, settings.kept_checkpoint)
    try:
        read_witnesses(settings.witnesses_file)
        await signing.open()
        if is_new_host and (adopted := await signing.adopt_published()):
            notice(f"this host is new: it trusts the log's checkpoint of {adopted.size} entries")
        await signing.keep()
    except ChainBroken as error:
        notice(f"the audit log is not signed: {error}")
    except StoreUnavailable:
        pass  # workers wait for the database, and sign then
    finally:
        await store.close()


def _warn_if_too_few_connections(url: str, connections: int) -> None:
    """Warn of too few connections: a worker without one to listen on learns of nothing new."""
    try:
        allowed = allowed_connections(url)
    except StoreUnavailable:
        return
    if connections > allowed:
        notice(
            f"PostgreSQL allows {allowed} connections, and the workers of this host may take"
            f" {connections}. Raise its max_connections, or lower UNSEEN_POOL_SIZE or --workers."
        )


def _claim_folders(settings: Settings) -> None:
    """Close our folders to other accounts. Raises FilesExposed if these could change them."""
    if settings.database_url and settings.data.exists():
        check_folder(settings.data)
        narrow_folder(settings.data)
    if settings.index_dir:
        with suppress(OSError):  # then the workers serve from memory, and log why
            make_folder(settings.index_dir)


def _config(args: Namespace) -> uvicorn.Config:
    return uvicorn.Config(
        "unseen_service.worker:from_environment",
        factory=True,
        http=HttpProtocol,
        ws="none",
        host=args.host,
        port=args.port,
        workers=args.workers,
        log_config=json_logs.CONFIG,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )


def _print_banner(args: Namespace) -> None:
    own = bool(read_database_url(os.environ))
    host = f"[{args.host}]" if ":" in args.host else args.host
    banner = _BANNER.format(
        address=f"http://{host}:{args.port}",
        database="DATABASE_URL" if own else f"an embedded PostgreSQL in {args.data}",
        operator=_operator_urls(),
        command=program(),
        data="" if own or args.data == DEFAULT_DATA else f" --data {args.data}",
    )
    try:
        print(banner, flush=True)
    except OSError:
        # No reason not to serve. But starting a worker flushes the output again, and would fail.
        discard(sys.stdout)


def _operator_urls() -> str:
    address = os.environ["UNSEEN_OPERATOR_ADDRESS"]
    return "off" if address == "off" else f"http://{address}/metrics"


def _exit(_: int, __: FrameType | None) -> None:
    # As an exception, so that what was started here is stopped on the way out.
    raise SystemExit(0)
