"""`make demo` works to its end."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.accounts import STRANGER, run_as


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


@pytest.mark.root
def test_the_demo_as_root_leaves_nothing_that_another_account_can_read_or_change() -> None:
    """Watched while it runs: `nobody` tries to read and to write in whatever the demo makes."""
    with subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout
        shown = ""
        while "operator issues" not in shown:
            line = demo.stdout.readline()
            assert line, shown
            shown += line
        folders = list(Path(tempfile.gettempdir()).glob("unseen-demo-*"))
        assert folders
        for folder in folders:
            tried = run_as(STRANGER, "sh", "-c", TRY_EVERYTHING, folder)
            assert tried.stdout == ""
        demo.stdout.read()
    assert demo.returncode == 0


TRY_EVERYTHING = """
ls "$0" && echo "listed $0"
for name in astronaut.png upload.jpg service.log data/audit.key data/postgres-18.log; do
  cat "$0/$name" > /dev/null 2>&1 && echo "read $name"
done
for folder in "$0" "$0/data" "$0/data/index" "$0/data/postgres-18"; do
  ln -s /etc/passwd "$folder/link" 2> /dev/null && echo "wrote in $folder"
done
"""
