"""`unseen mirror`: keep a copy of the hashes in step with the feed, once or for as long as it runs.

It can be stopped or killed at any moment and goes on where it was.
"""

import argparse
import time
from dataclasses import asdict
from typing import Any, Final, NoReturn

from ..client import Client
from ..errors import AccessRefusedError, ServerUnreachableError, UnavailableError
from ..mirror import Mirror, Round
from .exits import Exit
from .output import Output

_WAIT: Final = 30.0
_LONGEST_PAUSE: Final = 60.0


def mirror(options: argparse.Namespace, output: Output) -> Exit:
    """Keep a copy in step."""
    with (
        Mirror(options.folder) as copy,
        Client(options.server, options.key, insecure=options.insecure) as client,
    ):
        keeping = _Keeping(copy, client, output, confirms=options.confirm)
        if options.follow:
            keeping.follow()
        done = keeping.catch_up()
        output.line(_told(done, copy))
        output.document(_document(done, copy))
        return Exit.DONE if keeping.may_confirm else Exit.FAILED


class _Keeping:
    """A copy, the service that it is of, and whom to tell."""

    def __init__(self, copy: Mirror, client: Client, output: Output, *, confirms: bool) -> None:
        self._copy, self._client, self._output = copy, client, output
        self._confirms = confirms
        self.may_confirm = True

    def catch_up(self, wait: float = 0.0) -> Round:
        """Catch up with the feed, and confirm what is gone."""
        try:
            done = self._copy.catch_up(self._client, wait, watch=self._watch)
        finally:
            self._output.passing("")
        if done.began_again:
            self._output.note("The service has another history now: the copy was made anew.")
        if self._confirms and self.may_confirm:
            self._confirm()
        return done

    def follow(self) -> NoReturn:
        """Stay in step until interrupted; an outage is told, and waited out."""
        wait, pause, told = 0.0, 1.0, False
        while True:
            try:
                done = self.catch_up(wait)
            except (ServerUnreachableError, UnavailableError) as error:
                self._output.note(f"{error} Going on with the copy as it is; trying again.")
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            if not told or done != Round(held=done.held):
                self._output.line(_told(done, self._copy))
                self._output.event(_document(done, self._copy))
            wait, pause, told = _WAIT, 1.0, True

    def _watch(self, held: int) -> None:
        self._output.passing(f"Reading the feed: {held:,} hashes held")

    def _confirm(self) -> None:
        try:
            self._copy.confirm(self._client)
        except AccessRefusedError as error:
            self.may_confirm = False
            self._output.note(f"The withdrawals are not confirmed: {error}")
            self._output.note(
                "  The copy is in step. Ask for a key with the scope `feedback`, "
                "or give --no-confirm."
            )


def _told(done: Round, copy: Mirror) -> str:
    waiting = f", {copy.unconfirmed:,} withdrawals not confirmed" if copy.unconfirmed else ""
    return (
        f"{done.added:,} added, {done.changed:,} changed, {done.removed:,} removed; "
        f"{done.held:,} held{waiting}"
    )


def _document(done: Round, copy: Mirror) -> dict[str, Any]:
    return {**asdict(done), "unconfirmed": copy.unconfirmed}
