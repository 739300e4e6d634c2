"""Check an upload with the SDK: `pip install unseen`, then `match_upload.py UPLOAD`.

Exits with 0 if nothing matches, with 1 if the upload should be held back and reviewed, and with 2
if it could not be checked.
"""

import os
import sys

from unseen import Client, UnseenError, fingerprint

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
sys.exit(1 if hits else 0)
