"""The files of deploy/, with a real nginx and a real PostgreSQL."""

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from unseen_service.embedded_postgres import EmbeddedPostgres
from unseen_service.store import migrate

from tests.support.databases import serving_url
from tests.support.disks import scratch_folder
from tests.support.environment import clean_environment
from tests.support.ports import free_port
from tests.support.waiting import wait_until

_DEPLOY = Path(__file__).parents[2] / "deploy"
_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
needs_nginx = pytest.mark.skipif(not _NGINX, reason="needs nginx")


@dataclass
class Upstream:
    """Stands in for the service, and keeps what reaches it."""

    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator["Upstream"]:
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                requests.append((self.path, headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_GET  # noqa: N815 - as http.server names it

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_port
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield self
            finally:
                server.shutdown()


@dataclass
class Limits:
    """nginx with limits.conf; `log` is what it printed."""

    url: str
    upstream: Upstream
    log: Path

    def status(self, client: str, path: str = "/v1/cases", **options: bytes) -> int:
        """Request a path as Caddy does for a client of this address."""
        headers = {"X-Unseen-Client": client, "X-Forwarded-For": client}
        return httpx.post(f"{self.url}{path}", headers=headers, **options).status_code  # type: ignore[arg-type]


@pytest.fixture
def limits() -> Iterator[Limits]:
    with scratch_folder() as folder, Upstream().running() as upstream:
        port = free_port()
        text = (_DEPLOY / "limits.conf").read_text()
        text = text.replace("service:8000", f"127.0.0.1:{upstream.port}")
        text = text.replace("listen 8080", f"listen 127.0.0.1:{port}")
        text = text.replace("/etc/nginx/proxy.conf", str(_DEPLOY / "proxy.conf"))
        text = text.replace("/tmp/nginx", f"{folder}/nginx")  # noqa: S108 - not ours
        (folder / "nginx.conf").write_text(text)
        log = folder / "log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [
                    str(_NGINX),
                    "-c",
                    str(folder / "nginx.conf"),
                    "-g",
                    "daemon off;",
                    "-e",
                    "stderr",
                ],
                stderr=stderr,
            )
        try:
            wait_until(lambda: _listens(port))
            yield Limits(f"http://127.0.0.1:{port}", upstream, log)
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@needs_nginx
def test_one_address_cannot_flood_submissions(limits: Limits) -> None:
    flood = [limits.status("198.51.100.7") for _ in range(80)]
    assert flood[:40] == [200] * 40
    assert flood.count(429) > 20
    assert limits.status("198.51.100.8") == 200, "others are not affected"
    assert limits.status("198.51.100.7", "/v1/match") == 200, "nor calls with a key"


@needs_nginx
@pytest.mark.parametrize("prefix", ["2001:db8:1:2:3:4:5:", "2001:db8:1:2::", "2001:db8::1:2:3:4:"])
def test_addresses_of_one_network_count_together(limits: Limits, prefix: str) -> None:
    flood = [limits.status(f"{prefix}{n:x}") for n in range(80)]
    assert flood.count(429) > 20
    assert limits.status("2001:db8:ffff:2:3:4:5:6") == 200


@needs_nginx
def test_address_reaches_neither_service_nor_log(limits: Limits) -> None:
    for _ in range(60):
        limits.status("198.51.100.7")
    for _, headers, _ in limits.upstream.requests:
        assert not [name for name in headers if "forwarded" in name or "client" in name]
        assert "198.51.100.7" not in str(headers)
    assert limits.log.read_text() == ""


@needs_nginx
def test_slow_and_large_bodies_do_not_reach_the_service(limits: Limits) -> None:
    assert limits.status("198.51.100.7", content=bytes(3 << 20)) == 413
    host, port = limits.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(
            b"POST /v1/cases HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + bytes(5_000)
        )
        assert limits.status("198.51.100.8") == 200
        assert len(limits.upstream.requests) == 1, "the slow request waits here"


@needs_nginx
@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/readyz?x", "//metrics", "/%6detrics"])
def test_operators_paths_are_not_forwarded(limits: Limits, path: str) -> None:
    assert limits.status("198.51.100.7", path) == 404
    assert limits.upstream.requests == []


def test_logins_of_compose_serve_without_a_superuser() -> None:
    with scratch_folder() as folder, EmbeddedPostgres(folder / "data") as server:
        url = server.start()
        secrets = folder / "secrets"
        secrets.mkdir()
        for login in ("unseen_owner", "unseen_login"):
            (secrets / f"{login}_password").write_text(f"secret-of-{login}\n")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE deployed")
            info = connection.info
            environment = clean_environment(
                SECRETS=str(secrets),
                POSTGRES_USER=info.user,
                POSTGRES_DB="deployed",
                PGHOST=info.host,
                PGPORT=str(info.port),
            )
        subprocess.run([str(_DEPLOY / "postgres-logins.sh")], env=environment, check=True)
        owner, login = (
            make_conninfo(url, dbname="deployed", user=user)
            for user in ("unseen_owner", "unseen_login")
        )
        assert migrate(owner)
        with psycopg.connect(serving_url(login)) as connection:
            row = connection.execute(
                "SELECT bool_or(rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls)"
                " FROM pg_roles WHERE rolname LIKE 'unseen\\_%'"
            ).fetchone()
            assert row == (False,)
            connection.execute("SELECT FROM cases")
        with (
            psycopg.connect(login) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("DELETE FROM audit_log")


def test_compose_and_proxy_state_the_limits_of_the_threat_model() -> None:
    """A limit that someone removes from a file is missed here."""
    limits = (_DEPLOY / "limits.conf").read_text()
    for needed in ("limit_conn ", "limit_req ", "client_max_body_size 2m", "proxy_buffering on"):
        assert needed in limits
    compose = (_DEPLOY.parent / "docker-compose.yml").read_text()
    assert "log_parameter_max_length=0" in compose
    assert not re.search(r"POSTGRES_PASSWORD:|PASSWORD=", compose)
