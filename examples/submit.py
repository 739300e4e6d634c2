"""Submit images on a person's own device: `submit.py IMAGE...`.

Only hashes leave the device; README.md says how to install the SDK. Ask the person to confirm the
three statements before you send them.
"""

import os
import sys

from unseen import Client, Submission, UnseenError, fingerprint_views

try:
    submission = Submission.of(
        [fingerprint_views(path) for path in sys.argv[1:]],
        adult=True,  # everyone in the images was 18 or older
        depicted=True,  # the person is in the images
        without_consent=True,  # the images are shared, or may be, without their consent
    )
    print("PIN:", submission.pin)  # before sending: it cannot be recovered
    with Client(os.environ["UNSEEN_SERVER"]) as service:
        print("case number:", service.submit(submission).case)
except UnseenError as error:
    print(error, error.hint, file=sys.stderr)
    sys.exit(1)
