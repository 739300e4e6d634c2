"""What `unseen-service retain` does."""

import os
from argparse import Namespace

from .commands import ask
from .retention import Periods, erase
from .settings import Settings

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
