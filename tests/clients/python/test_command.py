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


def test_what_is_not_hashed_in_a_folder_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    monkeypatch.chdir(tmp_path / "album")
    (tmp_path / "album" / "linked").symlink_to("..")
    (tmp_path / "album" / "broken.png").symlink_to("gone.png")
    (tmp_path / "album" / "copy.png").symlink_to("beach.png")
    os.mkfifo(tmp_path / "album" / "pipe.png")
    for name in (".hidden.png", "no-suffix", *(f"{number}.txt" for number in range(5))):
        (tmp_path / "album" / name).write_bytes(b"")
    assert main(["hash", "."]) == 3
    shown = capsys.readouterr()
    names = [line.split()[-1] for line in shown.out.splitlines()]
    assert names == ["beach.png", "copy.png", "summer/dune.png"]
    assert shown.err.splitlines() == [
        "not hashed, since hidden or not named as an image: "
        ".hidden.png, 0.txt, 1.txt, 2.txt, 3.txt and 3 more",
        "  If one of them is an image, name the file itself.",
        "left out broken.png: The file cannot be read: No such file or directory.",
        "  Check the path, and whether you have permission to read the file.",
        "left out linked: It is a link to a folder, which is not followed.",
        "  Name it on the command line if it is to be hashed.",
        "left out pipe.png: It is not a file but a pipe, a socket or a device.",
        "  Name it on the command line if it is to be hashed.",
    ]
