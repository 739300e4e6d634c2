"""Transcripts of the command `unseen` with a real service, in a folder of good and bad files."""

from pathlib import Path

import pytest

from tests.clients.python.pictures import fill
from tests.clients.python.transcript import play
from tests.support.running_service import RunningService

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(
    path: Path, service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    names = {
        "server": service.url,
        "key": service.key("match"),
        "feedkey": service.key("feed", "feedback"),
        "readkey": service.key("feed", platform="Reader"),
        "auditkey": service.key("audit", platform="Staff"),
    }
    environment = {"UNSEEN_SERVER": service.url}
    play(path, environment, names=names, before=service.wait_in_step)
    assert not list(tmp_path.glob("unseen-submission-*")), "a prepared file was left behind"
