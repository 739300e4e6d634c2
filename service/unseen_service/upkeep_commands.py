"""What `unseen-service retain` and `unseen-service restored` do."""

import os
from argparse import Namespace

from . import oversight
from .commands import ask
from .retention import Periods, erase
from .settings import Settings
from .staff_commands import who

_RENAMED = """\
the change log has another name: whoever reads the feed is told to start again
saved indexes are looked at when a worker opens them; restart the workers now"""
_TOLD = {
    "bits": "hashes without their bits",
    "submissions": "idempotency keys",
    "messages": "webhook messages that were given up",
    "alerts": "alerts",
    "usage": "drained budgets",
    "sketches": "sketches of uploads",
}


def retain(given: Namespace) -> None:
    """Erase what is of no more use, and say how much of what."""
    environment = {**os.environ, "DATABASE_URL": "-", "UNSEEN_DATA": str(given.data)}
    periods = Periods.of(Settings.from_environment(environment))
    erased = ask(given, lambda store: erase(store, periods))
    if erased is None:
        print("another process is erasing at this moment")
        return
    lines = [f"{erased[what]:>8} {told}" for what, told in _TOLD.items() if erased.get(what)]
    print("\n".join(["erased:", *lines]) if lines else "there is nothing to erase")


def restored(given: Namespace) -> None:
    """Rename the change log, where the service cannot see by itself that it was set back."""
    ask(given, lambda store: oversight.rename_log(store, who(given)))
    print(_RENAMED)
