"""`unseen key`, and the ways to give a command a key, with a real service."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.admins import Admins
from tests.support.environment import clean_environment
from tests.support.hashes import random_pdq
from tests.support.holder_keys import HolderKey
from tests.support.running_service import RunningService
from tests.support.waiting import PATIENCE_S, wait_until

UNSEEN = str(Path(sys.executable).with_name("unseen"))


def unseen(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [UNSEEN, *arguments], cwd=folder, env=clean_environment(**environment),
        capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False,
    )  # fmt: skip


def document(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_holder_makes_activates_and_replaces_a_feed_key(
    service: RunningService, tmp_path: Path
) -> None:
    """From the first two admins on; nobody but the holder ever has the secret."""
    admins = Admins.bootstrap(service.url, DATABASE_URL=service.database_url)
    server = {"UNSEEN_SERVER": service.url}
    made = document(unseen(tmp_path, "key", "new", "feed.key", "--json"))
    secret = (tmp_path / "feed.key").read_text().strip()
    assert stat.S_IMODE((tmp_path / "feed.key").stat().st_mode) == 0o600
    assert secret not in str(made)
    key = HolderKey(secret)
    assert (made["digest"], made["fingerprint"]) == (key.digest, key.fingerprint)
    new = admins.post(admins.first, "/v1/keys", key.body("P", "feed")).json()

    unregistered = unseen(tmp_path, "key", "activate", UNSEEN_KEY="unseen_other", **server)
    assert unregistered.returncode == 1
    option = ("--key-file", "feed.key")
    wait_until(lambda: unseen(tmp_path, "key", "show", *option, **server).returncode == 0)
    early = unseen(tmp_path, "mirror", *option, **server)
    assert "unseen key activate" in early.stderr
    assert early.stderr.endswith("  `unseen key show` tells how far it is.\n")
    activated = unseen(tmp_path, "key", "activate", *option, **server)
    assert activated.stdout == (
        f"Key {new['id']} of P (feed): not approved yet\n"
        f"Fingerprint  {key.fingerprint}\n"
        "Read the fingerprint to the admin who approves the key. Of the first two admins,\n"
        "each needs only the other to activate theirs.\n"
    )
    admins.post(admins.second, f"/v1/keys/{new['id']}/approve")
    show = ("key", "show", *option)
    wait_until(lambda: "(feed): active" in unseen(tmp_path, *show, **server).stdout)
    rotate = ("key", "rotate", "next.key", "--overlap", "0", *option)
    rotated = unseen(tmp_path, *rotate, **server)
    assert rotated.returncode == 0, rotated.stderr
    environment = {"UNSEEN_KEY_FILE": "next.key", **server}
    shown = document(unseen(tmp_path, "key", "show", "--json", **environment))
    assert (shown["platform"], shown["status"]) == ("P", "in-force")
    mirrored = unseen(tmp_path, "mirror", "--no-confirm", **environment)
    assert mirrored.returncode == 0, mirrored.stderr
    wait_until(lambda: unseen(tmp_path, "key", "show", *option, **server).returncode == 1)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
@pytest.mark.parametrize("command", [("match", "5a" * 32), ("mirror",), ("key", "show")])
def test_key_file_that_others_can_read_is_refused(
    tmp_path: Path, mode: int, command: tuple[str, ...]
) -> None:
    file = tmp_path / "a key"
    file.write_text("unseen_secret\n")
    file.chmod(mode)
    options = ("--server", "http://127.0.0.1:9")
    for given in (
        unseen(tmp_path, *command, "--key-file", str(file), *options),
        unseen(tmp_path, *command, *options, UNSEEN_KEY_FILE=str(file)),
    ):
        assert given.returncode == 2
        assert "unseen_secret" not in given.stderr
        hint = given.stderr.splitlines()[-1].strip()
        assert hint == f"chmod 600 '{file}'"
    subprocess.run(["sh", "-c", hint], check=True)
    usable = unseen(tmp_path, *command, "--key-file", str(file), *options)
    assert "reached" in usable.stderr


def test_every_way_to_give_a_key_works_and_the_visible_one_warns(
    service: RunningService, tmp_path: Path
) -> None:
    key, server = service.key("match"), {"UNSEEN_SERVER": service.url}
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_text(f"{key}\n")
    match = ("match", random_pdq(1))
    for arguments, environment in (
        (("--key-file", str(file)), {}),
        ((), {"UNSEEN_KEY_FILE": str(file)}),
        ((), {"UNSEEN_KEY": key}),
        ((), {"UNSEEN_KEY_FILE": str(file), "UNSEEN_KEY": "wrong"}),
        (("--key-file", str(file)), {"UNSEEN_KEY_FILE": "none", "UNSEEN_KEY": "wrong"}),
    ):
        done = unseen(tmp_path, *match, *arguments, **environment, **server)
        assert (done.returncode, done.stderr) == (0, "")
    visible = unseen(tmp_path, *match, "--key", key, **server)
    assert visible.returncode == 0
    assert "list of processes" in visible.stderr
    assert key not in visible.stderr
    both = unseen(tmp_path, *match, "--key", key, "--key-file", str(file), **server)
    assert both.returncode == 2
    local = unseen(tmp_path, *match, "--local", UNSEEN_KEY_FILE="none")
    assert "unseen mirror" in local.stderr, "a local copy needs no key"


def test_new_key_overwrites_nothing_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").write_text("mine")
    for name in "link", "file":
        refused = unseen(tmp_path, "key", "new", name)
        assert refused.returncode == 1
        assert refused.stdout == ""
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "file").read_text() == "mine"
    before = os.umask(0)
    try:
        unseen(tmp_path, "key", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "unseen.key").stat().st_mode) == 0o600
    printed = unseen(tmp_path, "key", "new", "--print", "--json")
    made = document(printed)
    assert made["digest"] == HolderKey(str(made["key"])).digest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link", "unseen.key"]
