-- Statements of store/keys.py. Each opens with "name: what it does"; values are %(parameters)s.

-- platform_like: A platform whose name differs only by case.
SELECT name FROM platforms WHERE lower(name) = lower(%(name)s) AND name <> %(name)s LIMIT 1;

-- find_or_add_platform: The platform of this name.
INSERT INTO platforms (name) VALUES (%(name)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id;

-- insert_key: A new key of a platform; active at once, or once approved if it needs approval.
INSERT INTO keys (platform_id, digest, scopes, note, issued_by, expires_at, needs_approval,
    approved_at)
VALUES (%(platform_id)s, %(digest)s, %(scopes)s, %(note)s, %(issued_by)s, %(expires_at)s,
    %(needs_approval)s, CASE WHEN %(needs_approval)s THEN NULL ELSE now() END)
RETURNING id;

-- insert_successor: A key that replaces an active one; it lives as long as that one did.
INSERT INTO keys (platform_id, digest, scopes, note, issued_by, expires_at, needs_approval,
    approved_at, first_key, replaces, overlap)
SELECT platform_id, %(digest)s, scopes, note, %(issued_by)s, now() + (expires_at - created_at),
    %(needs_approval)s, CASE WHEN %(needs_approval)s THEN NULL ELSE now() END,
    coalesce(first_key, id), id, make_interval(secs => %(overlap_s)s)
FROM keys WHERE id = %(key_id)s
RETURNING id;

-- end_replaced_key: End the key that this one replaces when their overlap ends.
UPDATE keys AS old SET expires_at = least(old.expires_at, now() + new.overlap)
FROM keys AS new
WHERE new.id = %(key_id)s AND old.id = new.replaces AND old.revoked_at IS NULL
RETURNING old.id;

-- lock_key: One key, locked until commit.
SELECT keys.id, coalesce(first_key, keys.id) AS family_id, platform_id, name AS platform, digest,
    scopes, note, keys.created_at, issued_by, approved_at, approved_by, expires_at, revoked_at
FROM keys JOIN platforms ON platforms.id = platform_id
WHERE keys.id = %(key_id)s FOR UPDATE OF keys;

-- has_successor: Whether a key that is not revoked replaces this one.
SELECT EXISTS (SELECT FROM keys WHERE replaces = %(key_id)s AND revoked_at IS NULL) AS found;

-- list_keys: Every key that was ever issued, oldest first.
SELECT keys.id, coalesce(first_key, keys.id) AS family_id, platform_id, name AS platform, digest,
    scopes, note, keys.created_at, issued_by, approved_at, approved_by, expires_at, revoked_at
FROM keys JOIN platforms ON platforms.id = platform_id
ORDER BY keys.id;

-- approve_key: Activate a pending key.
UPDATE keys SET approved_at = now(), approved_by = %(approved_by)s WHERE id = %(key_id)s;

-- revoke_key: Revoke a key; no row if it is revoked already, or does not exist.
UPDATE keys SET revoked_at = now() WHERE id = %(key_id)s AND revoked_at IS NULL
RETURNING id;
