"""`unseen-service keys …`: bootstrap, issue, approve, rotate, limit, revoke and list keys."""

from argparse import Namespace
from datetime import datetime

from ..credentials import key_fingerprint
from ..errors import OperatorError
from ..models.keys import IssuedKey, Key, KeyStatus, NewKey, Scope, needs_approval
from ..store import Store
from ..usecases import key_approval, key_limits
from ..usecases import keys as usecase
from .acting import acting_admin, acting_operator
from .database import run_with_store
from .output import flush, notice
from .typed_command import same_database


class NothingToChange(OperatorError):
    """`keys limit` was given no limit."""


class TwoAdminsNeeded(OperatorError):
    """`keys bootstrap` was not given two admins."""


class KeyNotShown(OperatorError):
    """A key was issued, and the output that was to show it cannot be written."""


def issue(args: Namespace) -> None:
    """Issue a key; if its holder did not make it, print it, once."""
    scopes = frozenset(Scope(each) for each in args.scope)
    digest = _digest(args)

    async def issue(store: Store) -> IssuedKey:
        expires_at = await usecase.now(store) + args.expires if args.expires else None
        new = NewKey(args.platform, scopes, args.note, expires_at, digest)
        return await usecase.issue_key(store, new, await acting_admin(args, store))

    issued = run_with_store(args, issue)
    notice(f"key {issued.id} for {args.platform} ({', '.join(sorted(scopes))}):")
    _show(args, issued, approval=needs_approval(scopes))


def bootstrap(args: Namespace) -> None:
    """Register the keys of the first two admins."""
    if len(args.admin) != 2:
        raise TwoAdminsNeeded("Give --admin NAME DIGEST twice: the first admins are two persons.")
    first, second = (
        key_approval.first_admin(name, usecase.read_digest(digest, "--admin"))
        for name, digest in args.admin
    )
    issued = run_with_store(
        args,
        lambda store: key_approval.bootstrap_admins(store, (first, second), acting_operator(args)),
    )
    for new, key in zip((first, second), issued, strict=True):
        print(f"key {key.id} of {new.platform}: {key_fingerprint(key.digest)}")
    notice(
        "Both compare theirs with what 'unseen key new' printed. Both keys become active once each "
        "has run: unseen key activate --key-file FILE --server URL"
    )


def rotate(args: Namespace) -> None:
    """Issue a key that replaces another; if its holder did not make it, print it, once."""
    seconds, digest = int(args.overlap.total_seconds()), _digest(args)

    async def rotate(store: Store) -> IssuedKey:
        by = await acting_admin(args, store)
        return await usecase.rotate_key(store, args.key, by, overlap_s=seconds, digest=digest)

    issued = run_with_store(args, rotate)
    notice(f"key {issued.id} replaces key {args.key}:")
    _show(args, issued, approval=True)


def approve(args: Namespace) -> None:
    """Activate a pending key, as a second admin."""

    async def approve(store: Store) -> None:
        await key_approval.approve_key(store, args.key, await acting_admin(args, store))

    run_with_store(args, approve)
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


def _digest(args: Namespace) -> bytes | None:
    return None if args.digest is None else usecase.read_digest(args.digest, "--digest")


def _show(args: Namespace, issued: IssuedKey, *, approval: bool) -> None:
    """Print a new key, or its fingerprint if its holder made it, and what to do next."""
    if issued.secret is not None:
        _print_secret(issued.id, issued.secret)
        return
    print(f"fingerprint {key_fingerprint(issued.digest)}")
    notice(
        "It is inactive until its holder has activated it: unseen key activate --key-file FILE"
        " --server URL"
    )
    if approval:
        command = same_database(args, "keys", "approve", str(issued.id), "--key-file", "FILE")
        notice(
            "If its scopes need it, another admin approves it then, to whom the holder reads the"
            f" fingerprint: on the staff page, or with {command}"
        )


def _print_secret(key_id: int, secret: str) -> None:
    try:
        print(secret)
        flush()
    except OSError as error:
        raise KeyNotShown(
            f"Key {key_id} was issued and could not be shown ({error.strerror}): revoke it with "
            f"'unseen-service keys revoke {key_id}', and issue another."
        ) from None
    notice("It is shown only once. Keep it as you would a password.")


def _key_line(key: Key, now: datetime) -> str:
    status = key.status(now)
    when = key.revoked_at if status is KeyStatus.REVOKED else key.expires_at
    state = "active" if status is KeyStatus.IN_FORCE else status.value
    if when is not None:
        state += f" {'since' if status is KeyStatus.REVOKED else 'until'} {when:%Y-%m-%d}"
    scopes = ",".join(sorted(key.scopes))
    note = f"  {key.note}" if key.note else ""
    known = key_fingerprint(key.digest) if key.made_by_holder else "secret known to its issuer"
    return (
        f"{key.id:>4}  {key.platform:<24} {scopes:<24} {key.created_at:%Y-%m-%d}  {state}  {known}"
        f"{note}"
    )
