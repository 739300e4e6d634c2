-- Statements of store/encryption.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- has_data: Whether there is anything that would be encrypted.
SELECT EXISTS (SELECT FROM hashes) OR EXISTS (SELECT FROM benign_hashes)
    OR EXISTS (SELECT FROM cases) AS found;

-- owns_tables: Whether this user may alter the tables.
SELECT pg_has_role(current_user, relowner, 'USAGE') AS may
FROM pg_class WHERE oid = 'hashes'::regclass;

-- older_sessions: Sessions that may be of workers of an older version. Other programs have names.
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
    AND pid <> pg_backend_pid() AND application_name NOT LIKE %(ours)s
    AND application_name IN ('', %(theirs)s)
ORDER BY pid;

-- has_other_hosts: Whether workers of another host are connected.
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE %(ours)s
        AND split_part(application_name, ' ', 2) <> %(host)s
) AS found;

-- use_key: Seal new rows with a key.
WITH noted AS (
    INSERT INTO encryption_keys (version, check_value) VALUES (%(version)s, %(check_value)s)
)
UPDATE encryption SET version = %(version)s, completed = false;

-- complete_encryption: Record that every row is sealed with a key.
UPDATE encryption SET completed = true WHERE version = %(version)s;

-- forget_other_keys: Forget the keys that no row is sealed with any longer.
DELETE FROM encryption_keys WHERE version <> %(version)s;

-- has_unsealed: Whether a row is in clear, or sealed with another key.
SELECT EXISTS (
        SELECT FROM hashes WHERE pdq IS NOT NULL AND key_version IS DISTINCT FROM %(version)s)
    OR EXISTS (SELECT FROM benign_hashes WHERE key_version IS DISTINCT FROM %(version)s)
    OR EXISTS (SELECT FROM cases WHERE pin_digest IS NOT NULL AND NOT pin_sealed)
    OR EXISTS (SELECT FROM submissions WHERE NOT request_sealed) AS found;

-- unsealed_hashes: The next hashes that are not sealed with a key.
SELECT id, record, pdq, lookup_tag, key_version FROM hashes
WHERE id > %(after)s AND pdq IS NOT NULL AND key_version IS DISTINCT FROM %(version)s
ORDER BY id LIMIT %(limit)s;

-- seal_hashes: Replace what is stored of hashes.
UPDATE hashes SET pdq = given.pdq, lookup_tag = tag, key_version = %(version)s
FROM unnest(%(hash_ids)s::bigint[], %(pdqs)s::bytea[], %(tags)s::bytea[])
    AS given (hash_id, pdq, tag)
WHERE id = hash_id;

-- seal_benign: Replace what is stored of benign hashes.
UPDATE benign_hashes SET pdq = given.pdq, key_version = %(version)s
FROM unnest(%(ids)s::bigint[], %(pdqs)s::bytea[]) AS given (benign_id, pdq)
WHERE id = benign_id;

-- unsealed_pins: The next digests of PINs that are not sealed.
SELECT id, number, pin_digest FROM cases WHERE pin_digest IS NOT NULL AND NOT pin_sealed
ORDER BY id LIMIT %(limit)s FOR UPDATE;

-- seal_pins: Replace digests of PINs.
UPDATE cases SET pin_digest = digest, pin_sealed = true
FROM unnest(%(ids)s::bigint[], %(digests)s::bytea[]) AS given (case_id, digest)
WHERE id = case_id AND NOT pin_sealed;

-- unsealed_submissions: The next digests of requests that are not sealed.
SELECT key_digest, request_digest FROM submissions WHERE NOT request_sealed
LIMIT %(limit)s FOR UPDATE;

-- seal_submissions: Replace digests of requests.
UPDATE submissions SET request_digest = digest, request_sealed = true
FROM unnest(%(keys)s::bytea[], %(digests)s::bytea[]) AS given (used, digest)
WHERE key_digest = used AND NOT request_sealed;
