"""AES-SIV over arrays is the standard one, and the keys' file says what is wrong with it."""

from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st
from unseen_service.encryption import KeyFile, Keyring
from unseen_service.encryption.siv import Siv
from unseen_service.errors import OperatorError

rows = st.lists(
    st.tuples(
        st.binary(min_size=32, max_size=32)
        | st.sampled_from([bytes(32), b"\xff" * 32, bytes(31) + b"\x01"]),
        st.binary(min_size=16, max_size=16),
    ),
    min_size=1,
    max_size=20,
)
keys = st.binary(min_size=64, max_size=64)


def arrays(pairs: list[tuple[bytes, bytes]]) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    bits, records = (np.frombuffer(b"".join(column), np.uint8) for column in zip(*pairs))  # noqa: B905
    return bits.reshape(-1, 32), records.reshape(-1, 16)


@given(keys, rows)
def test_it_is_what_the_library_computes(key: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
    bits, records = arrays(pairs)
    theirs = AESSIV(key)
    bound = [theirs.encrypt(each, [record]) for each, record in pairs]
    assert list(map(bytes, Siv(key).seal(bits, records))) == bound
    assert list(map(bytes, Siv(key).seal(bits))) == [theirs.encrypt(each, []) for each, _ in pairs]
    opened, is_genuine = Siv(key).open(Siv(key).seal(bits, records), records)
    assert is_genuine.all()
    assert (opened == bits).all()


@given(keys, rows, st.integers(0, 48 * 8 - 1))
def test_what_was_altered_is_not_genuine(
    key: bytes, pairs: list[tuple[bytes, bytes]], bit: int
) -> None:
    bits, records = arrays(pairs)
    sealed = Siv(key).seal(bits, records)
    sealed[0, bit // 8] ^= 1 << bit % 8
    assert Siv(key).open(sealed, records)[1].tolist() == [False] + [True] * (len(pairs) - 1)


@given(keys, rows)
def test_a_hash_opens_with_its_own_record_only(
    key: bytes, pairs: list[tuple[bytes, bytes]]
) -> None:
    bits, records = arrays(pairs)
    sealed = Siv(key).seal(bits, records)
    assert not Siv(key).open(sealed, records ^ 1)[1].any()
    assert not Siv(key).open(sealed)[1].any()


def test_ten_million_counters_do_not_overflow() -> None:
    """The counter of the second block: its last 32 bits are all ones but the cleared bit."""
    key = bytes(range(64))
    siv = Siv(key)
    iv = np.full((1, 16), 0xFF, np.uint8)
    stream = siv._keystream(iv)
    counter = bytes.fromhex("ffffffffffffffff7fffffff7fffffff")
    following = (int.from_bytes(counter) + 1).to_bytes(16)
    blocks = np.frombuffer(counter + following, np.uint8).reshape(2, 16)
    assert bytes(stream) == bytes(siv._stream.encrypt(blocks))


def test_keyring_survives_its_text_and_differs_by_version() -> None:
    keyring = Keyring.generate().with_new_key()
    again = Keyring.parse(keyring.encode())
    assert again == keyring
    assert again.newest.version == 2
    assert again.check_value(1) != again.check_value(2)
    assert Keyring(bytes(32), keyring.keys).check_value(1) != keyring.check_value(1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "The pepper is missing."),
        ("pepper AAAA\n", "The pepper is missing."),
        (f"pepper {'A' * 43}=\n1 AAAA\n", "Key 1 does not have 64 bytes."),
        (f"pepper {'A' * 43}=\nx {'A' * 86}==\n", "does not begin with the number of a key"),
        (f"pepper {'A' * 43}=\n1 {'*' * 88}\n", "A key is not base64."),
        (f"pepper {'A' * 43}=\npepper {'A' * 43}=\n", "is there twice"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "encryption.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(OperatorError, match=problem) as refused:
        KeyFile(file).reload()
    assert str(file) in str(refused.value)


def test_a_file_without_a_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "encryption.key"
    file.write_text(f"pepper {'A' * 43}=\n")
    file.chmod(0o600)
    with pytest.raises(OperatorError, match="no key"):
        KeyFile(file).reload()


def test_the_file_is_private_and_an_exposed_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "encryption.key"
    KeyFile(file).generate()
    assert file.stat().st_mode & 0o777 == 0o600
    assert KeyFile(file).generate() == KeyFile(file).keyring, "an existing one is kept"
    file.chmod(0o640)
    with pytest.raises(OperatorError, match="chmod 600"):
        KeyFile(file).reload()
