"""`unseen-service keys …`: issue, approve, rotate, limit, pause, resume, revoke and list keys."""

from argparse import Namespace
from datetime import datetime

from ..errors import OperatorError
from ..models.keys import IssuedKey, Key, KeyStatus, NewKey, Scope
from ..store import Store
from ..usecases import key_limits
from ..usecases import keys as usecase
from .acting import acting_operator
from .database import run_with_store
from .output import flush, notice


class NothingToChange(OperatorError):
    """`keys limit` was given no limit."""


class KeyNotShown(OperatorError):
    """A key was issued, and the output that was to show it cannot be written."""


def issue(args: Namespace) -> None:
    """Issue a key and print it, once."""
    scopes = frozenset(Scope(each) for each in args.scope)

    async def issue(store: Store) -> IssuedKey:
        expires_at = await usecase.now(store) + args.expires if args.expires else None
        new = NewKey(args.platform, scopes, args.note, expires_at)
        return await usecase.issue_key(store, new, acting_operator(args))

    issued = run_with_store(args, issue)
    notice(f"key {issued.id} for {args.platform} ({', '.join(sorted(scopes))}):")
    _print_key(issued)


def rotate(args: Namespace) -> None:
    """Issue a key that replaces another, and print it, once."""
    seconds = int(args.overlap.total_seconds())
    issued = run_with_store(
        args,
        lambda store: usecase.rotate_key(store, args.key, acting_operator(args), overlap_s=seconds),
    )
    notice(f"key {issued.id} replaces key {args.key}:")
    _print_key(issued)


def approve(args: Namespace) -> None:
    """Activate a pending key, as a second person."""
    run_with_store(args, lambda store: usecase.approve_key(store, args.key, acting_operator(args)))
    print(f"key {args.key} is active")


def revoke(args: Namespace) -> None:
    """Revoke a key."""
    run_with_store(args, lambda store: usecase.revoke_key(store, args.key, acting_operator(args)))
    print(f"key {args.key} is revoked")


def limit(args: Namespace) -> None:
    """Change a key's limits."""
    changed = {"requests": args.requests, "hashes": args.hashes, "coarse": args.coarse}
    if all(value is None for value in changed.values()):
        raise NothingToChange("Nothing to change: give --requests, --hashes, --coarse or --exact.")
    by = acting_operator(args)
    run_with_store(args, lambda store: key_limits.limit_key(store, args.key, by, **changed))
    print(f"key {args.key} has new limits")


def pause(args: Namespace) -> None:
    """Pause a key."""
    by = acting_operator(args)
    run_with_store(args, lambda store: key_limits.pause_key(store, args.key, args.reason, by))
    print(f"key {args.key} is paused")


def resume(args: Namespace) -> None:
    """End a key's pause."""
    by = acting_operator(args)
    run_with_store(args, lambda store: key_limits.resume_key(store, args.key, args.reason, by))
    print(f"key {args.key} is no longer paused")


def list_keys(args: Namespace) -> None:
    """Print every key, without its secret."""

    async def listed(store: Store) -> list[str]:
        now = await usecase.now(store)
        return [_key_line(key, now) for key in await usecase.list_keys(store)]

    print("\n".join(run_with_store(args, listed)) or "no key was issued yet")


def _print_key(issued: IssuedKey) -> None:
    try:
        print(issued.key)
        flush()
    except OSError as error:
        raise KeyNotShown(
            f"Key {issued.id} was issued and could not be shown ({error.strerror}): revoke it with "
            f"'unseen-service keys revoke {issued.id}', and issue another."
        ) from None
    notice("It is shown only once. Keep it as you would a password.")
    if issued.status is KeyStatus.PENDING:
        notice(
            "It is inactive until someone else approves it: "
            f"unseen-service keys approve {issued.id} --by NAME"
        )


def _key_line(key: Key, now: datetime) -> str:
    status = key.status(now)
    when = key.revoked_at if status is KeyStatus.REVOKED else key.expires_at
    state = "active" if status is KeyStatus.IN_FORCE else status.value
    if when is not None:
        state += f" {'since' if status is KeyStatus.REVOKED else 'until'} {when:%Y-%m-%d}"
    scopes = ",".join(sorted(key.scopes))
    note = f"  {key.note}" if key.note else ""
    return f"{key.id:>4}  {key.platform:<24} {scopes:<24} {key.created_at:%Y-%m-%d}  {state}{note}"
