-- Statements of store/benign_hashes.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- insert_benign: Harmless hashes; says which of them are new.
INSERT INTO benign_hashes (pdq, note)
SELECT DISTINCT pdq, %(note)s FROM unnest(%(pdqs)s::bytea[]) AS given (pdq)
ON CONFLICT (pdq) DO NOTHING
RETURNING id;

-- delete_benign: Take hashes out of the bank; says which were in it.
DELETE FROM benign_hashes WHERE id = ANY(%(ids)s) RETURNING id;

-- list_benign: The bank of harmless hashes, oldest first.
SELECT id, pdq, note, added_at FROM benign_hashes ORDER BY id;

-- benign_hashes: The bank's hashes alone.
SELECT pdq FROM benign_hashes ORDER BY id;

-- benign_changed: Say that the bank is another.
UPDATE intake SET bank = bank + 1;
