-- Statements of store/benign_hashes.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- insert_benign: Add hashes that are not in the benign bank; return their IDs.
INSERT INTO benign_hashes (pdq, key_version, note)
SELECT pdq, %(version)s::smallint, %(note)s FROM unnest(%(pdqs)s::bytea[]) AS given (pdq)
RETURNING id;

-- delete_benign: Delete hashes from the benign bank; return those that were in it.
DELETE FROM benign_hashes WHERE id = ANY(%(ids)s) RETURNING id;

-- list_benign: The benign bank, oldest first.
SELECT id, pdq, key_version, note, added_at FROM benign_hashes ORDER BY id;

-- benign_changed: Increment the version of the benign bank, so that workers reload it.
UPDATE intake SET bank = bank + 1;
