"""The image as operators run it: built, started alone, and deployed by docker-compose.yml."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.skipif(
        not shutil.which("podman"),
        reason="podman is not installed: install Debian's `podman`, or run `make container-trial`",
    ),
]


def test_image_serves_alone_and_in_compose() -> None:
    # The tests themselves trust no certificates, but pulling an image needs the system's.
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_DIR"}
    trial = subprocess.run(
        [_ROOT / "tools/container_trial.sh"],
        env=environment, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    print(trial.stdout)
    assert trial.returncode == 0, trial.stderr
    assert trial.stdout.count("an image was submitted, matched and withdrawn") == 2
    assert trial.stdout.count("stopped with exit status 0") == 2
