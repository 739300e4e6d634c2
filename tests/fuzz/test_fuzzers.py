"""Each fuzzer for a minute; `python -m tests.fuzz.hash_uploads` goes on for as long as wanted."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SECONDS = 60


@pytest.mark.slow
@pytest.mark.skipif(find_spec("atheris") is None, reason="needs atheris: Linux on x86-64")
def test_any_upload_has_a_hash_or_an_error_within_bounds(tmp_path: Path) -> None:
    options = [f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.hash_uploads", str(tmp_path), *options],
        capture_output=True,
        timeout=SECONDS * 5,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4_000:].decode(errors="replace")
