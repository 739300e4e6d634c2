"""The command where it needs no service: transcripts, run in a folder of good and bad files."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from unseen.cli import main

from .pictures import fill
from .transcript import play

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    play(path)


def test_a_folder_that_cannot_be_read_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    walk = Path.iterdir

    def locked(folder: Path) -> Iterator[Path]:
        if folder.name == "summer":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return walk(folder)

    monkeypatch.setattr(Path, "iterdir", locked)
    assert main(["hash", "album"]) == 3
    shown = capsys.readouterr()
    assert "beach.png" in shown.out
    assert "left out album/summer: The folder cannot be read: Permission denied." in shown.err


def test_a_reader_that_has_gone_gets_no_traceback(tmp_path: Path) -> None:
    fill(tmp_path)
    command = [sys.executable, "-m", "unseen", "views", "album", "photo.png"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
