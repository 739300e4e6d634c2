-- Statements of store/benign_hashes.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- new_benign_ids: IDs for new hashes: a hash is sealed with its ID.
SELECT nextval(pg_get_serial_sequence('benign_hashes', 'id')) AS id
FROM generate_series(1, %(count)s);

-- insert_benign: Add hashes that are not in the benign bank.
INSERT INTO benign_hashes (id, pdq, key_version, note) OVERRIDING SYSTEM VALUE
SELECT id, pdq, %(version)s::smallint, %(note)s
FROM unnest(%(ids)s::bigint[], %(pdqs)s::bytea[]) AS given (id, pdq);

-- delete_benign: Delete hashes from the benign bank; return those that were in it.
DELETE FROM benign_hashes WHERE id = ANY(%(ids)s) RETURNING id;

-- list_benign: The benign bank, oldest first.
SELECT id, pdq, key_version, note, added_at FROM benign_hashes ORDER BY id;

-- benign_changed: Increment the version of the benign bank, so that workers reload it.
UPDATE intake SET bank = bank + 1;
