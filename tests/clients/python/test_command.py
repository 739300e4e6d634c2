"""The command without a service: transcripts, run in a folder of good and bad files."""

import errno
import os
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


def test_an_unreadable_folder_is_reported_and_the_others_are_hashed(
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
