"""The `unseen-service` command, run as an operator runs it."""

import subprocess
import sys
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
