"""Each of examples/ runs unchanged with a real service."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from unseen import Client, fingerprint
from unseen_service.usecases import restore

from tests.contract.pixels.draw import encoded, picture
from tests.support.environment import clean_environment
from tests.support.hashes import random_pdq
from tests.support.ports import free_port
from tests.support.running_service import RunningService, serving
from tests.support.submissions import case_platforms, submit, withdraw
from tests.support.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"


def environment(service: RunningService, *scopes: str) -> dict[str, str]:
    key = {"UNSEEN_KEY": service.key(*scopes)} if scopes else {}
    return {**os.environ, "UNSEEN_SERVER": service.url, **key}


def run(
    service: RunningService,
    name: str,
    *arguments: str | Path,
    scopes: tuple[str, ...],
    text: str = "",
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        env=environment(service, *scopes),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def hashes_in(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as copy:
        return sorted(pdq for (pdq,) in copy.execute("SELECT pdq FROM hashes"))


def test_the_readme_lists_every_example_and_each_is_short() -> None:
    files = sorted(path.name for path in EXAMPLES.glob("*.py"))
    listed = re.findall(
        r"^\| \[(\w+\.py)\]\((\w+\.py)\)", (EXAMPLES / "README.md").read_text(), re.MULTILINE
    )
    assert sorted(name for name, _ in listed) == sorted(link for _, link in listed) == files
    for name in files:
        lines = (EXAMPLES / name).read_text().splitlines()
        assert len([line for line in lines if line]) < 45, name
        assert name in Path(__file__).read_text()


def test_an_upload_is_matched_with_the_sdk(service: RunningService, tmp_path: Path) -> None:
    original = picture(400, 300, seed=1)
    submit(service, fingerprint(encoded(original, "PNG")).pdq)
    service.wait_in_step()
    (tmp_path / "copy.jpg").write_bytes(encoded(original.resize((200, 150)), "JPEG", quality=60))
    (tmp_path / "other.png").write_bytes(encoded(picture(seed=2), "PNG"))
    found = run(service, "match_upload.py", tmp_path / "copy.jpg", scopes=("match",))
    assert (found.returncode, found.stderr) == (3, "")
    assert re.fullmatch(r"[0-9a-f-]{36} \d+ original unreviewed\n", found.stdout)
    missed = run(service, "match_upload.py", tmp_path / "other.png", scopes=("match",))
    assert (missed.returncode, missed.stdout, missed.stderr) == (0, "", "")
    unchecked = run(service, "match_upload.py", tmp_path / "none.jpg", scopes=("match",))
    assert unchecked.returncode == 2
    assert unchecked.stderr


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("match_upload.py", [], 2),
        ("match_upload.py", ["upload.jpg"], 2),
        ("receive_webhook.py", [], 1),
        ("receive_webhook.py", ["8080"], 1),
    ],
)
def test_missing_arguments_and_variables_are_named(
    name: str, arguments: list[str], code: int
) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith(f"usage: {name} ")


def test_hashes_are_looked_up_with_the_standard_library(service: RunningService) -> None:
    submit(service, random_pdq(1))
    service.wait_in_step()
    hashes = f"{random_pdq(2)}\n{random_pdq(1)}\n"
    found = run(service, "match_http.py", scopes=("match",), text=hashes)
    assert (found.returncode, found.stderr) == (0, "")
    assert re.fullmatch(rf"{random_pdq(1)} [0-9a-f-]{{36}} 0\n", found.stdout)


def test_a_copy_follows_the_feed_and_confirms_deletions(
    service: RunningService, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.sqlite"

    def mirror() -> subprocess.CompletedProcess[str]:
        return run(service, "mirror_feed.py", copy, scopes=("feed", "feedback"))

    case = submit(service, random_pdq(1))
    submit(service, random_pdq(2))
    assert mirror().returncode == 0
    assert hashes_in(copy) == sorted(bytes.fromhex(random_pdq(n)) for n in (1, 2))
    withdraw(service, case)
    assert mirror().returncode == 0
    assert hashes_in(copy) == [bytes.fromhex(random_pdq(2))]
    assert mirror().returncode == 0  # it asks for what follows: it has processed the rest
    (platform,) = case_platforms(service, case)
    assert platform["withdrawal_confirmed_at"]


def test_a_copy_starts_again_after_a_restore(service: RunningService, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    submit(service, random_pdq(1))
    assert run(service, "mirror_feed.py", copy, scopes=("feed", "feedback")).returncode == 0
    service.flow(restore.rename_log)
    refused = run(service, "mirror_feed.py", copy, scopes=("feed", "feedback"))
    assert (refused.returncode, hashes_in(copy)) == (1, [])
    assert refused.stderr.startswith("The cursor is of no use")
    assert run(service, "mirror_feed.py", copy, scopes=("feed", "feedback")).returncode == 0
    assert hashes_in(copy) == [bytes.fromhex(random_pdq(1))]


def test_a_webhook_is_verified_and_a_forged_one_refused(database_url: str) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/hooks/unseen"
    with serving(database_url, webhook_private_targets=1) as service:
        with service.client("feed") as client:
            webhook = client.post("/v1/webhooks", json={"url": url}).json()
        receiver = subprocess.Popen(
            [sys.executable, EXAMPLES / "receive_webhook.py", str(port)],
            env={**os.environ, "UNSEEN_WEBHOOK_SECRET": webhook["secret"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            wait_until(lambda: is_listening(url))
            submit(service, random_pdq(1))
            assert receiver.stdout
            printed = receiver.stdout.readline()
            assert re.fullmatch(r"hash\.added [0-9a-f-]{36} unreviewed\n", printed)
            for age in (0, 400):
                headers = {
                    "webhook-id": "msg_1",
                    "webhook-timestamp": str(int(time.time()) - age),
                    "webhook-signature": "v1,AAAA",
                }
                forged = json.dumps({"type": "hash.added", "data": {"records": []}})
                assert httpx.post(url, content=forged, headers=headers).status_code == 401
        finally:
            receiver.kill()
            receiver.communicate()


def is_listening(url: str) -> bool:
    try:
        return httpx.post(url).status_code == 401
    except httpx.TransportError:
        return False


def test_images_are_submitted_from_a_device(service: RunningService, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(picture(), "PNG"))
    done = run(service, "submit.py", tmp_path / "photo.png", scopes=())
    assert (done.returncode, done.stderr) == (0, "")
    codes = re.fullmatch(r"PIN: (\S+)\ncase number: (\S+)\n", done.stdout)
    assert codes
    with Client(service.url) as client:
        case = client.status(codes[2], codes[1])
    assert (case.status, len(case.images)) == ("active", 1)
    refused = run(service, "submit.py", tmp_path / "none.png", scopes=())
    assert (refused.returncode, refused.stdout) == (1, "")
