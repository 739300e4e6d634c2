"""Write vectors.json: `python -m tests.contract.audit.make`.

Everything except the signature is computed from the definitions in docs/audit.md and RFC 9162,
without code of the service or a client.
"""

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

VECTORS = Path(__file__).with_name("vectors.json")
NAME = "unseen-audit/vectors"
SEED = bytes(range(32))

ENTRIES: list[tuple[str, str, str, str | None, dict[str, Any]]] = [
    ("2026-11-22T13:40:00.000000Z", "key.issued", "operator", None,
     {"key": 1, "note": "", "scopes": ["match"], "pending": False, "expires": None}),
    ("2026-11-22T13:40:00.000001Z", "case.submitted", "person",
     "5b0c1c1e-6f5d-4b7e-9a55-0d6a1a1f6a0e", {"images": 1, "hashes": 8, "activated": 8}),
    ("2026-11-22T13:41:00.123456Z", "match.hit", "platform:Example & Søn \U0001f441", None,
     {"key": 1, "asked": 2, "hits": [{"query": 1, "record": "r", "distance": 31}]}),
    ("2026-11-22T13:42:00.000000Z", "audit.read", "staff:\u65e5\u672c", None,
     {"reason": "a \"quoted\" \\ reason/\u2028é", "after": 0, "limit": 100, "kind": None}),
    ("2026-11-22T13:42:00.000000Z", "match.missed", "service", None,
     {"minute": "2026-11-22T13:41Z", "keys": [{"key": 1, "calls": 3, "hashes": 9007199254740993}]}),
    ("2026-11-22T13:43:00.500000Z", "case.withdrawn", "person",
     "5b0c1c1e-6f5d-4b7e-9a55-0d6a1a1f6a0e", {"images": [1], "deactivated": 8}),
    ("2026-11-22T13:44:00.000000Z", "audit.exported", "operator:Ünal", None, {}),
]  # fmt: skip


def canonical(fields: dict[str, Any]) -> bytes:
    """Return an entry's bytes: canonical JSON as docs/audit.md defines it."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def split(n: int) -> int:
    """Return the largest power of two less than n (RFC 9162, section 2.1.1)."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(leaves: list[bytes]) -> bytes:
    """Return MTH, the Merkle Tree Hash (RFC 9162, section 2.1.1)."""
    if len(leaves) < 2:
        return sha256(b"\x00" + leaves[0]).digest() if leaves else sha256().digest()
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """Return PATH, the inclusion proof of leaf m (RFC 9162, section 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], known: bool = True) -> list[bytes]:
    """Return SUBPROOF, the consistency proof for size m (RFC 9162, section 2.1.4.1)."""
    if m == len(leaves):
        return [] if known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def signed(size: int, root: bytes) -> str:
    """Return a signed checkpoint (C2SP tlog-checkpoint)."""
    text = f"{NAME}\n{size}\n{base64.b64encode(root).decode()}\n"
    signature = SigningKey(SEED).sign(text.encode()).signature
    return f"{text}\n\N{EM DASH} {NAME} {base64.b64encode(key_id() + signature).decode()}\n"


def public() -> bytes:
    """Return the public key as C2SP's signed-note encodes it: the algorithm, then 32 bytes."""
    return b"\x01" + bytes(SigningKey(SEED).verify_key)


def key_id() -> bytes:
    return sha256(NAME.encode() + b"\n" + public()).digest()[:4]


def vectors() -> dict[str, Any]:
    names = ("at", "kind", "actor", "subject", "details")
    contents = [
        {"position": n, **dict(zip(names, entry, strict=True))}
        for n, entry in enumerate(ENTRIES, start=1)
    ]
    leaves = [canonical(each) for each in contents]
    digest, entries = bytes(32), []
    for content, leaf in zip(contents, leaves, strict=True):
        digest = sha256(digest + leaf).digest()
        entries.append({**content, "digest": digest.hex()})
    sizes = range(1, len(leaves) + 1)
    return {
        "verifier": f"{NAME}+{key_id().hex()}+{base64.b64encode(public()).decode()}",
        "entries": entries,
        "leaves": [sha256(b"\x00" + leaf).hexdigest() for leaf in leaves],
        "checkpoints": [signed(size, mth(leaves[:size])) for size in sizes],
        "inclusion": [
            {"index": m, "size": n, "path": [each.hex() for each in path(m, leaves[:n])]}
            for n in sizes
            for m in range(n)
        ],
        "consistency": [
            {"first": m, "second": n, "path": [each.hex() for each in subproof(m, leaves[:n])]}
            for n in sizes
            for m in range(1, n + 1)
        ],
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), indent=1, ensure_ascii=True) + "\n")
