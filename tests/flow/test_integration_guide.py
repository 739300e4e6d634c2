"""docs/integrate.md: each way to integrate, run as documented up to the first match."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from unseen import fingerprint

from tests.clients.python.pictures import photo
from tests.support.environment import clean_environment
from tests.support.hashes import random_pdq
from tests.support.running_service import RunningService
from tests.support.submissions import submit

PAGE = Path(__file__).parents[2] / "docs/integrate.md"
BIN = Path(sys.executable).parent
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def run(language: str, code: str, service: RunningService, folder: Path) -> str:
    """Run a code block in a folder, without its `pip install` lines; return what it printed."""
    kept = "\n".join(line for line in code.splitlines() if not line.startswith("pip install"))
    command = ["bash", "-e", "-c", kept] if language == "sh" else [sys.executable, "-c", kept]
    environment = clean_environment(
        PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}",
        UNSEEN_SERVER=service.url,
        UNSEEN_KEY=service.key("match", "feed", "feedback"),
        TX_STATEDIR=str(folder / "state"),
    )
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


WAYS = ["query", "query-sdk", "query-parts", "mirror", "mirror-sdk", "stopncii"]


@pytest.mark.parametrize(("language", "code"), BLOCKS, ids=WAYS)
def test_each_way_finds_the_upload_in_fewer_than_ten_lines(
    service: RunningService, tmp_path: Path, language: str, code: str
) -> None:
    assert len([line for line in code.splitlines() if line]) < 10
    (tmp_path / "upload.jpg").write_bytes(photo("chelsea.png"))
    pdq = fingerprint(photo("chelsea.png")).pdq
    submit(service, pdq, *map(random_pdq, range(5)))
    service.wait_in_step()
    with service.client("feed") as client:
        entries = client.get("/v1/hashes").json()["entries"]
    (record,) = [each["record"] for each in entries if each["pdq"] == pdq]
    if "LocalCopy" in code:
        # The code needs the copy that the preceding block creates.
        run("sh", "unseen mirror --once", service, tmp_path)
    out = run(language, code, service, tmp_path)
    assert record in out or "\npdq 0 (ours)" in out, out


def test_the_page_documents_three_ways() -> None:
    titles = re.findall(r"^## (.*)", PAGE.read_text(), re.MULTILINE)
    assert titles == ["Query the service", "Mirror the hashes", "StopNCII protocol"]
    assert [language for language, _ in BLOCKS] == ["sh", "python", "python", "sh", "python", "sh"]


def test_the_documented_command_issues_a_key_that_works(service: RunningService) -> None:
    assert httpx.get(f"{service.url}/v1/hashes").status_code == 401
    command = re.search(r"unseen-service (keys issue .*)", PAGE.read_text())
    assert command
    scopes = re.findall(r"--scope (\w+)", command[1])
    with service.client(*scopes) as client:
        assert client.get("/v1/hashes").status_code == 200
