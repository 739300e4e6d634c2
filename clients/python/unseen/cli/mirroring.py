"""`unseen mirror`: keep a local copy of the hashes up to date with the feed, once or continuously.

It can be stopped or killed at any moment and continues from there.
"""

import argparse
import time
from dataclasses import asdict
from typing import Any, Final, NoReturn

from ..client import Client
from ..errors import AccessRefusedError, ServerUnreachableError, UnavailableError
from ..mirror import Mirror, Round
from .exit_codes import Exit
from .output import Output

_LONG_POLL_S: Final = 30.0
_MAX_PAUSE_S: Final = 60.0


def mirror(options: argparse.Namespace, output: Output) -> Exit:
    """Update the local copy, once or until interrupted."""
    with (
        Mirror(options.folder) as copy,
        Client(options.server, options.key, insecure=options.insecure) as client,
    ):
        if copy.is_unreadable:
            output.note("The local copy holds what no Unseen service sends; it is being rebuilt.")
        update = _Update(copy, client, output, confirms=options.confirm)
        if options.follow:
            update.follow()
        done = update.catch_up()
        if done.removed:
            # Asking for what follows tells the service, and with it the person, that it is done.
            done = done.then(update.catch_up())
        output.line(_summary(done, copy))
        output.document(_document(done, copy))
        return Exit.DONE if update.may_confirm else Exit.FAILED


class _Update:
    """A local copy, the service it follows, and where to report."""

    def __init__(self, copy: Mirror, client: Client, output: Output, *, confirms: bool) -> None:
        self._copy, self._client, self._output = copy, client, output
        self._confirms = confirms
        self.may_confirm = True

    def catch_up(self, wait: float = 0.0) -> Round:
        """Catch up with the feed, and confirm the withdrawals that have been carried out."""
        try:
            done = self._copy.catch_up(self._client, wait, watch=self._show_progress)
        finally:
            self._output.transient("")
        if done.began_again:
            self._output.note(
                "The local copy was rebuilt."
                if self._copy.is_unreadable
                else "The service has a new change log; the local copy was rebuilt."
            )
        if self._confirms and self.may_confirm:
            self._confirm()
        return done

    def follow(self) -> NoReturn:
        """Follow the feed until interrupted; report an outage and try again."""
        wait, pause, is_first = 0.0, 1.0, True
        while True:
            try:
                done = self.catch_up(wait)
            except (ServerUnreachableError, UnavailableError) as error:
                self._output.note(f"{error} The local copy is still usable; trying again.")
                time.sleep(pause)
                pause = min(2 * pause, _MAX_PAUSE_S)
                continue
            if is_first or done != Round(held=done.held):
                self._output.line(_summary(done, self._copy))
                self._output.event(_document(done, self._copy))
            wait, pause, is_first = _LONG_POLL_S, 1.0, False

    def _show_progress(self, held: int) -> None:
        self._output.transient(f"Reading the feed: {held:,} hashes")

    def _confirm(self) -> None:
        try:
            self._copy.confirm(self._client)
        except AccessRefusedError as error:
            self.may_confirm = False
            self._output.note(f"The withdrawals could not be confirmed: {error}")
            self._output.note(
                "  The local copy is up to date. Ask for a key with the scope `feedback`, "
                "or use --no-confirm."
            )


def _summary(done: Round, copy: Mirror) -> str:
    waiting = f", {copy.unconfirmed:,} withdrawals not confirmed" if copy.unconfirmed else ""
    return (
        f"{done.added:,} added, {done.changed:,} changed, {done.removed:,} removed; "
        f"{done.held:,} in the copy{waiting}"
    )


def _document(done: Round, copy: Mirror) -> dict[str, Any]:
    return {**asdict(done), "unconfirmed": copy.unconfirmed}
