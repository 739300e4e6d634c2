"""Checkpoints: the service signs the size of its log and the root of its content.

Inside, the log is signed every minute: the last checkpoint is kept in a file beside the key,
outside the database, and before the next is signed, the log must extend it. So a log that was
rewritten in the database gets no signature. Outside, a checkpoint is handed out once an hour, to
witnesses and to platforms: the sizes of more would tell when people submit.

What should be there and is not is a failure: the key and the kept checkpoint may be missing only
if nothing says that the log was ever signed.

The log itself records which key signs it: before a key signs for the first time, and when the
operator replaces it.
"""

import asyncio
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from ..errors import CheckpointMissing, SettingInvalid
from ..models.audit import SERVICE, AuditEvent, AuditHead, AuditKind, Staff
from ..models.checkpoints import PublishedCheckpoint
from ..runtime.private_files import sync_folder
from ..store import Store, Transaction, audit
from ..store import checkpoints as stored
from ..tlog.chain import rewritten_error
from ..tlog.checkpoint import Checkpoint
from ..tlog.key_file import generate_beside, load_or_generate, load_signer
from ..tlog.merkle import EMPTY
from ..tlog.note import NoteInvalid, PublicKey, Signer
from .actors import staff_event

_PUBLISHING = 0x756E73656370


class Checkpoints:
    """Signs checkpoints of one log; `key` is the key's file, `kept` the last checkpoint's."""

    def __init__(self, store: Store, key: Path, kept: Path) -> None:
        self._store = store
        self._key = key
        self._kept = kept
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Load the key; generate it if the log was never signed.

        Raises SettingInvalid, also if the log was signed and there is no key; StoreUnavailable.
        """
        if not self._key.exists() and not await self._was_signed():
            load_or_generate(self._key)
        self._signer  # noqa: B018

    async def _was_signed(self) -> bool:
        """Return whether there is any sign that the log was signed before."""
        async with self._store.snapshot() as tx:
            named = await audit.signers(tx)
        return bool(named or self._kept.exists() or await published(self._store))

    @property
    def public_key(self) -> str:
        """The public key, in the format that verifiers need. Raises SettingInvalid."""
        return self._signer.public_key.encode()

    async def current(self) -> str:
        """Sign the log as it is. Raises what `of` does."""
        return await self.of(None)

    async def of(self, size: int | None) -> str:
        """Sign the log at a size (None: as it is), as a prefix of what it is now.

        Raises ChainBroken if the log does not extend the checkpoint that was kept, or that is
        missing; SettingInvalid if the key is missing, or another than the log names.
        """
        async with self._one_at_a_time:
            kept, _ = await self._last_kept()
            async with self._store.snapshot() as tx:
                head = await audit.head(tx)
                await _compare_checkpoint(tx, kept, head)
                size = head.position if size is None else size
                (root,) = await audit.span_hashes(tx, [(0, size)]) if size else (EMPTY,)
            return await self._signed(Checkpoint(self._signer.name, size, root), kept)

    async def keep(self) -> None:
        """Sign the log as it is, for the file outside the database. Raises what `of` does."""
        await self.open()
        await self.current()

    async def publish_if_due(self, every_s: float) -> PublishedCheckpoint | None:
        """Sign the log to hand it out, unless any worker did within `every_s`.

        Return what is handed out now. Raises what `of` does.
        """
        async with self._store.exclusive(_PUBLISHING) as is_exclusive:
            newest = await published(self._store)
            # A time in the future was stored while PostgreSQL's clock was ahead.
            if not is_exclusive or (newest and 0 <= newest.age_s < every_s):
                return newest
            note = await self.current()
            async with self._store.transaction() as tx:
                await stored.publish(tx, int(note.split("\n")[1]), note)
            return await published(self._store)

    async def adopt_published(self) -> PublishedCheckpoint | None:
        """Keep the checkpoint that was handed out last: on a host that has a key and nothing else.

        Return it. Raises ChainBroken if the log does not extend it, SettingInvalid.
        """
        newest = await published(self._store)
        if newest is not None and not self._kept.exists():
            await self._accept(read_note(newest.note, await self._public_keys()), newest.note)
        return newest

    async def accept(self, by: Staff, reason: str) -> str:
        """Sign the log as it is found, whatever was kept before. Record that, and return the note.

        For a log that was restored from a backup, or whose kept checkpoint is lost. Raises
        SettingInvalid.
        """
        await self.open()
        await self._record_first_key(await self._public_keys())
        async with self._store.transaction() as tx:
            await audit.append(tx, staff_event(by, AuditKind.AUDIT_ACCEPTED, {"reason": reason}))
        await asyncio.to_thread(self._kept.unlink, missing_ok=True)
        async with self._store.snapshot() as tx:
            head = await audit.head(tx)
            (root,) = await audit.span_hashes(tx, [(0, head.position)])
        return await self._signed(Checkpoint(self._signer.name, head.position, root), None)

    async def replace_key(self, by: Staff, reason: str) -> str:
        """Generate another key, which the log records first; the old one is kept beside it.

        Return the new public key. Raises SettingInvalid.
        """
        async with self._store.transaction() as tx:
            head = await audit.lock(tx)
            before = (await audit.signers(tx))[:1]
            # The name is the log's in what witnesses keep: it stays.
            names = [each.name for each in _readable(before)]
            signer, put_in_place = generate_beside(self._key, *names)
            details = {
                "verifier": signer.public_key.encode(),
                "before": before[0] if before else None,
                "reason": reason,
            }
            event = staff_event(by, AuditKind.AUDIT_KEY_CHANGED, details)
            await audit.append(tx, event, head)
        put_in_place()
        return signer.public_key.encode()

    async def _accept(self, checkpoint: Checkpoint, note: str) -> None:
        async with self._store.snapshot() as tx:
            await _compare_checkpoint(tx, checkpoint, await audit.head(tx))
        await asyncio.to_thread(_keep, self._kept, note)

    async def _last_kept(self) -> tuple[Checkpoint | None, list[PublicKey]]:
        """Return the kept checkpoint, None if the log was never signed, and the keys."""
        public_keys = await self._public_keys()
        kept = read_checkpoint(self._kept, public_keys)
        if kept is None and (len(public_keys) > 1 or await published(self._store)):
            raise CheckpointMissing(str(self._kept))
        await self._record_first_key(public_keys)
        return kept, public_keys

    async def _public_keys(self) -> list[PublicKey]:
        """Return this key, then those that the log names, newest first. Raises SettingInvalid."""
        async with self._store.snapshot() as tx:
            named = await audit.signers(tx)
        if named and named[0] != self.public_key:
            raise SettingInvalid(
                f"{self._key} holds another key than the audit log names. Put the right one back, "
                "or use 'unseen-service audit new-key', which records the change."
            )
        return [self._signer.public_key, *_readable(named)]

    async def _record_first_key(self, public_keys: Sequence[PublicKey]) -> None:
        """Record the key that signs the log for the first time; an empty log stays empty."""
        if len(public_keys) > 1:
            return
        async with self._store.transaction() as tx:
            # Of several processes only one records it.
            head = await audit.lock(tx)
            if head.position and not await audit.signers(tx):
                await audit.append(tx, _changed(self.public_key), head)

    @cached_property
    def _signer(self) -> Signer:
        return load_signer(self._key)

    async def _signed(self, checkpoint: Checkpoint, kept: Checkpoint | None) -> str:
        note = self._signer.sign(checkpoint.encode())
        if kept is None or kept.size < checkpoint.size:
            await asyncio.to_thread(_keep, self._kept, note)
        return note


async def published(store: Store) -> PublishedCheckpoint | None:
    """Return the checkpoint that is handed out now; None if none was yet."""
    async with store.transaction() as tx:
        return await stored.published(tx)


async def past_keys(store: Store) -> list[PublicKey]:
    """Return the public keys that the log says it was signed with, newest first."""
    async with store.snapshot() as tx:
        return _readable(await audit.signers(tx))


def kept_checkpoints(
    own: Path, given: Iterable[Path], public_keys: Sequence[PublicKey]
) -> list[Checkpoint]:
    """Return the service's own kept checkpoint, if there is one, and those of others.

    Each is signed with one of the keys, which are newest first. Raises SettingInvalid.
    """
    found = [read_checkpoint(own, public_keys)]
    for path in given:
        if not path.exists():
            raise SettingInvalid(f"There is no checkpoint in {path}: the file does not exist.")
        found.append(read_checkpoint(path, public_keys))
    return [each for each in found if each is not None]


def read_checkpoint(path: Path, public_keys: Sequence[PublicKey]) -> Checkpoint | None:
    """Return the checkpoint in a file, signed by one of the keys; None if there is no file.

    Raises SettingInvalid.
    """
    try:
        return read_note(path.read_text(encoding="utf-8"), public_keys)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be read: {error.strerror}.") from None
    except (NoteInvalid, UnicodeDecodeError) as error:
        raise SettingInvalid(
            f"{path} holds no checkpoint of this log's key ({public_keys[0].name}). {error}"
        ) from None


def read_note(note: str, public_keys: Sequence[PublicKey]) -> Checkpoint:
    """Return the checkpoint of a note that one of the keys has signed. Raises NoteInvalid."""
    newest, *older = public_keys
    for public_key in older:
        with suppress(NoteInvalid):
            return Checkpoint.parse(public_key.open(note))
    return Checkpoint.parse(newest.open(note))


def _changed(public_key: str) -> AuditEvent:
    details = {"verifier": public_key, "before": None}
    return AuditEvent(AuditKind.AUDIT_KEY_CHANGED, SERVICE, None, details)


def _readable(public_keys: Iterable[str]) -> list[PublicKey]:
    found = []
    for each in public_keys:
        with suppress(NoteInvalid):  # the log may have been tampered with
            found.append(PublicKey.parse(each))
    return found


async def _compare_checkpoint(tx: Transaction, known: Checkpoint | None, head: AuditHead) -> None:
    """Raise ChainBroken if the log does not extend a known checkpoint."""
    if known is None or known.size == 0:
        return
    if known.size > head.position:
        raise rewritten_error(head.position, known.size)
    if await audit.span_hashes(tx, [(0, known.size)]) != [known.root]:
        raise rewritten_error(0, known.size)


def _keep(path: Path, note: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:  # noqa: PTH123
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)
