"""The command lines of what a platform does: ask, keep a copy, say what came of it."""

import argparse
from typing import TYPE_CHECKING, Final

from ..changes import FEEDBACK_VALUES
from ..hashing import MATCH_DISTANCE
from . import matching, mirroring, telling
from .options import add, add_fast, add_key, add_server

if TYPE_CHECKING:
    from .options import Commands

_FOLDER: Final = "unseen-mirror"


def add_commands(commands: "Commands") -> None:
    """Add `match`, `mirror` and `feedback`."""
    _add_match(commands)
    _add_mirror(commands)
    _add_feedback(commands)


def _add_match(commands: "Commands") -> None:
    summary = "Ask whether images are close to submitted ones (for platforms)."
    command = add(commands, "match", matching.match, summary)
    command.add_argument(
        "queries", nargs="+", metavar="FILE|HASH", help="an image, a folder, or 64 hex digits"
    )
    command.add_argument(
        "--local", action="store_true", help="ask the copy that `unseen mirror` keeps; send nothing"
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
    summary = "Keep a copy of the hashes here, to match uploads at home (for platforms)."
    command = add(commands, "mirror", mirroring.mirror, summary)
    _add_folder(command)
    until = command.add_mutually_exclusive_group()
    until.add_argument("--once", action="store_true", help="catch up, then end (the default)")
    until.add_argument("--follow", action="store_true", help="stay in step until stopped")
    command.add_argument(
        "--no-confirm",
        dest="confirm",
        action="store_false",
        help="do not tell the service when withdrawn hashes are gone",
    )
    add_key(command)
    add_server(command)


def _add_feedback(commands: "Commands") -> None:
    summary = "Say what came of a match; the person sees it (for platforms)."
    command = add(commands, "feedback", telling.feedback, summary)
    command.add_argument("record", metavar="RECORD", help="as `unseen match` names it")
    command.add_argument("value", metavar="VALUE", choices=FEEDBACK_VALUES, help=_values())
    command.add_argument(
        "--tag",
        dest="tags",
        action="append",
        default=[],
        metavar="TAG",
        help="a word for other platforms to see; can be given again",
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
        help="where the copy of the hashes is (default %(default)s)",
    )
