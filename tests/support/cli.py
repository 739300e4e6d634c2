"""The `unseen-service` command, run as an operator runs it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .environment import clean_environment
from .waiting import PATIENCE_S

COMMAND = [str(Path(sys.executable).with_name("unseen-service"))]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with these environment variables and no others; return what it printed."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )


@dataclass
class Waiting:
    """A command that waits, and the lines that it has printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[Waiting]:
    """Start the command; collect the lines that it prints to stderr until the block ends."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=clean_environment(**environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    waiting = Waiting(process)

    def read() -> None:
        assert process.stderr
        waiting.lines.extend(line for line in process.stderr)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield waiting
    finally:
        process.terminate()
        process.wait(timeout=60)
        reader.join(timeout=60)
        with suppress(AttributeError):
            process.stderr.close()  # type: ignore[union-attr]
