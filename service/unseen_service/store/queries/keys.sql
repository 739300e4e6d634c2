-- Statements of store/keys.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- platform_like: A platform whose name differs by capitals only.
SELECT name FROM platforms WHERE lower(name) = lower(%(name)s) AND name <> %(name)s LIMIT 1;

-- find_or_add_platform: The platform of this name.
INSERT INTO platforms (name) VALUES (%(name)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id;

-- insert_key: A new key of a platform; in force at once, or (pending) when it is approved.
INSERT INTO keys (platform_id, digest, scopes, note, issued_by, expires_at, approved_at)
VALUES (%(platform_id)s, %(digest)s, %(scopes)s, %(note)s, %(issued_by)s, %(expires_at)s,
    CASE WHEN %(pending)s THEN NULL ELSE now() END)
RETURNING id;

-- insert_successor: A key that takes the place of another in force; it lives as long as that did.
INSERT INTO keys (platform_id, digest, scopes, note, issued_by, expires_at, approved_at,
    first_key, replaces, overlap)
SELECT platform_id, %(digest)s, scopes, note, %(issued_by)s, now() + (expires_at - created_at),
    CASE WHEN %(pending)s THEN NULL ELSE now() END,
    coalesce(first_key, id), id, make_interval(secs => %(overlap_s)s)
FROM keys WHERE id = %(key_id)s
RETURNING id;

-- end_replaced_key: Let the key that this one takes the place of end when their overlap does.
UPDATE keys AS old SET expires_at = least(old.expires_at, now() + new.overlap)
FROM keys AS new
WHERE new.id = %(key_id)s AND old.id = new.replaces AND old.revoked_at IS NULL
RETURNING old.id;

-- lock_key: One key, held until commit.
SELECT keys.id, coalesce(first_key, keys.id) AS line, platform_id, name AS platform, digest, scopes,
    note, keys.created_at, issued_by, approved_at, approved_by, expires_at, revoked_at
FROM keys JOIN platforms ON platforms.id = platform_id
WHERE keys.id = %(key_id)s FOR UPDATE OF keys;

-- has_successor: Whether a key that is not revoked takes the place of this one.
SELECT EXISTS (SELECT FROM keys WHERE replaces = %(key_id)s AND revoked_at IS NULL) AS found;

-- list_keys: Every key that was ever issued, oldest first.
SELECT keys.id, coalesce(first_key, keys.id) AS line, platform_id, name AS platform, digest, scopes,
    note, keys.created_at, issued_by, approved_at, approved_by, expires_at, revoked_at
FROM keys JOIN platforms ON platforms.id = platform_id
ORDER BY keys.id;

-- approve_key: Put a pending key in force.
UPDATE keys SET approved_at = now(), approved_by = %(approved_by)s WHERE id = %(key_id)s;

-- revoke_key: Put a key out of force; says nothing when it is already, or is none.
UPDATE keys SET revoked_at = now() WHERE id = %(key_id)s AND revoked_at IS NULL
RETURNING id;
