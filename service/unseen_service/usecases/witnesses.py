"""The witnesses of the operator's list: read the list, and check what they have and when.

A line of the list names a witness; empty lines and those that begin with # are ignored:

    folder   /mnt/elsewhere/checkpoints
    webhook  https://example.org/hook  whsec_BASE64
    witness  https://witness.example   NAME+ID+BASE64
"""

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

from ..errors import SettingInvalid, WitnessMissing
from ..models.checkpoints import Witness, WitnessKind
from ..settings import Settings
from ..store import Store
from ..store import checkpoints as stored
from ..tlog.checkpoint import Checkpoint
from ..tlog.cosignature import WitnessKey
from ..tlog.note import NoteInvalid, PublicKey
from .checkpoints import published, read_checkpoint, read_note

_INTERVALS = 3
"""After how many intervals without a success a witness counts as silent."""

SUFFIX = ".checkpoint"
"""Of the files in a folder of checkpoints; before it, the size, so that names sort by it."""


def read_witnesses(path: Path | None) -> list[Witness]:
    """Read the list of witnesses; none without a file. Raises SettingInvalid."""
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SettingInvalid(f"UNSEEN_WITNESSES_FILE cannot be read: {path}.") from None
    listed = [(number, line.split()) for number, line in enumerate(lines, start=1)]
    return [
        _witness(number, words)
        for number, words in listed
        if words and not words[0].startswith("#")
    ]


def _witness(number: int, words: Sequence[str]) -> Witness:
    match words:
        case ["folder", path] if Path(path).is_absolute():
            return Witness(WitnessKind.FOLDER, path)
        case ["webhook", url, secret] if _is_url(url) and (key := _read_secret(secret)):
            return Witness(WitnessKind.WEBHOOK, url, secret=key)
        case ["witness", url, verifier] if _is_url(url) and _is_witness_key(verifier):
            return Witness(WitnessKind.TLOG, url.rstrip("/"), verifier=verifier)
    raise SettingInvalid(
        f"Line {number} of UNSEEN_WITNESSES_FILE names no witness. It has the form 'folder PATH',"
        " 'webhook URL whsec_SECRET' or 'witness URL NAME+ID+BASE64'."
    )


def _is_url(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def _read_secret(text: str) -> bytes:
    try:
        return base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_witness_key(text: str) -> bool:
    try:
        WitnessKey.parse(text)
    except NoteInvalid:
        return False
    return True


CHECKPOINT_OVERDUE, WITNESS_SILENT = "checkpoint-overdue", "witness-silent"


async def troubles(store: Store, settings: Settings) -> dict[str, str]:
    """Return what is wrong with checkpoints and witnesses now, by code; empty if nothing is.

    `checkpoint-overdue`: the log was not signed for others for too long, or never.
    `witness-silent`: a witness has had no checkpoint for too long, or contradicts the log.
    """
    longest = _INTERVALS * 60 * settings.checkpoint_every_minutes
    names = [each.name for each in read_witnesses(settings.witnesses_file)]
    newest = await published(store)
    async with store.transaction() as tx:
        states = await stored.witnesses(tx, names)
    found = {}
    if newest is None or newest.age_s > longest:
        found[CHECKPOINT_OVERDUE] = "the audit log was not signed for others for too long"
    silent = [each for each in states if each.silent_s > longest or each.contradicts]
    unheard = sorted({*names} - {each.name for each in states})
    if silent or unheard:
        listed = [f"{each.name} ({each.failure or 'no attempt'})" for each in silent]
        found[WITNESS_SILENT] = "no word from " + ", ".join([*listed, *unheard])
    return found


async def check(store: Store, settings: Settings) -> None:
    """Raise WitnessMissing if a witness is silent or contradicts the log."""
    if silent := (await troubles(store, settings)).get(WITNESS_SILENT):
        raise WitnessMissing(silent)


async def kept_checkpoints(
    store: Store, settings: Settings, public_keys: Sequence[PublicKey]
) -> list[Checkpoint]:
    """Return the checkpoints that were handed out last, from the database and the folders.

    Raises SettingInvalid for a folder without a checkpoint, or with one that is not the log's.
    """
    found = []
    if newest := await published(store):
        try:
            found.append(read_note(newest.note, public_keys))
        except NoteInvalid as error:
            raise SettingInvalid(
                f"The checkpoint that is handed out is not valid. {error}"
            ) from None
    found.extend(
        _newest_of_folder(Path(each.target), public_keys)
        for each in read_witnesses(settings.witnesses_file)
        if each.kind is WitnessKind.FOLDER
    )
    return found


def _newest_of_folder(folder: Path, public_keys: Sequence[PublicKey]) -> Checkpoint:
    names = sorted(folder.glob(f"*{SUFFIX}"))
    checkpoint = read_checkpoint(names[-1], public_keys) if names else None
    if checkpoint is None:
        raise SettingInvalid(f"There is no checkpoint in {folder}, which is a witness's folder.")
    return checkpoint
