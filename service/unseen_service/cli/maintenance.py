"""`unseen-service retain` and `unseen-service restored`."""

from argparse import Namespace

from ..jobs.retention import Periods, erase
from ..usecases import restore
from .acting import acting_operator, settings_of
from .database import run_with_store

_RENAMED = """\
the change log has a new ID: everyone who reads the feed is told to start again
workers check saved indexes when they open them: restart the workers now"""

_ERASED = {
    "bits": "hashes without their bits",
    "submissions": "idempotency keys",
    "messages": "webhook messages that failed",
    "alerts": "alerts",
    "usage": "drained budgets",
    "sketches": "sketches of uploads",
}


def retain(args: Namespace) -> None:
    """Erase what is no longer needed, and print how much."""
    periods = Periods.of(settings_of(args))
    erased = run_with_store(args, lambda store: erase(store, periods))
    if erased is None:
        print("another process is erasing right now")
        return
    lines = [
        f"{erased[what]:>8} {what_it_is}"
        for what, what_it_is in _ERASED.items()
        if erased.get(what)
    ]
    print("\n".join(["erased:", *lines]) if lines else "there is nothing to erase")


def restored(args: Namespace) -> None:
    """Assign the change log a new ID after a restore that the service cannot detect."""
    by = acting_operator(args)
    run_with_store(args, lambda store: restore.rename_log(store, by))
    print(_RENAMED)
