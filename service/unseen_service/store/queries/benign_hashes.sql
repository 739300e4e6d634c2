-- Statements of store/benign_hashes.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- insert_benign: Add hashes to the benign bank; return the new ones.
INSERT INTO benign_hashes (pdq, note)
SELECT DISTINCT pdq, %(note)s FROM unnest(%(pdqs)s::bytea[]) AS given (pdq)
ON CONFLICT (pdq) DO NOTHING
RETURNING id;

-- delete_benign: Delete hashes from the benign bank; return those that were in it.
DELETE FROM benign_hashes WHERE id = ANY(%(ids)s) RETURNING id;

-- list_benign: The benign bank, oldest first.
SELECT id, pdq, note, added_at FROM benign_hashes ORDER BY id;

-- benign_hashes: The hashes of the benign bank only.
SELECT pdq FROM benign_hashes ORDER BY id;

-- benign_changed: Increment the version of the benign bank, so that workers reload it.
UPDATE intake SET bank = bank + 1;
