"""What `unseen-service keys …` and `unseen-service audit …` do."""

import os
import pwd
import re
import sys
from argparse import ArgumentTypeError, Namespace
from dataclasses import replace
from datetime import datetime, timedelta

from . import oversight
from .chain import Verifier as Chain
from .commands import ask
from .models import IssuedKey, Key, KeyStatus, NewKey, Scope, Staff
from .proof import Checkpoint, Signer, load_signer
from .settings import Settings
from .store import Store

_SPAN = re.compile(r"([0-9]{1,6})([smhd])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """Read a span of time as `30m`, `12h` or `7d` (for argparse)."""
    found = _SPAN.match(text)
    if found is None:
        raise ArgumentTypeError("a span of time is a number and s, m, h or d, for example 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def key_id(text: str) -> int:
    """Read a key's number (for argparse); what is none may be a key, so it is not repeated."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ArgumentTypeError("a key is named by its number, as 'keys list' shows it")
    return int(text)


def issue_key(given: Namespace) -> None:
    """Make a key and show it, once."""
    scopes = frozenset(Scope(each) for each in given.scope)

    async def issue(store: Store) -> IssuedKey:
        expires_at = await oversight.now(store) + given.expires if given.expires else None
        new = NewKey(given.platform, scopes, given.note, expires_at)
        return await oversight.issue_key(store, new, who(given))

    issued = ask(given, issue)
    print(f"key {issued.id} for {given.platform} ({', '.join(sorted(scopes))}):", file=sys.stderr)
    _show(issued)


def rotate_key(given: Namespace) -> None:
    """Make a key that takes the place of another, and show it, once."""
    seconds = int(given.overlap.total_seconds())
    issued = ask(
        given,
        lambda store: oversight.rotate_key(store, given.key, who(given), overlap_s=seconds),
    )
    print(f"key {issued.id} takes the place of key {given.key}:", file=sys.stderr)
    _show(issued)


def approve_key(given: Namespace) -> None:
    """Put a waiting key in force, as a second person."""
    ask(given, lambda store: oversight.approve_key(store, given.key, who(given)))
    print(f"key {given.key} is in force")


def revoke_key(given: Namespace) -> None:
    """Put a key out of force."""
    ask(given, lambda store: oversight.revoke_key(store, given.key, who(given)))
    print(f"key {given.key} is out of force")


def list_keys(given: Namespace) -> None:
    """Show every key, without what is secret."""

    async def listed(store: Store) -> list[str]:
        now = await oversight.now(store)
        return [_key_line(key, now) for key in await oversight.list_keys(store)]

    print("\n".join(ask(given, listed)) or "no key was issued yet")


def verify_audit(given: Namespace) -> None:
    """Walk the log: the chain, the tree, and the checkpoints that were kept outside."""

    async def verify(store: Store) -> str:
        kept = await _kept(given, store)
        return _verified(await oversight.verify_audit(store, kept, who(given)), kept)

    print(ask(given, verify))


def show_audit_key(given: Namespace) -> None:
    """Print the public key of the checkpoints; the pair is made where there is none."""
    print(_files(given)[1].verifier.encode())


def show_checkpoint(given: Namespace) -> None:
    """Sign the log as it is, and print the checkpoint."""
    print(ask(given, lambda store: _checkpoints(given, store).current()), end="")


def export_audit(given: Namespace) -> None:
    """Write the whole log and its checkpoint, a line of JSON each, to the standard output."""

    async def export(store: Store) -> None:
        size, pages = await oversight.export_audit(store, who(given), given.reason)
        checkpoint = await _checkpoints(given, store).of(size)
        async for page in pages:
            sys.stdout.buffer.write(oversight.export_lines(page))
        sys.stdout.buffer.write(oversight.last_line(checkpoint))

    ask(given, export)


async def _kept(given: Namespace, store: Store) -> list[Checkpoint]:
    """Read the checkpoints to verify against; where no key was made, nothing was signed yet."""
    if not given.checkpoint and not _settings(given).audit_key.exists():
        return []
    settings, signer = _files(given)
    verifiers = [signer.verifier, *await oversight.past_keys(store)]
    return oversight.kept_checkpoints(settings.kept_checkpoint, given.checkpoint, verifiers)


def who(given: Namespace) -> Staff:
    """Say who this is: --by, which is taken on trust, and the account, which is not."""
    name = _account_name()
    account = f"{name or 'without a name'} ({os.getuid()})"
    if given.by or name:
        return oversight.operator(given.by or name, account)
    return replace(oversight.OPERATOR, account=account)


def _account_name() -> str:
    """Name the account that this process runs as: by its number, not by what its environment says.

    Empty for one without a name, as containers may have.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def _settings(given: Namespace) -> Settings:
    """Read the settings of what lies outside the database, whether there is one or not."""
    environment = {**os.environ, "DATABASE_URL": "-", "UNSEEN_DATA": str(given.data)}
    return Settings.from_environment(environment)


def _files(given: Namespace) -> tuple[Settings, Signer]:
    """Find the audit log's key, which is made where there is none."""
    settings = _settings(given)
    return settings, load_signer(settings.audit_key)


def _checkpoints(given: Namespace, store: Store) -> oversight.Checkpoints:
    settings, _ = _files(given)
    return oversight.Checkpoints(store, settings.audit_key, settings.kept_checkpoint)


def _verified(end: Chain, kept: list[Checkpoint]) -> str:
    grown = ", ".join(f"of {each.size} entries" for each in kept)
    return (
        f"chain verified: {end.position} entries, the last is {end.digest.hex()}\n"
        f"tree verified: its root is {end.root.hex()}\n"
        + (f"grown from the kept checkpoint {grown}" if kept else "no checkpoint was kept yet")
    )


def _show(issued: IssuedKey) -> None:
    print(issued.key)
    print("It is shown this once. Keep it as you keep a password.", file=sys.stderr)
    if issued.status is KeyStatus.PENDING:
        print(
            "It opens nothing until another person approves it: "
            f"unseen-service keys approve {issued.id} --by NAME",
            file=sys.stderr,
        )


def _key_line(key: Key, now: datetime) -> str:
    status = key.status(now)
    when = key.revoked_at if status is KeyStatus.REVOKED else key.expires_at
    state = status.value.replace("-", " ")
    if when is not None:
        state += f" {'since' if status is KeyStatus.REVOKED else 'until'} {when:%Y-%m-%d}"
    scopes = ",".join(sorted(key.scopes))
    note = f"  {key.note}" if key.note else ""
    return f"{key.id:>4}  {key.platform:<24} {scopes:<24} {key.created_at:%Y-%m-%d}  {state}{note}"
