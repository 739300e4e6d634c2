-- Statements of store/changes.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- lock_change_head: Become the only writer of the change log until commit; says how far it is.
-- The row is what is locked; the number is where one waits for it, once and in line. Who waits for
-- a row waits for a place first, then for the row, and lock_timeout counts each anew.
SELECT position, at FROM (SELECT pg_advisory_xact_lock(129116974640743)) AS line, change_head
FOR UPDATE OF change_head;

-- append_changes: Number one change a hash, in the order given, all at one time.
WITH head AS (
    UPDATE change_head
    SET position = position + cardinality(%(hash_ids)s::bigint[]),
        at = greatest(at, clock_timestamp())
    RETURNING position - cardinality(%(hash_ids)s::bigint[]) AS base, at
)
INSERT INTO changes (position, kind, hash_id, at)
SELECT base + ordinality, %(kind)s, hash_id, at
FROM head, unnest(%(hash_ids)s::bigint[]) WITH ORDINALITY AS given (hash_id, ordinality);

-- read_changes: The changes after a position, in order; no bits where it may not be matched now.
SELECT position, changes.at, kind, hash_id,
    CASE WHEN active AND standing <> 'quarantined' THEN pdq END AS pdq
FROM changes JOIN hashes ON hashes.id = hash_id
WHERE position > %(after)s
ORDER BY position
LIMIT %(limit)s;

-- change_position: How far the change log is.
SELECT position FROM change_head;

-- change_mark: When the change at a position was made.
SELECT at FROM changes WHERE position = %(position)s;

-- may_name_server: Whether this user may ask the server for its identifier.
SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AS may;

-- server_and_database: What tells this database from a copy of it elsewhere.
SELECT system_identifier || '/' || pg_database.oid AS here
FROM pg_control_system(), pg_database WHERE datname = current_database();

-- database_alone: The same, where the server's identifier may not be asked for.
SELECT '-/' || oid AS here FROM pg_database WHERE datname = current_database();

-- log_origin: Where the change log was named; null: nowhere yet.
SELECT origin FROM change_head;

-- set_log_origin: Say where the change log is now.
UPDATE change_head SET origin = %(origin)s;

-- rename_log: Give the change log another name, so that every cursor into it is refused.
UPDATE change_head SET log = gen_random_uuid();

-- pack_active_hashes: The next of those that may be matched, for a new index: packed in one value.
SELECT max(id) AS last, string_agg(int8send(id) || pdq, ''::bytea) AS packed FROM (
    SELECT id, pdq FROM hashes
    WHERE id > %(after)s AND active AND standing <> 'quarantined'
    ORDER BY id LIMIT %(limit)s
) AS block;

-- estimated_hashes: About how many hashes there are, as PostgreSQL last counted; 0: not yet.
SELECT greatest(reltuples, 0)::bigint AS about FROM pg_class WHERE oid = 'hashes'::regclass;
