"""The exit codes, part of what scripts rely on: `unseen --help` and docs/command.md list them."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    UNREACHABLE = 4
    UNDER_18 = 5
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "refused or failed; the message says why and what to do",
    Exit.USAGE: "the command line was wrong",
    Exit.PARTLY: "done, but some files were left out; each is named",
    Exit.UNREACHABLE: "the service could not be reached; nothing is lost, try again",
    Exit.UNDER_18: "not submitted, as only images of adults are taken; says where to go",
    Exit.INTERRUPTED: "interrupted (Ctrl-C)",
}
