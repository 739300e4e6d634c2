"""Number and PIN are never lost: what becomes of a submission's file, wherever the output goes."""

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import clean_environment
from tests.support.waiting import wait_until

from .pictures import fill
from .servers import CASE, Act, Scripted, scripted

FLAGS = ("--adult", "--depicted", "--without-consent")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    fill(folder)
    return folder / "photo.png"


def run(
    folder: Path, *arguments: str | Path, redirection: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `unseen submit` by a shell, in a folder that is also the home folder."""
    command = shlex.join([sys.executable, "-m", "unseen", "submit", *map(str, arguments)])
    done = subprocess.run(
        ["bash", "-c", f"{command} {redirection}"],
        cwd=folder,
        env=clean_environment(HOME=str(folder), **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done


def kept_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("unseen-submission-*.json"))


def sent_pin(server: Scripted) -> str:
    return str(json.loads(server.seen[-1].body)["pin"])


@pytest.mark.parametrize("redirection", ["> /dev/full", "> /dev/full 2>&1"], ids=["stdout", "both"])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_pin_that_could_not_be_printed_is_not_lost(
    photo: Path, tmp_path: Path, options: list[str], redirection: str
) -> None:
    with scripted(Act(201, CASE)) as server:
        arguments = [photo, *FLAGS, *options, "--server", server.url]
        done = run(tmp_path, *arguments, redirection=redirection)
        [kept] = kept_in(tmp_path)
        again = run(tmp_path, "--from", kept.name, redirection="> codes.txt")
    assert done.returncode == 1
    if redirection == "> /dev/full":
        assert f"unseen submit --from {kept.name}" in done.stderr
        assert len(done.stderr.splitlines()) == 3
    else:
        assert done.stderr == ""
    assert again.returncode == 0
    assert sent_pin(server) in (tmp_path / "codes.txt").read_text()
    assert server.seen[0].body == server.seen[1].body
    assert kept_in(tmp_path) == []
    assert again.stderr == f"The file {kept.name} is removed: the case is open.\n"


@pytest.mark.parametrize("redirection", ["| head -1", "| true", "| cat", "> /dev/null"])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_pin_that_was_perhaps_not_shown_is_not_lost(
    photo: Path, tmp_path: Path, options: list[str], redirection: str
) -> None:
    with scripted(Act(201, CASE)) as server:
        arguments = [photo, *FLAGS, *options, "--server", server.url]
        done = run(tmp_path, *arguments, redirection=redirection)
    [kept] = kept_in(tmp_path)
    assert json.loads(kept.read_text())["body"]["pin"] == sent_pin(server)
    assert f"unseen submit --from {kept.name}" in done.stderr
    assert sent_pin(server) not in done.stderr
    if (options, redirection) == (["--json"], "| cat"):
        assert json.loads(done.stdout)["kept"] == kept.name


def test_with_number_and_pin_in_a_file_the_submission_goes(photo: Path, tmp_path: Path) -> None:
    with scripted(Act(201, CASE)) as server:
        arguments = [photo, *FLAGS, "--json", "--server", server.url]
        done = run(tmp_path, *arguments, redirection="> codes.json")
    codes = json.loads((tmp_path / "codes.json").read_text())
    assert (codes["pin"], codes["kept"]) == (sent_pin(server), None)
    assert (done.stderr, kept_in(tmp_path)) == ("", [])


def test_a_file_that_the_person_named_stays_and_that_is_said(photo: Path, tmp_path: Path) -> None:
    with scripted(Act(201, CASE)) as server:
        run(tmp_path, photo, *FLAGS, "--prepare", "mine.json", "--server", server.url)
        done = run(tmp_path, "--from", "mine.json", redirection="> codes.txt")
    assert (tmp_path / "mine.json").exists()
    assert done.stderr.splitlines()[0] == "The file mine.json is kept. It holds the PIN."


def test_a_terminal_that_is_closed_leaves_the_submission(photo: Path, tmp_path: Path) -> None:
    screen, inside = pty.openpty()
    with scripted(Act(201, CASE, delay=0.3)) as server:
        # Without a session of its own the process gets no SIGHUP, and writes to a terminal that
        # is gone.
        process = subprocess.Popen(
            [sys.executable, "-m", "unseen", "submit", photo, *FLAGS, "--server", server.url],
            cwd=tmp_path,
            env=clean_environment(HOME=str(tmp_path)),
            stdin=inside,
            stdout=inside,
            stderr=inside,
        )
        os.close(inside)
        wait_until(lambda: bool(server.seen))
        os.close(screen)
        assert process.wait(timeout=60) == 1
    [kept] = kept_in(tmp_path)
    assert json.loads(kept.read_text())["body"]["pin"] == sent_pin(server)


@pytest.mark.parametrize("encoding", ["ascii:strict", "cp437:strict"])
def test_a_name_that_the_terminal_cannot_show_is_escaped(
    photo: Path, tmp_path: Path, encoding: str
) -> None:
    named = tmp_path / "łóżko.png"
    named.write_bytes(photo.read_bytes())
    with scripted(Act(201, CASE)) as server:
        arguments = [named.name, "gone-ł.png", *FLAGS, "--server", server.url]
        done = run(tmp_path, *arguments, redirection="> codes.txt", PYTHONIOENCODING=encoding)
    assert done.returncode == 3
    shown = (tmp_path / "codes.txt").read_bytes()
    assert sent_pin(server).encode() in shown
    assert b"  image 1    8 hashes  \\u0142" in shown
    assert kept_in(tmp_path) == []


def test_a_disk_that_is_full_leaves_no_part_of_a_file(photo: Path, tmp_path: Path) -> None:
    """Otherwise the next attempt would find that the file exists."""
    with scripted(Act(201, CASE)) as server:
        arguments = (photo, *FLAGS, "--server", server.url)
        command = shlex.join([sys.executable, "-m", "unseen", "submit", *map(str, arguments)])
        done = subprocess.run(
            ["bash", "-c", f"ulimit -f 0; {command}; {command} --prepare mine.json"],
            cwd=tmp_path,
            env=clean_environment(HOME=str(tmp_path)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stderr.count("unseen: The submission cannot be saved: File too large.") == 2
    assert server.seen == []
    assert list(tmp_path.iterdir()) == []


def test_in_a_folder_that_is_gone_the_submission_is_saved_in_the_home_folder(
    photo: Path, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with scripted(Act(201, CASE)) as server:
        command = shlex.join(
            [sys.executable, "-m", "unseen", "submit", str(photo), *FLAGS, "--server", server.url]
        )
        done = subprocess.run(
            ["bash", "-c", f"rmdir {shlex.quote(str(gone))}; {command} > {tmp_path}/codes.txt"],
            cwd=gone,
            env=clean_environment(HOME=str(tmp_path)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert sent_pin(server) in (tmp_path / "codes.txt").read_text()
