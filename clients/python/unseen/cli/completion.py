"""`unseen completion`: scripts for bash, zsh and fish, generated from the parser."""

import argparse
from collections.abc import Mapping
from typing import Any, Final

from .exit_codes import Exit
from .output import Output

SHELLS: Final = ("bash", "zsh", "fish")

_Options = Mapping[str, Mapping[str, str]]
"""The long options of each command, with their help."""

_BASH: Final = """\
# unseen completion for bash: put `eval "$(unseen completion bash)"` in ~/.bashrc
_unseen() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} words
    case ${{COMP_WORDS[1]}} in
{cases}
        *) words="{commands} --help --version" ;;
    esac
    if [[ $COMP_CWORD -eq 1 ]]; then words="{commands} --help --version"; fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o bashdefault -o default -F _unseen unseen"""

_ZSH: Final = """\
#compdef unseen
# unseen completion for zsh: put `eval "$(unseen completion zsh)"` in ~/.zshrc, after compinit
_unseen() {{
    if (( CURRENT == 2 )); then
        compadd -- {commands} --help --version
        return
    fi
    case $words[2] in
{cases}
    esac
    _files
}}
compdef _unseen unseen"""


def complete(parser: argparse.ArgumentParser, shell: str, output: Output) -> Exit:
    """Print the completion script of a shell."""
    options, summaries = commands(parser)
    scripts = {"bash": _bash, "zsh": _zsh}
    output.raw(scripts[shell](options) if shell in scripts else _fish(options, summaries))
    return Exit.DONE


def commands(parser: argparse.ArgumentParser) -> tuple[_Options, Mapping[str, str]]:
    """Return the parser's commands with their options, and with their summaries."""
    (action,) = _groups(parser)
    options = {name: _words(command) for name, command in action.choices.items()}
    options["completion"] |= dict.fromkeys(SHELLS, "")
    return options, _summaries(action)


def _groups(parser: argparse.ArgumentParser) -> "list[argparse._SubParsersAction[Any]]":
    actions = parser._actions  # noqa: SLF001 - argparse has no public way
    return [each for each in actions if isinstance(each, argparse._SubParsersAction)]  # noqa: SLF001


def _summaries(group: "argparse._SubParsersAction[Any]") -> dict[str, str]:
    return {str(one.dest): str(one.help) for one in group._choices_actions}  # noqa: SLF001


def _words(command: argparse.ArgumentParser) -> dict[str, str]:
    """Return the words that can follow a command: its subcommands and options, and theirs."""
    words: dict[str, str] = {}
    for group in _groups(command):
        words |= _summaries(group)
        for inner in group.choices.values():
            words |= _words(inner)
    return words | {
        flag: str(option.help or "")
        for option in command._actions  # noqa: SLF001
        for flag in option.option_strings
        if flag.startswith("--")
    }


def _bash(commands: _Options) -> str:
    cases = "\n".join(
        f'        {name}) words="{" ".join(options)}" ;;' for name, options in commands.items()
    )
    return _BASH.format(cases=cases, commands=" ".join(commands))


def _zsh(commands: _Options) -> str:
    cases = "\n".join(
        f"        {name}) compadd -- {' '.join(options)} ;;" for name, options in commands.items()
    )
    return _ZSH.format(cases=cases, commands=" ".join(commands))


def _fish(commands: _Options, summaries: Mapping[str, str]) -> str:
    lines = ["# unseen completion for fish: unseen completion fish | source"]
    for name, options in commands.items():
        summary = _quote(summaries[name])
        lines.append(f"complete -c unseen -n __fish_use_subcommand -f -a {name} -d {summary}")
        for option, meaning in options.items():
            word = f"-l {option[2:]}" if option.startswith("--") else f"-f -a {option}"
            lines.append(
                f"complete -c unseen -n '__fish_seen_subcommand_from {name}' "
                f"{word} -d {_quote(meaning)}"
            )
    return "\n".join(lines)


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
