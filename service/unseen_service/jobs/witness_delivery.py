"""Hands a checkpoint to a witness: writes a file, posts a signed webhook, or asks to cosign it.

Witnesses are the operator's, so their addresses are not restricted. Nothing of what they answer
is trusted but a valid signature.
"""

import asyncio
import base64
import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from ..models.checkpoints import CONTRADICTS, PublishedCheckpoint, Witness, WitnessKind
from ..runtime.private_files import sync_folder
from ..store import Store
from ..tlog.cosignature import WitnessKey
from ..usecases.audit_log import prove_consistency
from ..usecases.standard_webhooks import headers
from ..usecases.witnesses import SUFFIX

_TIMEOUT_S = 15.0
_MAX_ANSWER_BYTES = 64 * 1024
_TRIES = 3


class WitnessRefused(Exception):
    """A witness did not accept a checkpoint; the text says why, and holds nothing secret."""


async def deliver(
    store: Store, witness: Witness, checkpoint: PublishedCheckpoint, known: int
) -> str:
    """Hand a checkpoint to a witness that has the one of the size `known` (0: none).

    Return its signature line, empty for a folder and a webhook. Raises WitnessRefused.
    """
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            match witness.kind:
                case WitnessKind.FOLDER:
                    await asyncio.to_thread(_write, Path(witness.target), checkpoint)
                case WitnessKind.WEBHOOK:
                    await _post(witness, checkpoint)
                case WitnessKind.TLOG:
                    return await _cosign(store, witness, checkpoint, known)
    except OSError as error:
        raise WitnessRefused(f"cannot write: {error.strerror}") from None
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
        raise WitnessRefused(f"no answer: {type(error).__name__}") from None
    return ""


def _write(folder: Path, checkpoint: PublishedCheckpoint) -> None:
    """Write a file per size. The folder must be there: an unmounted disk is a failure."""
    path = folder / f"{checkpoint.size:019}{SUFFIX}"
    if path.exists():
        return
    draft = folder / f".{path.name}.{secrets.token_hex(4)}"
    # Anyone may read it: the more who keep it, the better.
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(checkpoint.note)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(folder)


async def _post(witness: Witness, checkpoint: PublishedCheckpoint) -> None:
    body = json.dumps(
        {
            "type": "audit.checkpoint",
            "timestamp": checkpoint.signed_at.astimezone(UTC).isoformat(timespec="seconds"),
            "data": {"checkpoint": checkpoint.note},
        }
    ).encode()
    now = datetime.now(UTC)
    # The same checkpoint again is the same message.
    name = f"msg_checkpoint_{checkpoint.size}_{int(checkpoint.signed_at.timestamp())}"
    signed = headers(witness.secret, name, int(now.timestamp()), body)
    status, _ = await _send(witness.target, body, signed)
    if status // 100 != 2:
        raise WitnessRefused(f"answered {status}")


async def _cosign(
    store: Store, witness: Witness, checkpoint: PublishedCheckpoint, known: int
) -> str:
    """Ask a witness to cosign (C2SP tlog-witness, add-checkpoint)."""
    key, text = WitnessKey.parse(witness.verifier), checkpoint.note.rpartition("\n\n")[0] + "\n"
    for _ in range(_TRIES):
        body = await _add_checkpoint_body(store, checkpoint, known)
        url = f"{witness.target}/add-checkpoint"
        status, answer = await _send(url, body, {"User-Agent": "Unseen"})
        if status == 200:
            if (found := key.find(text, answer)) is None:
                raise WitnessRefused("its answer has no valid signature of its key")
            return found[0]
        if status != 409:
            raise WitnessRefused(f"answered {status}")
        known = _conflict(answer, known, checkpoint.size)
    raise WitnessRefused("its size changes with every request")


def _conflict(answer: str, known: int, size: int) -> int:
    """Return the size that a witness has, to try again from it."""
    text = answer.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise WitnessRefused("answered 409 without its size")
    found = int(text)
    if found > size:
        raise WitnessRefused(f"{CONTRADICTS}, of {found} entries; this one has {size}")
    if found == known:
        raise WitnessRefused(f"{CONTRADICTS} of {found} entries")
    return found


async def _add_checkpoint_body(store: Store, checkpoint: PublishedCheckpoint, known: int) -> bytes:
    path: Sequence[bytes] = []
    if 0 < known < checkpoint.size:
        _, path = await prove_consistency(store, known, checkpoint.size)
    lines = [f"old {known}", *(base64.b64encode(each).decode() for each in path)]
    return ("\n".join(lines) + "\n\n" + checkpoint.note).encode()


async def _send(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Post to a URL. Return the status and the beginning of the answer."""
    async with (
        httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT_S) as client,
        client.stream("POST", url, content=body, headers=headers) as answer,
    ):
        read = b""
        async for part in answer.aiter_raw():
            read += part
            if len(read) > _MAX_ANSWER_BYTES:
                raise WitnessRefused("its answer is too long")
    return answer.status_code, read.decode("utf-8", "replace")
