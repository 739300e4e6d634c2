"""Checkpoints: the service signs the size of its log and the root of its content.

The last signed one is kept in a file beside the key, outside the database. Before the next is
signed, the log must extend it: a log that was rewritten in the database gets no signature.

The log itself records which key signs it: a key that was replaced, or lost and generated again,
is an entry before it signs for the first time.
"""

import asyncio
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from ..errors import SettingInvalid
from ..models.audit import SERVICE, AuditEvent, AuditHead, AuditKind
from ..store import Store, Transaction, audit
from ..tlog.chain import rewritten_error
from ..tlog.checkpoint import Checkpoint
from ..tlog.key_file import load_signer
from ..tlog.note import NoteInvalid, PublicKey, Signer


class Checkpoints:
    """Signs checkpoints of one log; `key` is the key's file, `kept` the last checkpoint's."""

    def __init__(self, store: Store, key: Path, kept: Path) -> None:
        self._store = store
        self._key = key
        self._kept = kept
        self._one_at_a_time = asyncio.Lock()

    def open(self) -> None:
        """Load the key, which is generated if there is none. Raises SettingInvalid."""
        self._signer  # noqa: B018

    @property
    def public_key(self) -> str:
        """The public key, in the format that verifiers need."""
        return self._signer.public_key.encode()

    async def current(self) -> str:
        """Sign the log as it is. Raises ChainBroken if it does not extend the last checkpoint."""
        return await self.of(None)

    async def of(self, size: int | None) -> str:
        """Sign the log at a size (None: as it is), as a prefix of what it is now.

        Raises ChainBroken if the log does not extend the last checkpoint that was kept.
        """
        async with self._one_at_a_time:
            kept = read_checkpoint(self._kept, await self._recorded_keys())
            async with self._store.snapshot() as tx:
                head = await audit.head(tx)
                await _compare_checkpoint(tx, kept, head)
                size = head.position if size is None else size
                (root,) = await audit.span_hashes(tx, [(0, size)])
            return await self._signed(Checkpoint(self._signer.name, size, root), kept)

    async def _recorded_keys(self) -> list[PublicKey]:
        """Record the signing key in the log if it is new. Return all recorded, newest first."""
        async with self._store.snapshot() as tx:
            named = await audit.signers(tx)
        if named[:1] != [self.public_key]:
            async with self._store.transaction() as tx:
                # Of several processes with the same new key only one records it.
                await audit.lock(tx)
                named = await audit.signers(tx)
                if named[:1] != [self.public_key]:
                    await audit.append(tx, _changed(self.public_key, *named[:1]))
        return [self._signer.public_key, *_readable(named)]

    @cached_property
    def _signer(self) -> Signer:
        return load_signer(self._key)

    async def _signed(self, checkpoint: Checkpoint, kept: Checkpoint | None) -> str:
        note = self._signer.sign(checkpoint.encode())
        if kept is None or kept.size < checkpoint.size:
            await asyncio.to_thread(_keep, self._kept, note)
        return note


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
    newest, *older = public_keys
    try:
        note = path.read_text(encoding="utf-8")
        for public_key in older:
            with suppress(NoteInvalid):
                return Checkpoint.parse(public_key.open(note))
        return Checkpoint.parse(newest.open(note))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be read: {error.strerror}.") from None
    except (NoteInvalid, UnicodeDecodeError) as error:
        raise SettingInvalid(
            f"{path} holds no checkpoint of this log's key ({newest.name}). {error}"
        ) from None


def _changed(public_key: str, before: str | None = None) -> AuditEvent:
    return AuditEvent(
        AuditKind.AUDIT_KEY_CHANGED, SERVICE, None, {"verifier": public_key, "before": before}
    )


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
    with draft.open("w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
