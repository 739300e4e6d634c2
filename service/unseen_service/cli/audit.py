"""`unseen-service audit …`: verify, sign and export the audit log; its key and its witnesses."""

import sys
from argparse import Namespace

from ..errors import CheckpointMissing
from ..models.audit import AuditEntry
from ..settings import Settings
from ..store import Store
from ..tlog.chain import LogVerifier
from ..tlog.checkpoint import Checkpoint
from ..tlog.key_file import load_signer
from ..usecases import audit_log, checkpoints, witnesses
from .acting import acting_operator, settings_of
from .database import run_with_store


def verify(args: Namespace) -> None:
    """Verify the log, what it explains of the database, and what was kept outside of it."""

    async def verify(store: Store) -> str:
        settings = settings_of(args)
        kept = await _kept(args, settings, store)
        end = await audit_log.verify_audit(store, kept, acting_operator(args))
        await witnesses.check(store, settings)
        return _report(end, kept, await audit_log.baselines(store))

    print(run_with_store(args, verify))


def show_key(args: Namespace) -> None:
    """Print the public key of the checkpoints; the pair is created if nothing was ever signed."""

    async def show(store: Store) -> str:
        signing = _checkpoints(args, store)
        await signing.open()
        return signing.public_key

    print(run_with_store(args, show))


def new_key(args: Namespace) -> None:
    """Replace the key that signs checkpoints, and print the new public key."""

    async def replace(store: Store) -> str:
        return await _checkpoints(args, store).replace_key(acting_operator(args), args.reason)

    print(run_with_store(args, replace))


def accept(args: Namespace) -> None:
    """Accept the log as it is, whatever checkpoint was kept, and print its checkpoint."""

    async def accept(store: Store) -> str:
        return await _checkpoints(args, store).accept(acting_operator(args), args.reason)

    print(run_with_store(args, accept), end="")


def show_checkpoint(args: Namespace) -> None:
    """Sign the log as it is now, and print the checkpoint."""

    async def sign(store: Store) -> str:
        signing = _checkpoints(args, store)
        await signing.open()
        return await signing.current()

    print(run_with_store(args, sign), end="")


def export(args: Namespace) -> None:
    """Write the log and its checkpoint to standard output, one line of JSON each."""

    async def export(store: Store) -> None:
        signing = _checkpoints(args, store)
        await signing.open()
        size, pages = await audit_log.export_audit(store, acting_operator(args), args.reason)
        checkpoint = await signing.of(size)
        async for page in pages:
            sys.stdout.buffer.write(audit_log.export_lines(page))
        sys.stdout.buffer.write(audit_log.last_line(checkpoint))

    run_with_store(args, export)


async def _kept(args: Namespace, settings: Settings, store: Store) -> list[Checkpoint]:
    """Read the checkpoints to verify against. Raises SettingInvalid, CheckpointMissing."""
    own = settings.kept_checkpoint
    is_signed = own.exists() or settings.audit_key.exists()
    if not is_signed and not await audit_log.size(store):
        return []
    past = await checkpoints.past_keys(store)
    public_keys = [load_signer(settings.audit_key).public_key, *past]
    if not own.exists():
        raise CheckpointMissing(str(own))
    kept = checkpoints.kept_checkpoints(own, args.checkpoint, public_keys)
    return [*kept, *await witnesses.kept_checkpoints(store, settings, public_keys)]


def _checkpoints(args: Namespace, store: Store) -> checkpoints.Checkpoints:
    settings = settings_of(args)
    return checkpoints.Checkpoints(store, settings.audit_key, settings.kept_checkpoint)


def _report(end: LogVerifier, kept: list[Checkpoint], baselines: list[AuditEntry]) -> str:
    sizes = sorted({each.size for each in kept})
    grown = ", ".join(f"of {size} entries" for size in sizes)
    return (
        f"chain verified: {end.position} entries, the last is {end.digest.hex()}\n"
        f"tree verified: its root is {end.root.hex()}\n"
        "state verified: the log explains cases, hashes, keys, feeds, reviews and matches\n"
        + _vouched(baselines)
        + (f"consistent with the checkpoint {grown}" if kept else "the log is empty")
    )


def _vouched(baselines: list[AuditEntry]) -> str:
    """Return what was vouched for, and not proven: an operator knows when they upgraded."""
    if not baselines:
        return ""
    objects = sum(int(entry.details.get("objects") or 0) for entry in baselines)
    first, last = baselines[0], baselines[-1]
    return (
        f"of it, {objects} objects were vouched for as they were found, from"
        f" {first.at:%Y-%m-%d %H:%M} to {last.at:%Y-%m-%d %H:%M} UTC (log.baseline, the last is"
        f" entry {last.position}): at an upgrade this is as it should be\n"
    )
