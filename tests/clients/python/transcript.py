"""Run transcripts: commands, their output and their exit codes in one readable text.

    # a comment
    $ UNSEEN_PIN=<pin> unseen status <case>
    Case <case>: active, submitted ...
    exit 0

`...` stands for anything on its line; a line of only `...` for any lines. `<name>` stands for one
word, the first time, and for that same word from then on. Output is stdout and stderr together.
"""

import contextlib
import io
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from unseen.cli import main

from tests.support.environment import clean_environment

_NAME = re.compile(r"<([a-z]+)>")


@dataclass
class Step:
    """One command of a transcript."""

    typed: str
    printed: list[str] = field(default_factory=list)
    code: int = 0


def steps(text: str) -> Iterator[Step]:
    """Read a transcript."""
    step: Step | None = None
    for line in text.splitlines():
        if line.startswith("$ "):
            step = Step(line[2:])
        elif step and re.fullmatch(r"exit \d+", line):
            step.code = int(line.split()[1])
            yield step
            step = None
        elif step:
            step.printed.append(line)
        else:
            assert not line or line.startswith("#"), f"no command before: {line}"
    assert step is None, f"no exit code after: {step.typed}"


def play(
    path: Path,
    environment: Mapping[str, str] | None = None,
    *,
    names: Mapping[str, str] | None = None,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Run a transcript and compare.

    `environment` is all that the command sees of UNSEEN_…; `names` are words known beforehand;
    `before` is called before each command.
    """
    names = dict(names or {})
    for step in steps(path.read_text(encoding="utf-8")):
        before()
        printed, code = _run(_filled(step.typed, names), dict(environment or {}))
        pattern = "".join(_pattern(line, names) for line in step.printed)
        match = re.fullmatch(pattern, printed.rstrip("\n") + "\n" if printed else "")
        assert match, f"$ {step.typed}\nprinted:\n{printed}\nnot:\n" + "\n".join(step.printed)
        assert code == step.code, f"$ {step.typed}\nexit {code}, not {step.code}:\n{printed}"
        names |= match.groupdict()


# A line matches in one way only: otherwise comparing takes for ever if the output differs.
_ANY_LINES = r"(?:[^\n]*\n)*?"


def _run(typed: str, environment: dict[str, str]) -> tuple[str, int]:
    words = shlex.split(typed)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    assert words.pop(0) == "unseen"
    printed = io.StringIO()
    with (
        patch.dict(os.environ, clean_environment(**environment), clear=True),
        patch("sys.stdin", io.StringIO()),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        try:
            code = main(words)
        except SystemExit as end:
            code = int(end.code or 0)
    return printed.getvalue(), code


def _filled(text: str, names: Mapping[str, str]) -> str:
    return _NAME.sub(lambda name: names[name[1]], text)


def _pattern(line: str, names: Mapping[str, str]) -> str:
    """Turn a line of expected output into a regular expression."""
    if line == "...":
        return _ANY_LINES
    seen = set(names)
    parts = []
    for part in re.split(r"(<[a-z]+>|\.\.\.)", line):
        name = _NAME.fullmatch(part)
        if part == "...":
            parts.append(".*")
        elif not name:
            parts.append(re.escape(part))
        elif name[1] in names:
            parts.append(re.escape(names[name[1]]))
        else:
            parts.append(f"(?P={name[1]})" if name[1] in seen else rf"(?P<{name[1]}>\S+)")
            seen.add(name[1])
    return "".join([*parts, "\n"])
