"""Checkpoints: the service signs how long its log is, and what is in it.

The last one signed is kept in a file beside the key, outside the database. Before the next is
signed, the log must have grown from it: so a log that was rewritten underneath gets no signature.

The log itself names the key that signs it. One that was replaced, or lost and made anew, is an
entry before it signs for the first time.
"""

import asyncio
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from ..errors import SettingInvalid
from ..models.audit import SERVICE, AuditEvent, AuditHead
from ..store import Store, Transaction, audit
from ..tlog.chain import rewritten
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
        """Load the key, which is made where there is none; raise SettingInvalid."""
        self._signer  # noqa: B018

    @property
    def public_key(self) -> str:
        """The public key, as others need it to verify."""
        return self._signer.public_key.encode()

    async def current(self) -> str:
        """Sign the log as it is; raise ChainBroken where it has not grown from the last one."""
        return await self.of(None)

    async def of(self, size: int | None) -> str:
        """Sign the log as it was at a size (None: as it is), as a beginning of what it is now.

        Raises ChainBroken where the log has not grown from the last checkpoint that was kept.
        """
        async with self._one_at_a_time:
            kept = read_checkpoint(self._kept, await self._announced())
            async with self._store.snapshot() as tx:
                head = await audit.head(tx)
                await _hold(tx, kept, head)
                size = head.position if size is None else size
                (root,) = await audit.span_hashes(tx, [(0, size)])
            return await self._signed(Checkpoint(self._signer.name, size, root), kept)

    async def _announced(self) -> list[PublicKey]:
        """Have the log name the key that signs; answer all that it names, the newest first."""
        async with self._store.snapshot() as tx:
            named = await audit.signers(tx)
        if named[:1] != [self.public_key]:
            async with self._store.transaction() as tx:
                # Of several processes with the same new key one records it.
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
    """Give the public keys that the log says it was signed with, the newest first."""
    async with store.snapshot() as tx:
        return _readable(await audit.signers(tx))


def kept_checkpoints(
    own: Path, given: Iterable[Path], public_keys: Sequence[PublicKey]
) -> list[Checkpoint]:
    """Read the service's own kept checkpoint, if there is one, and those of others.

    Each is signed with one of the keys, the newest of which is the first. Raises SettingInvalid.
    """
    found = [read_checkpoint(own, public_keys)]
    for path in given:
        if not path.exists():
            raise SettingInvalid(f"There is no checkpoint in {path}: the file is not there.")
        found.append(read_checkpoint(path, public_keys))
    return [each for each in found if each is not None]


def read_checkpoint(path: Path, public_keys: Sequence[PublicKey]) -> Checkpoint | None:
    """Read a checkpoint that one of the keys has signed, None where there is no file.

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
        "audit.key-changed", SERVICE, None, {"verifier": public_key, "before": before}
    )


def _readable(public_keys: Iterable[str]) -> list[PublicKey]:
    found = []
    for each in public_keys:
        with suppress(NoteInvalid):  # the log may have been tampered with
            found.append(PublicKey.parse(each))
    return found


async def _hold(tx: Transaction, known: Checkpoint | None, head: AuditHead) -> None:
    """Raise ChainBroken where the log has not grown from a checkpoint that is known."""
    if known is None or known.size == 0:
        return
    if known.size > head.position:
        raise rewritten(head.position, known.size)
    if await audit.span_hashes(tx, [(0, known.size)]) != [known.root]:
        raise rewritten(0, known.size)


def _keep(path: Path, note: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
