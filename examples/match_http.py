"""Look up PDQ hashes over HTTP, with the standard library only.

Reads hashes from standard input, 64 hex digits per line, and prints a line per hit.
"""

import json
import os
import sys
from urllib.request import Request, urlopen

hashes = sys.stdin.read().split()
request = Request(
    os.environ["UNSEEN_SERVER"] + "/v1/match",
    data=bytes.fromhex("".join(hashes)),  # 32 bytes per hash, up to 10,000 of them
    headers={
        "Authorization": f"Bearer {os.environ['UNSEEN_KEY']}",
        "Content-Type": "application/octet-stream",
    },
)
# On 429 and 503, wait for the seconds in Retry-After, then send the same request again.
with urlopen(request, timeout=10) as response:
    result = json.load(response)

for hit in result["hits"]:
    print(hashes[hit["query"]], hit["record"], hit["distance"])
