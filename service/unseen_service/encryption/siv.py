"""AES-SIV (RFC 5297) over many hashes at once, as arrays.

Byte for byte what `cryptography`'s AESSIV computes for one message, which the tests compare. Its
calls cost 3 us per hash and hold the interpreter's lock: half a minute for ten million hashes at
the start of a worker. Here the block cipher, which is `cryptography`'s too, encrypts a column of
blocks per call.
"""

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ..models.hashes import HASH_BYTES

KEY_BYTES = 64
BLOCK = 16
SEALED_BYTES = BLOCK + HASH_BYTES
"""Bytes of a sealed hash: the synthetic IV, then the encrypted bits."""

Bytes2D = npt.NDArray[np.uint8]


class Siv:
    """Seals and opens hashes with one key of 64 bytes."""

    def __init__(self, key: bytes) -> None:
        self._mac = _BlockCipher(key[: KEY_BYTES // 2])
        self._stream = _BlockCipher(key[KEY_BYTES // 2 :])
        self._subkey = _double(self._mac.encrypt(np.zeros((1, BLOCK), np.uint8)))
        self._zero_mac = self._mac_of_block(np.zeros((1, BLOCK), np.uint8))

    def seal(self, bits: Bytes2D, records: Bytes2D | None = None) -> Bytes2D:
        """Encrypt hashes uint8[n, 32]. Return uint8[n, 48].

        With `records`, uint8[n, 16], each is bound to its record: it opens with no other.
        """
        iv = self.tags(bits, records)
        return np.hstack([iv, bits ^ self._keystream(iv)])

    def open(
        self, sealed: Bytes2D, records: Bytes2D | None = None
    ) -> tuple[Bytes2D, npt.NDArray[np.bool_]]:
        """Decrypt what `seal` returned. Return hashes uint8[n, 32], and which are genuine: bool[n].

        The bits of those that are not genuine mean nothing.
        """
        iv = np.ascontiguousarray(sealed[:, :BLOCK])
        bits = sealed[:, BLOCK:] ^ self._keystream(iv)
        return bits, (self.tags(bits, records) == iv).all(axis=1)

    def tags(self, bits: Bytes2D, records: Bytes2D | None = None) -> Bytes2D:
        """Return the synthetic IV of hashes, uint8[n, 16]: a keyed digest (S2V in the RFC)."""
        digest = self._zero_mac
        if records is not None:
            digest = _double(digest) ^ self._mac_of_block(records)
        return self._mac_of_two_blocks(bits[:, :BLOCK], bits[:, BLOCK:] ^ digest)

    def _mac_of_block(self, blocks: Bytes2D) -> Bytes2D:
        return self._mac.encrypt(blocks ^ self._subkey)

    def _mac_of_two_blocks(self, first: Bytes2D, second: Bytes2D) -> Bytes2D:
        return self._mac.encrypt(self._mac.encrypt(first) ^ second ^ self._subkey)

    def _keystream(self, iv: Bytes2D) -> Bytes2D:
        """Return two blocks per row, in counter mode from its IV with two bits cleared."""
        counters = np.repeat(iv[:, None, :], 2, axis=1)
        counters[:, :, [8, 12]] &= 0x7F
        # With the top bit clear, adding one to the last 32 bits carries no further.
        counters[:, 1].view(">u4")[:, 3] += 1
        return self._stream.encrypt(counters.reshape(-1, BLOCK)).reshape(-1, HASH_BYTES)


class _BlockCipher:
    """AES on independent blocks: the building block of SIV, and not a mode to use by itself."""

    def __init__(self, key: bytes) -> None:
        self._encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305

    def encrypt(self, blocks: Bytes2D) -> Bytes2D:
        """Encrypt uint8[n, 16]."""
        done = self._encryptor.update(np.ascontiguousarray(blocks).data)
        return np.frombuffer(done, np.uint8).reshape(-1, BLOCK)


def _double(block: Bytes2D) -> Bytes2D:
    """Return each row, uint8[n, 16], times x in the field of CMAC."""
    shifted = np.frombuffer(
        b"".join(
            ((int.from_bytes(row) << 1) ^ (0x87 if row[0] & 0x80 else 0)).to_bytes(17)[1:]
            for row in map(bytes, block)
        ),
        np.uint8,
    )
    return shifted.reshape(-1, BLOCK)
