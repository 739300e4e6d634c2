"""Linux network namespaces, and links between them that a test can take down.

A process that is started in a namespace sees its links and no other network, so it cannot reach
anything outside this machine.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_NAMED = Path("/run/netns")
_PREFIX = "unseen-"
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Namespace:
    """A network namespace, by its name in `ip netns`."""

    name: str

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Move this thread, and what it starts, into the namespace until the block ends."""
        with Path("/proc/thread-self/ns/net").open() as home, (_NAMED / self.name).open() as other:
            _enter(other.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def ip(self, *arguments: str) -> None:
        """Run `ip` in the namespace."""
        _ip("-n", self.name, *arguments)


@dataclass(frozen=True)
class Link:
    """A pair of virtual interfaces of one name, `near` in one namespace and `far` in another."""

    name: str
    near: Namespace
    far: Namespace
    near_address: str
    far_address: str

    def take_down(self) -> None:
        """Disable the far end: packets from the near end are neither answered nor refused."""
        self.far.ip("link", "set", self.name, "down")

    def bring_up(self) -> None:
        """Enable the far end again."""
        self.far.ip("link", "set", self.name, "up")


class Network:
    """The namespaces and links of one test."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._links = 0

    def __enter__(self) -> "Network":
        _delete_stale_namespaces()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add_namespace(self, name: str) -> Namespace:
        """Create a namespace; skip the test if that is not possible."""
        made = Namespace(f"{_PREFIX}{os.getpid()}-{name}")
        _create(made)
        self._stack.callback(_ip, "netns", "delete", made.name)
        made.ip("link", "set", "lo", "up")
        return made

    def add_link(self, name: str, near: Namespace, far: Namespace) -> Link:
        """Create a link, with addresses that are reserved for tests (RFC 2544)."""
        self._links += 1
        ends = (f"198.18.{self._links}.{end}" for end in (1, 2))
        made = Link(f"{name}{self._links}", near, far, *ends)
        peer = ["type", "veth", "peer", "name", made.name, "netns", far.name]
        near.ip("link", "add", made.name, *peer)
        for namespace, address in (near, made.near_address), (far, made.far_address):
            namespace.ip("address", "add", f"{address}/30", "dev", made.name)
            namespace.ip("link", "set", made.name, "up")
        return made


def _enter(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "this thread cannot enter a network namespace")


def _create(namespace: Namespace) -> None:
    """Create a namespace; tests marked `root` can, unless a container's limits forbid it."""
    if not (sys.platform == "linux" and shutil.which("ip")):
        pytest.skip("no network namespaces here: they are Linux's, and made by iproute2's `ip`")
    try:
        _ip("netns", "add", namespace.name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace can be made here: {error.stderr.decode().strip()}")


def _delete_stale_namespaces() -> None:
    """Delete the namespaces of test runs that were killed."""
    for left in _NAMED.glob(f"{_PREFIX}*"):
        run = left.name.removeprefix(_PREFIX).partition("-")[0]
        if run.isdigit() and not Path("/proc", run).exists():
            _ip("netns", "delete", left.name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stderr=subprocess.PIPE)
