"""docs/command.md, the help and the completion scripts match the command."""

import re
import subprocess
from pathlib import Path

import pytest
from unseen import FEEDBACK_VALUES, VIEWS
from unseen.cli import completion, main
from unseen.cli.arguments import parser
from unseen.cli.exit_codes import MEANINGS

DOCS = Path(__file__).parents[3] / "docs"
COMMAND = (DOCS / "command.md").read_text(encoding="utf-8")
OPTIONS, SUMMARIES = completion.commands(parser())


def test_exactly_the_existing_commands_and_options_are_documented() -> None:
    described = set(re.findall(r"`(--[a-z-]+)", COMMAND))
    options = {option for listed in OPTIONS.values() for option in listed if option[:2] == "--"}
    assert described == options - {"--help"} | {"--version"}
    assert all(f"`unseen {name}" in COMMAND for name in OPTIONS)


def test_every_exit_code_is_documented() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", COMMAND, re.MULTILINE))
    assert rows == {str(code.value): meaning for code, meaning in MEANINGS.items()}


def test_the_views_and_the_feedback_values_are_those_of_the_client() -> None:
    assert f"an image's {len(VIEWS)} views" in COMMAND
    assert f"the {len(VIEWS)} views" in SUMMARIES["views"]
    assert all(f"`{value}`" in COMMAND for value in FEEDBACK_VALUES)


def test_the_help_ends_in_an_example() -> None:
    text = parser().format_help()
    assert text.index("environment:") < text.index("exit codes:") < text.index("example:")
    assert all(summary.split(":")[0][:20] in text for summary in SUMMARIES.values())


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_completion_knows_every_command_and_option(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name, options in OPTIONS.items():
        assert name in script
        assert all(option.lstrip("-") in script for option in options)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("unseen wi", ["withdraw"]),
        ("unseen withdraw UN-7K4M-9QTX --im", ["--image"]),
        ("unseen completion f", ["fish"]),
        ("unseen audit ver", ["verify"]),
        ("unseen audit verify --che", ["--checkpoint"]),
        ("unseen submit --pre", ["--prepare"]),
    ],
)
def test_bash_completes(typed: str, offered: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    words = typed.split(" ")
    script = f"""{capsys.readouterr().out}
    COMP_WORDS=({typed}) COMP_CWORD={len(words) - 1}
    _unseen
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-uc", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == offered
