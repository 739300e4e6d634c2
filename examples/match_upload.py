"""Check an upload with the SDK (README.md says how to install it): `match_upload.py UPLOAD`.

Exits with 0 if nothing matches, and with 3 if the upload should be held back and reviewed. With any
other code (2, or 1 after a crash) it was not checked.
"""

import os
import sys

from unseen import Client, UnseenError, fingerprint

if len(sys.argv) != 2 or not {"UNSEEN_SERVER", "UNSEEN_KEY"} <= os.environ.keys():
    print("usage: match_upload.py UPLOAD, with UNSEEN_SERVER and UNSEEN_KEY set", file=sys.stderr)
    sys.exit(2)

try:
    upload = fingerprint(sys.argv[1], fast=True)
    with Client(os.environ["UNSEEN_SERVER"], key=os.environ["UNSEEN_KEY"]) as service:
        hits = service.match([upload]).hits
except UnseenError as error:
    # Not an image, or the service is unavailable although the client has retried.
    print(error, error.hint, file=sys.stderr)
    sys.exit(2)

for hit in hits:
    print(hit.record, hit.distance, hit.view, hit.standing)
sys.exit(3 if hits else 0)
