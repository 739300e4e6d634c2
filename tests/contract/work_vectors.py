"""Write tests/contract/work.json: `python -m tests.contract.work_vectors > FILE`.

Computed from docs/intake.md, without code of the service or a client, which tests compare with it.
"""

import hashlib
import json
from itertools import count
from typing import Any

_CASES = [
    ("1795269600.1000.0123456789abcdef0123456789abcdef", "0123456789abcdef", 4_294_967_296),
    ("1795269600.1000.0123456789abcdef0123456789abcdef", "0123456789abcdef", 4_294_967),
    ("1795269600.4000.fedcba9876543210fedcba9876543210", "Zm9vYmFyYmF6cXV4-_00", 1_073_741),
]


def digest(challenge: str, key: str, puzzle: int, counter: int) -> int:
    """Return the result of one attempt, as the protocol defines it."""
    text = f"{challenge}:{key}:{puzzle}:{counter}"
    return int(hashlib.sha256(text.encode("ascii")).hexdigest()[:8], 16)


def vector(challenge: str, key: str, target: int) -> dict[str, Any]:
    """Solve one challenge with the smallest counters."""
    counters = [next(c for c in count() if digest(challenge, key, p, c) < target) for p in range(8)]
    return {
        "challenge": challenge,
        "idempotency_key": key,
        "puzzles": 8,
        "target": target,
        "counters": counters,
        "header": f"{challenge}:{','.join(map(str, counters))}",
    }


if __name__ == "__main__":
    print(json.dumps([vector(*case) for case in _CASES], indent=1))
