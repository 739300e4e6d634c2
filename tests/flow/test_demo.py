"""`make demo` works to its end."""

import subprocess
import sys
from pathlib import Path


def test_the_demo_succeeds() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    for text in (
        "of 256 bits differ",
        "no match",
        "case.withdrawn",
        "audit.read",
        "chain verified:",
    ):
        assert text in demo.stdout
