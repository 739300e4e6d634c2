"""The command in a real terminal: prompts, output, and what is left after Ctrl-C."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.environment import clean_environment

from .pictures import fill
from .servers import CASE, Act, Scripted, problem, scripted

FLAGS = ("--adult", "--depicted", "--without-consent")


@dataclass
class Terminal:
    """A command that runs in its own terminal."""

    process: subprocess.Popen[bytes]
    screen: int
    shown: str = ""

    def expect(self, text: str) -> None:
        """Read until the text is on the screen."""
        deadline = time.monotonic() + 60
        while text not in self.shown:
            assert time.monotonic() < deadline, f"{text!r} is not in:\n{self.shown}"
            assert self._read() or text in self.shown, f"ended without {text!r}:\n{self.shown}"

    def type(self, line: str) -> None:
        os.write(self.screen, line.encode() + b"\n")

    def end(self) -> int:
        """Read to the end; return the exit code."""
        while self._read():
            pass
        os.close(self.screen)
        return self.process.wait(timeout=60)

    def _read(self) -> bool:
        try:
            data = os.read(self.screen, 4096)
        except OSError:
            data = b""
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    fill(tmp_path)

    def run(*arguments: str, **environment: str) -> Terminal:
        screen, inside = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "unseen", *arguments],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            cwd=tmp_path,
            env=clean_environment(**environment),
            start_new_session=True,
        )
        os.close(inside)
        return Terminal(process, screen)

    return run


def prepared(folder: Path) -> list[Path]:
    return sorted(folder.glob("unseen-submission-*.json"))


def test_the_statements_are_asked_and_the_pin_is_shown_once(start: Start, tmp_path: Path) -> None:
    with scripted(Act(201, CASE)) as server:
        terminal = start("submit", "photo.png", UNSEEN_SERVER=server.url)
        for asked in ("18 or older", "Are you the person", "without your consent"):
            terminal.expect(asked)
            terminal.type("y")
        assert terminal.end() == 0
    body = json.loads(server.seen[0].body)
    assert body["statements"] == dict.fromkeys(("adult", "depicted", "without_consent"), True)
    assert f"PIN          {body['pin']}" in terminal.shown
    assert not prepared(tmp_path)


def test_for_someone_under_18_other_services_are_named_and_nothing_is_sent(start: Start) -> None:
    with scripted(Act(201, CASE)) as server:
        terminal = start("submit", "photo.png", UNSEEN_SERVER=server.url)
        terminal.expect("18 or older")
        terminal.type("n")
        assert terminal.end() == 5
    assert server.seen == []
    assert "takeitdown.ncmec.org" in terminal.shown
    assert "iwf.org.uk" in terminal.shown


def test_someone_not_shown_in_the_images_cannot_submit_them(start: Start) -> None:
    with scripted(Act(201, CASE)) as server:
        terminal = start("submit", "photo.png", "--adult", UNSEEN_SERVER=server.url)
        terminal.expect("Are you the person")
        terminal.type("")
        assert terminal.end() == 1
    assert server.seen == []
    assert "helpline" in terminal.shown


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C; again if it came just before the process began to read, which then goes on."""
    os.kill(process.pid, signal.SIGINT)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGINT)


@pytest.mark.parametrize("key", ["ctrl-c", "ctrl-d"])
@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (("submit", "photo.png"), "18 or older"),
        (("status", "UN-7K4M-9QTX"), "PIN"),
        (("withdraw", "UN-7K4M-9QTX"), "PIN"),
    ],
)
def test_a_prompt_can_be_interrupted_and_nothing_is_sent(
    start: Start, arguments: tuple[str, ...], question: str, key: str
) -> None:
    with scripted(Act(200, CASE)) as server:
        terminal = start(*arguments, UNSEEN_SERVER=server.url)
        terminal.expect(question)
        if key == "ctrl-d":
            os.write(terminal.screen, b"\x04")
        else:
            interrupt(terminal.process)
        assert terminal.end() == 130
    assert server.seen == []
    assert "unseen: interrupted\n  Nothing was sent.\n" in terminal.shown
    assert "Traceback" not in terminal.shown
    assert "takeitdown" not in terminal.shown


def test_files_that_do_not_exist_are_found_before_anything_is_asked(start: Start) -> None:
    with scripted(Act(201, CASE)) as server:
        terminal = start("submit", "gone.jpg", UNSEEN_SERVER=server.url)
        assert terminal.end() == 1
    assert server.seen == []
    assert "left out gone.jpg: The file cannot be read: No such file" in terminal.shown
    assert "18 or older" not in terminal.shown


def test_the_pin_is_asked_for_and_not_shown(start: Start) -> None:
    with scripted(Act(200, CASE)) as server:
        terminal = start("status", "UN-7K4M-9QTX", UNSEEN_SERVER=server.url)
        terminal.expect("PIN")
        terminal.type("7k4m 9qtx 2hbd")
        assert terminal.end() == 0
    assert server.seen[0].headers["unseen-pin"] == "7K4M-9QTX-2HBD"
    assert "7k4m" not in terminal.shown
    assert "Case UN-7K4M-9QTX: active" in terminal.shown


@pytest.mark.parametrize(
    ("options", "question"),
    [
        ((), "Withdraw the whole case? Copies will no longer be found. This cannot be undone."),
        (("--image", "2"), "Withdraw image 2? Its copies will no longer be found."),
    ],
)
def test_a_withdrawal_is_confirmed(start: Start, options: tuple[str, ...], question: str) -> None:
    command = ("withdraw", "UN-7K4M-9QTX", *options)
    with scripted(Act(200, CASE)) as server:
        environment = {"UNSEEN_SERVER": server.url, "UNSEEN_PIN": "7K4M-9QTX-2HBD"}
        terminal = start(*command, **environment)
        terminal.expect(question)
        terminal.type("n")
        assert terminal.end() == 1
        assert "unseen: Nothing was withdrawn." in terminal.shown
        assert server.seen == []
        terminal = start(*command, **environment)
        terminal.expect(question)
        terminal.type("y")
        assert terminal.end() == 0
        assert start(*command, "--yes", **environment).end() == 0
    assert [seen.method for seen in server.seen] == ["DELETE", "DELETE"]


def test_a_key_that_the_character_set_does_not_have_is_no_answer(start: Start) -> None:
    with scripted(Act(200, CASE)) as server:
        utf_8 = {"UNSEEN_SERVER": server.url, "PYTHONUTF8": "1"}
        terminal = start("submit", "photo.png", **utf_8)
        terminal.expect("18 or older")
        os.write(terminal.screen, b"\xff\n")
        assert terminal.end() == 5
        terminal = start("status", "UN-7K4M-9QTX", **utf_8)
        terminal.expect("PIN")
        os.write(terminal.screen, b"\xff\n")
        assert terminal.end() == 1
        assert "The PIN has the wrong format." in terminal.shown
    assert server.seen == []


def test_progress_is_drawn_and_cleared(start: Start) -> None:
    terminal = start("hash", "album", "photo.png", "other.jpg")
    assert terminal.end() == 0
    assert "Hashing on this device [" in terminal.shown
    assert re.search(r"\] \d/4", terminal.shown)
    assert "\r\x1b[K" in terminal.shown


def test_a_file_name_cannot_steer_the_terminal(start: Start, tmp_path: Path) -> None:
    (tmp_path / "photo.png").rename(tmp_path / "a\x1b[2J\nb.png")
    terminal = start("hash", "a\x1b[2J\nb.png")
    assert terminal.end() == 0
    assert "\x1b[2J" not in terminal.shown


def interrupt_while_sending(start: Start, server: Scripted) -> Terminal:
    terminal = start("submit", "photo.png", *FLAGS, UNSEEN_SERVER=server.url)
    while not server.seen:
        time.sleep(0.01)
    os.kill(terminal.process.pid, signal.SIGINT)
    return terminal


def test_after_ctrl_c_the_submission_can_be_sent_again(start: Start, tmp_path: Path) -> None:
    with scripted(Act(201, CASE, delay=1.0), Act(200, CASE)) as server:
        terminal = interrupt_while_sending(start, server)
        assert terminal.end() == 130
        [kept] = prepared(tmp_path)
        assert kept.stat().st_mode & 0o777 == 0o600
        assert f"unseen submit --from {kept.name}" in terminal.shown
        assert "Traceback" not in terminal.shown
        again = start("submit", "--from", kept.name)
        assert again.end() == 0
    first, second = server.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert json.loads(first.body)["pin"] in again.shown
    assert not prepared(tmp_path)


def test_a_refused_submission_is_not_kept(start: Start, tmp_path: Path) -> None:
    refused = problem(422, "known-benign", "Leave that image out.")
    with scripted(refused) as server:
        terminal = start("submit", "photo.png", *FLAGS, UNSEEN_SERVER=server.url)
        assert terminal.end() == 1
    assert not prepared(tmp_path)
    assert "Leave that image out" in terminal.shown
    assert "Send it again" not in terminal.shown


def test_a_killed_command_leaves_the_saved_submission(start: Start, tmp_path: Path) -> None:
    with scripted(Act(201, CASE, delay=0.5)) as server:
        terminal = start("submit", "photo.png", *FLAGS, UNSEEN_SERVER=server.url)
        while not server.seen:
            time.sleep(0.01)
        terminal.process.kill()
        terminal.end()
    [kept] = prepared(tmp_path)
    assert json.loads(kept.read_text())["body"] == json.loads(server.seen[0].body)
