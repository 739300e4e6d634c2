"""Keep a copy of all hashes in SQLite: run `mirror_feed.py COPY.sqlite` from a scheduler.

In another language, follow the steps in docs/feed.md. The command `unseen mirror` does all this,
and searches the copy as well.
"""

import os
import sqlite3
import sys

from unseen import ActiveHash, Client, StartAgainError, Tombstone

copy = sqlite3.connect(sys.argv[1])
copy.execute("CREATE TABLE IF NOT EXISTS hashes (record TEXT PRIMARY KEY, pdq BLOB NOT NULL)")
copy.execute("CREATE TABLE IF NOT EXISTS progress (cursor TEXT NOT NULL)")
row = copy.execute("SELECT cursor FROM progress").fetchone()

with Client(os.environ["UNSEEN_SERVER"], key=os.environ["UNSEEN_KEY"]) as service:
    try:
        for page in service.feed(row[0] if row else None):
            with copy:
                for entry in page.entries:
                    copy.execute("DELETE FROM hashes WHERE record = ?", [entry.record])
                    if isinstance(entry, ActiveHash):
                        new = entry.record, bytes.fromhex(entry.pdq)
                        copy.execute("INSERT INTO hashes VALUES (?, ?)", new)
            gone = [each for each in page.entries if isinstance(each, Tombstone)]
            service.confirm_withdrawals(e.record for e in gone if e.status == "withdrawn")
            with copy:  # last, so that after a crash the page is applied and confirmed again
                copy.execute("DELETE FROM progress")
                copy.execute("INSERT INTO progress VALUES (?)", [page.cursor])
    except StartAgainError:
        with copy:
            copy.execute("DELETE FROM hashes")
            copy.execute("DELETE FROM progress")
        sys.exit("The cursor is of no use any longer, for example after a restore: run this again.")
