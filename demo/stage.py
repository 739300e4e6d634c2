"""What the demo runs on: a temporary folder, its own service, and the two commands."""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import httpx

_BIN = Path(sys.executable).parent
_READY_WITHIN = 30.0


def photo(name: str) -> Path:
    """Return the path of a photo that scikit-image ships, without importing it."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("demo: the photos are missing; run `make demo`, which installs them.")
    return Path(spec.origin).parent / "data" / name


@dataclass
class Stage:
    """A running service, and the environment variables that point the commands to it."""

    folder: Path
    url: str
    environment: dict[str, str] = field(repr=False)

    def run(self, *command: str, **secrets: str) -> str:
        """Run a command as its user would; return its output, or end the demo if it fails."""
        # The demo reads --json and shows the result in its own words, so neither is shown.
        print(f"  $ {shlex.join(word for word in command if word != '--json')}")
        done = subprocess.run(
            [str(_BIN / command[0]), *command[1:]],
            env={**self.environment, **secrets},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"demo: {shlex.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Start a service with an embedded PostgreSQL in a temporary folder; stop and remove both."""
    with tempfile.TemporaryDirectory(prefix="unseen-demo-") as scratch:
        folder, port = Path(scratch), _free_port()
        # As root, PostgreSQL runs as an account of its own, which has to pass through this folder
        # to its data, and can neither list it nor change anything in it.
        folder.chmod(0o711)
        os.umask(0o077)
        url = f"http://127.0.0.1:{port}"
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("UNSEEN_", "DATABASE_"))}
        environment = {**plain, "UNSEEN_SERVER": url, "UNSEEN_DATA": str(folder / "data")}
        with (folder / "service.log").open("w") as log:
            service = subprocess.Popen(
                [str(_BIN / "unseen-service"), "serve", "--port", str(port)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            _wait_until_ready(url, service, folder / "service.log")
            yield Stage(folder, url, environment)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_until_ready(url: str, service: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline and service.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        time.sleep(0.05)
    raise SystemExit(f"demo: the service did not start:\n{log.read_text()}")
