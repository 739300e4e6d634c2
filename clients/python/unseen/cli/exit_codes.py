"""The exit codes, which scripts rely on; `unseen --help` and docs/command.md list them."""

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
    Exit.FAILED: "rejected or failed; the message says why and what to do",
    Exit.USAGE: "the command line is wrong",
    Exit.PARTLY: "done, but some files were left out; each is named",
    Exit.UNREACHABLE: "the service is unreachable or unavailable; nothing is lost, try again",
    Exit.UNDER_18: "not submitted: only images of adults are accepted; names other services",
    Exit.INTERRUPTED: "interrupted (Ctrl-C, or Ctrl-D at a prompt)",
}
