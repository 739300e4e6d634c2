"""Places with a network of their own on this machine, and wires between them that a test can cut.

A place is a Linux network namespace: what is started inside sees the wires that lead there and
nothing else, so nothing of it can leave this machine.
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
class Place:
    """A network namespace, by the name that `ip netns` knows it by."""

    name: str

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Have this thread be in there until the block ends, and whatever it starts meanwhile."""
        with Path("/proc/thread-self/ns/net").open() as home, (_NAMED / self.name).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def ip(self, *arguments: str) -> None:
        """Run `ip` in there."""
        _ip("-n", self.name, *arguments)


@dataclass(frozen=True)
class Wire:
    """A pair of interfaces of one name, `near` in the one place and `far` in the other."""

    name: str
    near: Place
    far: Place
    near_address: str
    far_address: str

    def cut(self) -> None:
        """Pull it out at the far end: what is sent from the near one gets no answer, and no no."""
        self.far.ip("link", "set", self.name, "down")

    def mend(self) -> None:
        """Put it in again."""
        self.far.ip("link", "set", self.name, "up")


class Network:
    """The places and wires of one test."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._wires = 0

    def __enter__(self) -> "Network":
        _sweep()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def place(self, name: str) -> Place:
        """Make a place; the test is skipped if that is not possible."""
        made = Place(f"{_PREFIX}{os.getpid()}-{name}")
        _add(made)
        self._stack.callback(_ip, "netns", "delete", made.name)
        made.ip("link", "set", "lo", "up")
        return made

    def wire(self, name: str, near: Place, far: Place) -> Wire:
        """Lay a wire; its addresses are of those set aside for tests (RFC 2544)."""
        self._wires += 1
        ends = (f"198.18.{self._wires}.{end}" for end in (1, 2))
        made = Wire(f"{name}{self._wires}", near, far, *ends)
        peer = ["type", "veth", "peer", "name", made.name, "netns", far.name]
        near.ip("link", "add", made.name, *peer)
        for place, address in (near, made.near_address), (far, made.far_address):
            place.ip("address", "add", f"{address}/30", "dev", made.name)
            place.ip("link", "set", made.name, "up")
        return made


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "this thread cannot enter a network namespace")


def _add(place: Place) -> None:
    """Make a namespace; its tests are marked `root`, so only a container's limits forbid it."""
    if not (sys.platform == "linux" and shutil.which("ip")):
        pytest.skip("no network namespaces here: they are Linux's, and made by iproute2's `ip`")
    try:
        _ip("netns", "add", place.name)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespace can be made here: {error.stderr.decode().strip()}")


def _sweep() -> None:
    """Remove what test runs have left that were killed."""
    for left in _NAMED.glob(f"{_PREFIX}*"):
        run = left.name.removeprefix(_PREFIX).partition("-")[0]
        if run.isdigit() and not Path("/proc", run).exists():
            _ip("netns", "delete", left.name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stderr=subprocess.PIPE)
