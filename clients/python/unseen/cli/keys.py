"""`unseen key`: make a key, activate it, show it, replace it."""

import argparse
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ..errors import AccessRefusedError
from ..keys import HolderKey
from .exit_codes import Exit
from .output import Output

_STATUSES: Final = {"in-force": "active", "pending": "not approved yet", "unused": "not activated"}
_NEWS_TAKES_S: Final = 5.0


def new_key(options: argparse.Namespace, output: Output) -> Exit:
    """Make a key: the secret goes to a file or the terminal, nowhere else."""
    key = HolderKey.make()
    if options.prints:
        _report_new(key, options, output)
        return Exit.DONE
    key.save(Path(options.file))
    with output.after(
        f"The key is in {options.file}, but its digest could not be printed. Delete the file, and "
        "make another key."
    ):
        _report_new(key, options, output)
    return Exit.DONE


def _report_new(key: HolderKey, options: argparse.Namespace, output: Output) -> None:
    place = key.secret if options.prints else f"in {options.file}, which only you can read"
    output.line(f"Key          {place}")
    output.line(f"Digest       {key.digest}")
    output.line(f"Fingerprint  {key.fingerprint}")
    output.line("Give the digest to whoever issues the key, and nobody the key itself. Then run")
    output.line("`unseen key activate`, and read the fingerprint to whoever approves the key.")
    member = {"key": key.secret} if options.prints else {"file": options.file}
    output.document({**member, "digest": key.digest, "fingerprint": key.fingerprint})


# The client needs httpx, and a new key does not.
def activate_key(options: argparse.Namespace, output: Output) -> Exit:
    """Use a key for the first time."""
    return _describe(options, "activate_key", output)


def show_key(options: argparse.Namespace, output: Output) -> Exit:
    """Show what the service knows of a key."""
    return _describe(options, "own_key", output)


def rotate_key(options: argparse.Namespace, output: Output) -> Exit:
    """Replace a key by one that is made here, and activate that."""
    from ..client import Client  # noqa: PLC0415

    new = HolderKey.make()
    new.save(Path(options.file))
    try:
        with Client(options.server, options.key, insecure=options.insecure) as client:
            client.replace_key(new.digest, options.overlap)
        own = _activate_when_known(options, new)
    except BaseException:
        output.note(
            f"The key in {options.file} may not be active: `unseen key show` tells. If it is not "
            "registered, the old one still works."
        )
        raise
    with output.after(f"The new key in {options.file} is registered; `unseen key show` shows it."):
        output.line(f"Key          in {options.file}, which only you can read")
        output.line(
            f"Key {own['id']} is {_state(own)}. The old one works for {options.overlap} s more."
        )
        output.document({"file": options.file, **own})
    return Exit.DONE


def _activate_when_known(options: argparse.Namespace, new: HolderKey) -> dict[str, Any]:
    """Activate a key that was registered just now: each worker hears of it within a second."""
    from ..client import Client  # noqa: PLC0415

    deadline = time.monotonic() + _NEWS_TAKES_S
    with Client(options.server, new.secret, insecure=options.insecure) as client:
        while True:
            try:
                return _document(client.activate_key())
            except AccessRefusedError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)


def _describe(options: argparse.Namespace, call: str, output: Output) -> Exit:
    from ..client import Client  # noqa: PLC0415

    with Client(options.server, options.key, insecure=options.insecure) as client:
        own = _document(getattr(client, call)())
    with output.after("The service knows the key; `unseen key show` shows it."):
        _report_own(own, output)
    return Exit.DONE


def _report_own(own: dict[str, Any], output: Output) -> None:
    output.line(f"Key {own['id']} of {own['platform']} ({', '.join(own['scopes'])}): {_state(own)}")
    output.line(f"Fingerprint  {own['fingerprint']}")
    if own["status"] == "pending":
        output.line(
            "Read the fingerprint to the admin who approves the key. Of the first two admins,"
        )
        output.line("each needs only the other to activate theirs.")
    output.document(own)


def _state(own: dict[str, Any]) -> str:
    status, end = str(own["status"]), own["expires_at"]
    return _STATUSES.get(status, status) + (f" until {end[:10]}" if end else "")


def _document(own: Any) -> dict[str, Any]:
    end = own.expires_at
    return {**asdict(own), "scopes": [*own.scopes], "expires_at": end and end.isoformat()}
