"""`unseen feedback`: report what a platform did about a match, or thinks of it."""

import argparse

from ..client import Client
from ..feed_models import Feedback
from .exit_codes import Exit
from .output import Output


def feedback(options: argparse.Namespace, output: Output) -> Exit:
    """Send feedback on one record; it replaces the platform's earlier feedback."""
    sent = Feedback(options.record, options.value, tuple(options.tags))
    with Client(options.server, options.key, insecure=options.insecure) as client:
        is_new = bool(client.feedback([sent]))
    with output.after("The feedback was sent, but the result could not be printed."):
        output.line(f"{sent.record}: {sent.value}" + ("" if is_new else " (already reported)"))
        output.document(
            {"record": sent.record, "value": sent.value, "tags": list(sent.tags), "new": is_new}
        )
    return Exit.DONE
