"""Checkpoints: the service signs how long its log is, and what is in it.

The last one signed is kept in a file beside the key, outside the database. Before the next is
signed, the log must have grown from it: so a log that was rewritten underneath gets no signature.
"""

import asyncio
import os
import secrets
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from ..chain import rewritten
from ..errors import SettingInvalid
from ..models import AuditHead
from ..proof import Checkpoint, NoteInvalid, Signer, Verifier, load_signer
from ..store import Store, Transaction, audit


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
    def verifier(self) -> str:
        """The public key, as others need it to verify."""
        return self._signer.verifier.encode()

    async def current(self) -> str:
        """Sign the log as it is; raise ChainBroken where it has not grown from the last one."""
        return await self.of(None)

    async def of(self, size: int | None) -> str:
        """Sign the log as it was at a size (None: as it is), as a beginning of what it is now.

        Raises ChainBroken where the log has not grown from the last checkpoint that was kept.
        """
        async with self._one_at_a_time:
            kept = read_checkpoint(self._kept, self._signer.verifier)
            async with self._store.snapshot() as tx:
                head = await audit.head(tx)
                await _hold(tx, kept, head)
                size = head.position if size is None else size
                (root,) = await audit.span_hashes(tx, [(0, size)])
            return await self._signed(Checkpoint(self._signer.name, size, root), kept)

    @cached_property
    def _signer(self) -> Signer:
        return load_signer(self._key)

    async def _signed(self, checkpoint: Checkpoint, kept: Checkpoint | None) -> str:
        note = self._signer.sign(checkpoint.encode())
        if kept is None or kept.size < checkpoint.size:
            await asyncio.to_thread(_keep, self._kept, note)
        return note


def kept_checkpoints(own: Path, given: Iterable[Path], verifier: Verifier) -> list[Checkpoint]:
    """Read the service's own kept checkpoint, if there is one, and those of others.

    Raises SettingInvalid.
    """
    found = [read_checkpoint(own, verifier)]
    for path in given:
        if not path.exists():
            raise SettingInvalid(f"There is no checkpoint in {path}: the file is not there.")
        found.append(read_checkpoint(path, verifier))
    return [each for each in found if each is not None]


def read_checkpoint(path: Path, verifier: Verifier) -> Checkpoint | None:
    """Read a signed checkpoint, None where there is no file; raise SettingInvalid."""
    try:
        return Checkpoint.parse(verifier.open(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (NoteInvalid, UnicodeDecodeError) as error:
        raise SettingInvalid(
            f"{path} holds no checkpoint of this log's key ({verifier.name}). {error}"
        ) from None


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
