"""Confirm deletions: by ID, once, and only after nothing matches against the hash any more.

The library has two places with hashes: the data that a fetch updates, and the index that is built
from it. A deletion is confirmed when the stored data and a newer index are without the hash.
Nothing here keeps its bits: a record's ID reveals nothing about them.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import requests
from threatexchange.exchanges.clients.stopncii import api

from .service_client import FaultyServerError, UnseenAPI, Withdrawn

_BATCH = 5_000
_DELAY_VARIABLE = "TX_UNSEEN_INDEX_DELAY_S"
_DELAY_S = 3_600.0
_COMMAND = "threatexchange.cli.main"

logger = logging.getLogger(__name__)


class Deletions:
    """What was deleted and is not confirmed, and what is confirmed and still listed.

    A deletion is named by its record and the second of the withdrawal: each fetch begins at the
    last second of the one before, so it lists the same withdrawals again.
    """

    def __init__(self, waiting: Iterable[str], confirmed: Iterable[str]) -> None:
        """Continue with the lists of a checkpoint; `waiting` has the time of the deletion too."""
        self._waiting: dict[str, float] = {}
        for each in waiting:
            name, _, second = each.rpartition(" ")
            self._waiting[name] = _parse_time(second)
        self._confirmed = set(confirmed)
        self._listed: set[str] = set()

    def add(self, withdrawn: Sequence[Withdrawn]) -> None:
        """Add what a page withdraws; it is deleted as soon as the page is stored."""
        now = time.time()
        for name in (each.name for each in withdrawn):
            if name in self._confirmed:
                self._listed.add(name)
            elif name:
                self._waiting.setdefault(name, now)
        if any(not each.name for each in withdrawn):
            logger.warning("the service is too old to be told of deletions: they are not confirmed")

    def confirm(self, service: UnseenAPI, index_is_newer: Callable[[float], bool]) -> None:
        """Confirm what is deleted from data and index; if that fails, a later fetch does."""
        ready = [name for name, second in self._waiting.items() if index_is_newer(second)]
        for begin in range(0, len(ready), _BATCH):
            batch = ready[begin : begin + _BATCH]
            try:
                service.confirm_deleted([name.partition(" ")[0] for name in batch])
            except (requests.RequestException, FaultyServerError) as error:
                # Fetching matters more: later withdrawals must not wait for this.
                logger.warning("could not confirm withdrawals, will try again: %s", type(error))
                return
            for name in batch:
                del self._waiting[name]
            self._confirmed.update(batch)

    def waiting(self) -> list[str]:
        """Return the deletions to confirm, as a checkpoint has them."""
        return [f"{name} {second!r}" for name, second in self._waiting.items()]

    def still_listed(self) -> list[str]:
        """Return the confirmed deletions that this fetch has listed again."""
        return sorted(self._listed)


def confirm_by_value(service: UnseenAPI, hashes: Sequence[str]) -> None:
    """Confirm what version 0.1 had deleted and noted by its bits; they are not kept any longer."""
    deleted = api.StopNCIICSPFeedback(api.StopNCIICSPFeedbackValue.Deleted)
    for begin in range(0, len(hashes), _BATCH):
        batch = hashes[begin : begin + _BATCH]
        try:
            service.submit_feedbacks(
                {(api.StopNCIISignalType.ImagePDQ, value): deleted for value in batch}
            )
        except (requests.RequestException, FaultyServerError) as error:
            logger.warning("could not confirm %d earlier withdrawals: %s", len(batch), type(error))


def index_is_newer(second: float) -> bool:
    """Return whether the library's index was built after a time, as far as that can be known."""
    if _COMMAND not in sys.modules:
        return time.time() > second + float(os.environ.get(_DELAY_VARIABLE, _DELAY_S))
    folder = Path(os.environ.get("TX_STATEDIR", "~/.threatexchange")).expanduser()
    try:
        return (folder / "index" / "pdq.index").stat().st_mtime > second
    except FileNotFoundError:
        return True


def _parse_time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return time.time()
