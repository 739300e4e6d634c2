"""A root as compose would run it, where there is no engine: Linux's namespaces, used by hand.

Read-only but for its volumes and for /tmp and /dev/shm in memory; one process is number 1 and sees
only what it starts; no rights, and none to be had; a network where nothing is but this tool.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_NEW_MOUNTS, _NEW_NETWORK = 0x00020000, 0x40000000
_DEVICES = ("null", "zero", "full", "random", "urandom")
_SHARED_MEMORY = "64m"  # as Docker gives


def stand_apart() -> None:
    """Give this process mounts and a network of its own, which end with it. As root, on Linux."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_MOUNTS | _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "only root may make a container")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def furnish(root: Path, mounted: Mapping[str, Path]) -> None:
    """Mount what a container has, folders and files of this machine too, and forbid the rest.

    To be called once for a root, after `stand_apart`.
    """
    _mount(root, "--bind", root)
    for name, source in mounted.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            place.mkdir(exist_ok=True)
        else:
            place.touch()
        _mount(place, "--bind", source)
    for name, options in (("tmp", "mode=1777"), ("dev", "mode=755")):
        _mount(root / name, "-t", "tmpfs", "-o", options, "tmpfs")
    for name in _DEVICES:
        (root / "dev" / name).touch()
        _mount(root / "dev" / name, "--bind", Path("/dev") / name)
    (root / "dev/shm").mkdir()
    _mount(root / "dev/shm", "-t", "tmpfs", "-o", f"mode=1777,size={_SHARED_MEMORY}", "tmpfs")
    _mount(root, "-o", "remount,bind,ro")


def _mount(place: Path, *options: str | Path) -> None:
    subprocess.run(["mount", *options, place], check=True)


@dataclass
class Container:
    """A process that is number 1 in its root, and what can be asked of it from outside."""

    root: Path
    user: str
    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes]

    def execute(self, *command: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command beside it, as `docker compose exec` does."""
        join = ["nsenter", "--target", str(self.first()), "--mount", "--pid"]
        return subprocess.run(
            [*join, *_inside(self.root, user or self.user), *command],
            env=dict(self.environment), capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def first(self) -> int:
        """Give the number, outside, of the process that is number 1; raises when it has ended."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        while self._process.poll() is None:
            found = children.read_text().split()
            if found:
                return int(found[0])
            time.sleep(0.01)
        raise SystemExit(f"the container has ended with {self._process.returncode}")

    def stop(self) -> tuple[int, float]:
        """Ask it to end, as `docker stop` does; give its exit code, and the seconds it took."""
        begun = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first(), signal.SIGTERM)
        return self.wait(), time.monotonic() - begun

    def wait(self) -> int:
        """Wait until it ends; give its exit code."""
        return self._process.wait(timeout=120)


@contextlib.contextmanager
def running(
    root: Path, user: str, environment: Mapping[str, str], *command: str, log: Path
) -> Iterator[Container]:
    """Run a command in a furnished root; what it prints goes to the log."""
    apart = ["unshare", "--pid", "--fork", "--kill-child", f"--mount-proc={root / 'proc'}"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*apart, *_inside(root, user), *command],
            env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    container = Container(root, user, environment, process)
    try:
        yield container
    finally:
        # With number 1 all others end; who became another user is not ended with its parent.
        if process.poll() is None:
            os.kill(container.first(), signal.SIGKILL)
            process.wait()


def _inside(root: Path, user: str) -> list[str]:
    """Give the beginning of a command line that enters the root as this user, without rights."""
    return [
        shutil.which("chroot") or "chroot", str(root), "/usr/bin/setpriv", f"--reuid={user}",
        f"--regid={user}", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
        "--inh-caps=-all", "--",
    ]  # fmt: skip
