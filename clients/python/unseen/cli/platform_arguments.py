"""The command lines of `match`, `mirror` and `feedback`, which platforms use."""

import argparse
from typing import TYPE_CHECKING, Final

from ..feed_models import FEEDBACK_VALUES
from ..fingerprints import MATCH_DISTANCE
from . import commands as run
from .common_options import add_command, add_fast, add_key, add_server

if TYPE_CHECKING:
    from .common_options import Commands

_FOLDER: Final = "unseen-mirror"


def add_platform_commands(commands: "Commands") -> None:
    """Add `match`, `mirror` and `feedback`."""
    _add_match(commands)
    _add_mirror(commands)
    _add_feedback(commands)


def _add_match(commands: "Commands") -> None:
    summary = "Check images against submitted hashes (for platforms)."
    command = add_command(commands, "match", run.match, summary)
    command.add_argument(
        "queries", nargs="+", metavar="FILE|HASH", help="an image, a folder, or 64 hex digits"
    )
    command.add_argument(
        "--local",
        action="store_true",
        help="search the copy that `unseen mirror` keeps; send nothing",
    )
    _add_folder(command)
    add_key(command)
    command.add_argument(
        "--distance",
        type=int,
        default=MATCH_DISTANCE,
        metavar="N",
        help=f"how many of the 256 bits may differ, 0 to {MATCH_DISTANCE} (default %(default)s)",
    )
    add_fast(command)
    add_server(command)


def _add_mirror(commands: "Commands") -> None:
    summary = "Keep a local copy of the hashes, to match uploads on your own servers."
    command = add_command(commands, "mirror", run.mirror, summary)
    _add_folder(command)
    until = command.add_mutually_exclusive_group()
    until.add_argument("--once", action="store_true", help="catch up, then exit (the default)")
    until.add_argument(
        "--follow", action="store_true", help="keep following the feed until stopped"
    )
    command.add_argument(
        "--no-confirm",
        dest="confirm",
        action="store_false",
        help="do not confirm to the service that withdrawn hashes are deleted",
    )
    add_key(command)
    add_server(command)


def _add_feedback(commands: "Commands") -> None:
    summary = "Report the outcome of a match; the person can see it (for platforms)."
    command = add_command(commands, "feedback", run.feedback, summary)
    command.add_argument("record", metavar="RECORD", help="the record that `unseen match` printed")
    command.add_argument("value", metavar="VALUE", choices=FEEDBACK_VALUES, help=_values())
    command.add_argument(
        "--tag",
        dest="tags",
        action="append",
        default=[],
        metavar="TAG",
        help="a word that other platforms can see; can be repeated",
    )
    add_key(command)
    add_server(command)


def _values() -> str:
    return f"{', '.join(FEEDBACK_VALUES[:-1])} or {FEEDBACK_VALUES[-1]}"


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--folder",
        default=_FOLDER,
        metavar="DIR",
        help="the folder of the local copy (default %(default)s)",
    )
