"""`unseen-service audit …`: verify, sign and export the audit log."""

import sys
from argparse import Namespace

from ..settings import Settings
from ..store import Store
from ..tlog.chain import LogVerifier
from ..tlog.checkpoint import Checkpoint
from ..tlog.key_file import load_signer
from ..tlog.note import Signer
from ..usecases import audit_log, checkpoints
from .acting import acting_operator, settings_of
from .database import run_with_store


def verify(args: Namespace) -> None:
    """Verify the log: the chain, the tree, and the checkpoints that were kept outside it."""

    async def verify(store: Store) -> str:
        kept = await _kept(args, store)
        by = acting_operator(args)
        return _report(await audit_log.verify_audit(store, kept, by), kept)

    print(run_with_store(args, verify))


def show_key(args: Namespace) -> None:
    """Print the public key of the checkpoints; the pair is created if there is none."""
    print(_settings_and_signer(args)[1].public_key.encode())


def show_checkpoint(args: Namespace) -> None:
    """Sign the log as it is now, and print the checkpoint."""
    print(run_with_store(args, lambda store: _checkpoints(args, store).current()), end="")


def export(args: Namespace) -> None:
    """Write the log and its checkpoint to standard output, one line of JSON each."""

    async def export(store: Store) -> None:
        size, pages = await audit_log.export_audit(store, acting_operator(args), args.reason)
        checkpoint = await _checkpoints(args, store).of(size)
        async for page in pages:
            sys.stdout.buffer.write(audit_log.export_lines(page))
        sys.stdout.buffer.write(audit_log.last_line(checkpoint))

    run_with_store(args, export)


async def _kept(args: Namespace, store: Store) -> list[Checkpoint]:
    """Read the checkpoints to verify against; none if nothing was signed yet."""
    if not args.checkpoint and not settings_of(args).audit_key.exists():
        return []
    settings, signer = _settings_and_signer(args)
    public_keys = [signer.public_key, *await checkpoints.past_keys(store)]
    return checkpoints.kept_checkpoints(settings.kept_checkpoint, args.checkpoint, public_keys)


def _settings_and_signer(args: Namespace) -> tuple[Settings, Signer]:
    """Return the settings and the audit log's key, which is created if there is none."""
    settings = settings_of(args)
    return settings, load_signer(settings.audit_key)


def _checkpoints(args: Namespace, store: Store) -> checkpoints.Checkpoints:
    settings, _ = _settings_and_signer(args)
    return checkpoints.Checkpoints(store, settings.audit_key, settings.kept_checkpoint)


def _report(end: LogVerifier, kept: list[Checkpoint]) -> str:
    grown = ", ".join(f"of {each.size} entries" for each in kept)
    return (
        f"chain verified: {end.position} entries, the last is {end.digest.hex()}\n"
        f"tree verified: its root is {end.root.hex()}\n"
        + (f"consistent with the checkpoint {grown}" if kept else "there is no checkpoint yet")
    )
