-- Statements of store/changes.py. Each opens with "name: what it does"; values are %(parameters)s.

-- lock_change_head: Lock the change log until commit: one transaction writes at a time.
-- The row is what needs the lock; the advisory lock makes transactions wait in a single queue.
-- Waiting for the row alone would be two successive waits, each with its own lock_timeout.
SELECT position, at FROM (SELECT pg_advisory_xact_lock(129116974640743)) AS queue, log_head
FOR UPDATE OF log_head;

-- touch_change_head: Write the end of the log as it is.
UPDATE log_head SET at = at;

-- append_changes: Number one change per hash, in the order given, all with the same time.
WITH head AS (
    UPDATE log_head
    SET position = position + cardinality(%(hash_ids)s::bigint[]),
        at = greatest(at, clock_timestamp())
    RETURNING position - cardinality(%(hash_ids)s::bigint[]) AS base, at
)
INSERT INTO changes (position, kind, hash_id, at, published)
SELECT base + ordinality, %(kind)s, hash_id, head.at, published
FROM head, unnest(%(hash_ids)s::bigint[]) WITH ORDINALITY AS given (hash_id, ordinality)
JOIN hashes ON hashes.id = hash_id;

-- read_changes: Changes after a position, in order; without bits if the hash may not match now.
SELECT position, changes.at, kind, hash_id,
    CASE WHEN active AND standing <> 'quarantined' THEN pdq END AS pdq, record, key_version
FROM changes JOIN hashes ON hashes.id = hash_id
WHERE position > %(after)s
ORDER BY position
LIMIT %(limit)s;

-- change_position: The position of the last change.
SELECT position FROM log_head;

-- change_mark: The time of the change at a position.
SELECT at FROM changes WHERE position = %(position)s;

-- may_name_server: Whether this user may read the identifier of the server.
SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AS may;

-- server_and_database: An identity of this database that a copy on another server does not share.
SELECT system_identifier || '/' || pg_database.oid AS here
FROM pg_control_system(), pg_database WHERE datname = current_database();

-- database_alone: The same, if the identifier of the server may not be read.
SELECT '-/' || oid AS here FROM pg_database WHERE datname = current_database();

-- log_origin: The identity of the database that named the change log; null: none yet.
SELECT origin FROM log_head;

-- set_log_origin: Record the identity of the database that the change log belongs to now.
UPDATE log_head SET origin = %(origin)s;

-- rename_log: Give the change log a new ID, so that all old cursors are rejected.
UPDATE log_head SET log = gen_random_uuid();

-- estimated_hashes: An estimate of the number of hashes, from PostgreSQL's statistics; 0: none yet.
SELECT greatest(reltuples, 0)::bigint AS about FROM pg_class WHERE oid = 'hashes'::regclass;
