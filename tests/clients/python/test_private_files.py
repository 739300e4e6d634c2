"""What the command and the SDK leave on a disk that other accounts use too."""

import os
import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from unseen import InputError, LocalCopy, LocalCopyError, Mirror
from unseen.mirror import copy_writer
from unseen.submission import Submission

from tests.support.accounts import STRANGER
from tests.support.environment import clean_environment

from .copies import PAGES, ask, keep
from .declarations import TRUE, prints
from .feeds import Feed, pdq_of
from .pictures import fill
from .servers import CASE, Act, scripted

FLAGS = ("--adult", "--depicted", "--without-consent")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_copy_and_its_index_are_private_in_a_folder_that_others_can_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_writer, "INDEXED_FROM", 1)
    folder = tmp_path / "copy"
    folder.mkdir(mode=0o755)
    umask = os.umask(0)
    try:
        keep(folder, Feed(*PAGES))
    finally:
        os.umask(umask)
    (index,) = folder.glob("index-*")
    assert mode_of(index) == 0o700
    assert {mode_of(each) for each in folder.iterdir() if each.is_file()} == {0o600}


def test_a_copy_that_everyone_could_read_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As version 0.1 left its index, or `cp -r` the copy."""
    monkeypatch.setattr(copy_writer, "INDEXED_FROM", 1)
    keep(tmp_path, Feed(*PAGES))
    for each in tmp_path.iterdir():
        each.chmod(0o755 if each.is_dir() else 0o644)
    Mirror(tmp_path).close()
    (index,) = tmp_path.glob("index-*")
    assert (mode_of(index), mode_of(tmp_path / "hashes.ndjson")) == (0o700, 0o600)
    assert ask(tmp_path, pdq_of(1)).hits


def test_a_folder_where_others_could_put_their_own_copy_is_refused(tmp_path: Path) -> None:
    keep(tmp_path, Feed(*PAGES))
    tmp_path.chmod(0o777)
    for kind in (LocalCopy, Mirror):
        with pytest.raises(LocalCopyError, match="Other accounts") as caught:
            kind(tmp_path)
        assert f"chmod 700 {tmp_path}" in caught.value.hint


def test_a_prepared_submission_is_closed_to_others_when_it_is_used(tmp_path: Path) -> None:
    """The page's file has the modes of a download."""
    path = tmp_path / "kept.json"
    submission = Submission.of([prints(100)], **TRUE)
    submission.save(path)
    path.chmod(0o644)
    assert Submission.load(path) == submission
    assert mode_of(path) == 0o600


def test_a_prepared_submission_that_others_could_have_changed_is_refused(tmp_path: Path) -> None:
    """They would know its PIN, and could see or withdraw the case."""
    path = tmp_path / "kept.json"
    Submission.of([prints(100)], **TRUE).save(path)
    path.chmod(0o666)
    with pytest.raises(InputError, match="Another account"):
        Submission.load(path)


@pytest.mark.root
def test_a_submission_of_another_account_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    Submission.of([prints(100)], **TRUE).save(path)
    os.chown(path, STRANGER, STRANGER)
    with pytest.raises(InputError, match="Another account"):
        Submission.load(path)


def test_pin_is_kept_at_home_if_others_can_replace_files_here_and_no_core_is_dumped(
    tmp_path: Path,
) -> None:
    home, shared = tmp_path / "home", tmp_path / "shared"
    home.mkdir()
    shared.mkdir()
    shared.chmod(0o777)
    fill(shared)
    environment = clean_environment(HOME=str(home))
    with scripted(Act(201, CASE, delay=1.0)) as server:
        environment["UNSEEN_SERVER"] = server.url
        command = [sys.executable, "-m", "unseen", "submit", "photo.png", *FLAGS]
        with subprocess.Popen(
            command, cwd=shared, env=environment, stdout=subprocess.DEVNULL
        ) as process:
            while not server.seen:
                time.sleep(0.01)
            (kept,) = home.glob("unseen-submission-*.json")
            limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert kept.parent == home
    assert not list(shared.glob("*.json"))
    assert re.search(r"Max core file size +0 +0 ", limits)
    assert process.returncode == 0
