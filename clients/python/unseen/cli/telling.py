"""`unseen feedback`: what a platform did about a match, or makes of it."""

import argparse

from ..changes import Feedback
from ..client import Client
from .exits import Exit
from .output import Output


def feedback(options: argparse.Namespace, output: Output) -> Exit:
    """Say what came of one hash; the last that is said counts."""
    given = Feedback(options.record, options.value, tuple(options.tags))
    with Client(options.server, options.key, insecure=options.insecure) as client:
        new = bool(client.feedback([given]))
    output.line(f"{given.record}: {given.value}" + ("" if new else " (was known)"))
    output.document(
        {"record": given.record, "value": given.value, "tags": list(given.tags), "new": new}
    )
    return Exit.DONE
