"""`make demo` plays the whole story."""

import subprocess
import sys
from pathlib import Path


def test_the_demo_plays_to_its_end() -> None:
    played = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    for said in (
        "of 256 bits differ",
        "no match",
        "case.withdrawn",
        "audit.read",
        "chain verified:",
    ):
        assert said in played.stdout
