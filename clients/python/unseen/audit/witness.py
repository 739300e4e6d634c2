"""A witness of transparency logs: C2SP tlog-witness, without its HTTP.

For each log that it was told to watch, it remembers the newest checkpoint that it signed, and
signs another only if a proof shows that the log has grown from there. What it remembers is on the
disk before a signature leaves. It forgets nothing: without its memory it does not start, as it
would sign a log that was set back.
"""

import base64
import binascii
import fcntl
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ..errors import InputError
from .cosignature import WitnessKey, message, signature_line
from .merkle import verify_consistency
from .note import Checkpoint, PublicKey, read_checkpoint

MAX_BODY_BYTES: Final = 16 * 1024
_MAX_PROOF: Final = 63
_OLD: Final = re.compile("old (0|[1-9][0-9]{0,18})")
_EMPTY: Final = sha256().digest()
_KEY, _MEMORY, _LOCK = "witness.key", "witness.json", "witness.lock"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: its HTTP status and text."""

    status: int
    text: str = ""
    media_type: str = "text/plain; charset=utf-8"


class Refusal(Exception):
    """A request that is refused."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Witness:
    """Signs the checkpoints of some logs; `folder` holds its key and what it remembers.

    `logs` are the public keys of the logs; a log's name is its origin. Raises InputError if the
    folder is used by another process or has lost its memory.
    """

    def __init__(self, folder: Path, logs: Sequence[PublicKey], name: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._lock = _lock_folder(folder)
        self._logs: dict[str, list[PublicKey]] = {}
        for log in logs:
            self._logs.setdefault(log.name, []).append(log)
        self._one_at_a_time = threading.Lock()
        try:
            if not (folder / _KEY).exists():
                _create(folder, name or f"unseen-witness/{secrets.token_hex(4)}")
            self._sign, self.key = _load_key(folder / _KEY)
            self._memory = _load_memory(folder / _MEMORY)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another process use the folder."""
        os.close(self._lock)

    def add_checkpoint(self, body: bytes, second: int) -> Reply:
        """Answer a request of the protocol, received at a Unix time."""
        try:
            old, path, note = _parse(body)
            checkpoint = self._verify_signature(note)
            # From the comparison to the memory: otherwise an older one could come last.
            with self._one_at_a_time:
                self._verify_growth(old, path, checkpoint)
                self._remember(checkpoint, note)
        except Refusal as refusal:
            return refusal.reply
        text = note.rpartition("\n\n")[0] + "\n"
        signature = self._sign(message(text, second))
        return Reply(200, signature_line(self.key.name, self.key.key_id, second, signature))

    def _verify_signature(self, note: str) -> Checkpoint:
        try:
            checkpoint = read_checkpoint(note)
        except InputError as error:
            raise Refusal(Reply(400, f"{error}\n")) from None
        if checkpoint.origin not in self._logs:
            raise Refusal(Reply(404, "This witness does not watch this log.\n"))
        text, _, signatures = note.rpartition("\n\n")
        for log in self._logs[checkpoint.origin]:
            try:
                log.verify(f"{text}\n", signatures)
            except InputError:
                continue
            return checkpoint
        raise Refusal(Reply(403, "The checkpoint is not signed by this log's key.\n"))

    def _verify_growth(self, old: int, path: Sequence[bytes], new: Checkpoint) -> None:
        known = self._known(new.origin)
        if old > new.size:
            raise Refusal(Reply(400, "The old size is larger than the checkpoint's.\n"))
        if old != known.size or (known.size == new.size and known.root != new.root):
            raise Refusal(Reply(409, f"{known.size}\n", "text/x.tlog.size"))
        if old == 0:
            fits = not path and (new.size > 0 or new.root == _EMPTY)
        else:
            fits = verify_consistency(known, new, path)
        if not fits:
            raise Refusal(Reply(422, "The proof does not show that the log has grown.\n"))

    def _known(self, origin: str) -> Checkpoint:
        found = self._memory.get(origin)
        if found is None:
            return Checkpoint(origin, 0, _EMPTY)
        return Checkpoint(origin, found["size"], base64.b64decode(found["root"]))

    def _remember(self, checkpoint: Checkpoint, note: str) -> None:
        root = base64.b64encode(checkpoint.root).decode()
        entry = {"size": checkpoint.size, "root": root, "note": note}
        memory = {**self._memory, checkpoint.origin: entry}
        _write(self._folder / _MEMORY, json.dumps(memory, indent=1))
        self._memory = memory


def _parse(body: bytes) -> tuple[int, list[bytes], str]:
    """Return the old size, the proof and the note of a request."""
    malformed = Refusal(Reply(400, "This is not a request to add a checkpoint.\n"))
    try:
        head, gap, note = body.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise malformed from None
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if not gap or old is None or len(lines) > _MAX_PROOF or not note.endswith("\n"):
        raise malformed
    try:
        path = [base64.b64decode(line, validate=True) for line in lines]
    except (binascii.Error, ValueError):
        raise malformed from None
    if any(len(each) != 32 for each in path):
        raise malformed
    return int(old[1]), path, note


def _lock_folder(folder: Path) -> int:
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise InputError(
            f"Another witness uses {folder}.", hint="Stop it, or use another folder."
        ) from None
    return descriptor


def _create(folder: Path, name: str) -> None:
    """Write an empty memory, then a key: a folder with a key has a memory."""
    if re.fullmatch(r"[^\s+]+", name) is None:
        raise InputError("A witness's name must not contain spaces or plus signs.")
    if (folder / _MEMORY).exists():
        raise _incomplete(folder, _KEY)
    _write(folder / _MEMORY, "{}")
    key = {"name": name, "seed": base64.b64encode(secrets.token_bytes(32)).decode()}
    _write(folder / _KEY, json.dumps(key))


def _load_key(path: Path) -> tuple[Callable[[bytes], bytes], WitnessKey]:
    try:
        from nacl.signing import SigningKey  # noqa: PLC0415 (an extra)
    except ImportError:
        raise InputError(
            "A witness needs PyNaCl, which is not installed.",
            hint="In a clone of the repository: pip install './clients/python[audit]'",
        ) from None
    kept = _load(path)
    try:
        signing = SigningKey(base64.b64decode(kept["seed"]))
        name = str(kept["name"])
    except (KeyError, TypeError, ValueError):
        raise _incomplete(path.parent, path.name) from None
    return lambda content: signing.sign(content).signature, WitnessKey(
        name, bytes(signing.verify_key)
    )


def _load_memory(path: Path) -> dict[str, Any]:
    memory = _load(path)
    for entry in memory.values():
        if not isinstance(entry, dict) or not isinstance(entry.get("size"), int):
            raise _incomplete(path.parent, path.name)
    return memory


def _load(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise _incomplete(path.parent, path.name)
    return found


def _incomplete(folder: Path, name: str) -> InputError:
    return InputError(
        f"The witness in {folder} has lost its {name}.",
        hint="Restore it. A witness that forgets would sign a log that was set back: if the file "
        "is lost, start a new witness, with a key of its own, in another folder.",
    )


def _write(path: Path, text: str) -> None:
    """Replace a file, durably."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
