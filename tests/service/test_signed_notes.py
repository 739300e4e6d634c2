"""Signed notes and checkpoints: compatible with Go's `note` package, safe against forgery."""

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unseen_service.errors import SettingInvalid
from unseen_service.tlog.checkpoint import Checkpoint
from unseen_service.tlog.key_file import load_or_generate, load_signer
from unseen_service.tlog.note import NoteInvalid, PublicKey, Signer

# From the documentation of golang.org/x/mod/sumdb/note: key pair, text and note.
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE = (
    TEXT
    + "\n\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSN"
    "XgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_note_from_go_is_read_and_reproduced_byte_for_byte() -> None:
    signer = Signer.parse(PRIVATE)
    assert signer.sign(TEXT) == NOTE
    assert signer.encode() == PRIVATE
    assert signer.public_key.encode() == PUBLIC
    assert PublicKey.parse(PUBLIC).open(NOTE) == TEXT


@given(st.integers(0, len(NOTE) - 1), st.integers(1, 127))
def test_any_changed_character_is_detected(at: int, by: int) -> None:
    changed = NOTE[:at] + chr(ord(NOTE[at]) ^ by) + NOTE[at + 1 :]
    try:
        assert PublicKey.parse(PUBLIC).open(changed) == TEXT
    except NoteInvalid:
        return
    # base64 leaves bits of the last character unused; the text was unchanged.
    assert at >= NOTE.rindex(" ")


def test_note_is_refused_with_another_key_of_the_same_name() -> None:
    other = Signer.generate("PeterNeumann").public_key
    with pytest.raises(NoteInvalid, match="not signed by"):
        other.open(NOTE)


def test_note_can_have_several_signatures() -> None:
    witness = Signer.generate("witness.example")
    signature = witness.sign(TEXT).removeprefix(TEXT + "\n")
    both = NOTE + signature
    assert PublicKey.parse(PUBLIC).open(both) == witness.public_key.open(both) == TEXT


@pytest.mark.parametrize(
    "text", ["", "x", "a+b+c", PUBLIC[:-1], PUBLIC.replace("c7", "c8"), PRIVATE, PUBLIC + "A"]
)
def test_invalid_public_key_is_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        PublicKey.parse(text)


def test_private_key_is_never_shown(tmp_path: Path) -> None:
    signer = Signer.parse(PRIVATE)
    assert PRIVATE[-20:] not in repr(signer)
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(PRIVATE[:-2])
    with pytest.raises(SettingInvalid) as refused:
        load_signer(file)
    assert PRIVATE[-20:-2] not in str(refused.value)


@given(st.integers(0, 1 << 62), st.binary(min_size=32, max_size=32))
def test_checkpoint_round_trips(size: int, root: bytes) -> None:
    checkpoint = Checkpoint("unseen.example/audit", size, root)
    assert Checkpoint.parse(checkpoint.encode()) == checkpoint
    assert Checkpoint.parse(checkpoint.encode() + "an extension\n") == checkpoint


@pytest.mark.parametrize("size", ["", "-1", "01", "1 ", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 20])
def test_checkpoint_with_an_invalid_size_is_refused(size: str) -> None:
    text = Checkpoint("origin", 1, bytes(32)).encode().replace("\n1\n", f"\n{size}\n")
    with pytest.raises(NoteInvalid):
        Checkpoint.parse(text)


def test_key_file_is_created_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = tmp_path / "data" / "audit.key"
    found: list[Signer] = []
    threads = [
        threading.Thread(target=lambda: found.append(load_or_generate(file))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {each.encode() for each in found} == {file.read_text().strip()}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
