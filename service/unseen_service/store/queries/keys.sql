-- Statements of store/keys.py. Each opens with "name: what it does"; values are %(parameters)s.

-- lock_keys: Wait until nobody else changes keys, and let nobody until commit.
SELECT pg_advisory_xact_lock(129116941935733);

-- platform_like: A platform whose name differs only by case.
SELECT name FROM platforms WHERE lower(name) = lower(%(name)s) AND name <> %(name)s LIMIT 1;

-- find_or_add_platform: The platform of this name.
INSERT INTO platforms (name) VALUES (%(name)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id;

-- insert_key: A new key of a platform. It is active at once, unless it needs approval or its
-- holder has to activate it.
INSERT INTO keys (platform_id, digest, scopes, note, issued_by, expires_at, needs_approval,
    made_by_holder, approved_at)
VALUES (%(platform_id)s, %(digest)s, %(scopes)s, %(note)s, %(issued_by)s, %(expires_at)s,
    %(needs_approval)s, %(made_by_holder)s,
    CASE WHEN %(needs_approval)s OR %(made_by_holder)s THEN NULL ELSE now() END)
RETURNING id;

-- insert_successor: A key that replaces an active one. It lives as long as that one did, or no
-- longer than it if nobody else has a say.
INSERT INTO keys (platform_id, digest, scopes, note, issued_by, needs_approval, made_by_holder,
    expires_at, approved_at, first_key, replaces, overlap)
SELECT platform_id, %(digest)s, scopes, note, %(issued_by)s, %(needs_approval)s,
    %(made_by_holder)s,
    CASE WHEN %(keeps_expiry)s THEN expires_at ELSE now() + (expires_at - created_at) END,
    CASE WHEN %(needs_approval)s OR %(made_by_holder)s THEN NULL ELSE now() END,
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
    scopes, note, keys.created_at, issued_by, approved_at, approved_by, expires_at, revoked_at,
    made_by_holder, used_at, bootstrap_peer
FROM keys JOIN platforms ON platforms.id = platform_id
WHERE keys.id = %(key_id)s FOR UPDATE OF keys;

-- lock_key_by_digest: The key of a digest, locked until commit.
SELECT keys.id, coalesce(first_key, keys.id) AS family_id, platform_id, name AS platform, digest,
    scopes, note, keys.created_at, issued_by, approved_at, approved_by, expires_at, revoked_at,
    made_by_holder, used_at, bootstrap_peer
FROM keys JOIN platforms ON platforms.id = platform_id
WHERE digest = %(digest)s FOR UPDATE OF keys;

-- has_digest: Whether a key with this digest was ever registered.
SELECT EXISTS (SELECT FROM keys WHERE digest = %(digest)s) AS found;

-- link_bootstrap_peers: Two keys that become active together.
UPDATE keys SET bootstrap_peer = CASE id WHEN %(one)s THEN %(other)s ELSE %(one)s END
WHERE id IN (%(one)s, %(other)s);

-- activate_key: Record that the holder used a key; it is active now unless it needs approval.
UPDATE keys SET used_at = now(),
    approved_at = CASE WHEN needs_approval THEN approved_at ELSE coalesce(approved_at, now()) END
WHERE id = %(key_id)s;

-- approve_bootstrap_peers: Activate two keys that were created together, once both were used.
UPDATE keys AS one SET approved_at = now(), approved_by = %(approved_by)s
FROM keys AS other
WHERE one.bootstrap_peer = other.id AND other.bootstrap_peer = one.id
    AND %(key_id)s IN (one.id, other.id)
    AND one.used_at IS NOT NULL AND other.used_at IS NOT NULL
    AND one.revoked_at IS NULL AND other.revoked_at IS NULL AND one.approved_at IS NULL
RETURNING one.id;

-- revoke_waiting_successors: Revoke the keys that were to replace one and are not active yet.
UPDATE keys SET revoked_at = now()
WHERE replaces = %(key_id)s AND revoked_at IS NULL AND approved_at IS NULL
RETURNING id;

-- has_successor: Whether a key that is not revoked replaces this one.
SELECT EXISTS (SELECT FROM keys WHERE replaces = %(key_id)s AND revoked_at IS NULL) AS found;

-- list_keys: Every key that was ever issued, oldest first.
SELECT keys.id, coalesce(first_key, keys.id) AS family_id, platform_id, name AS platform, digest,
    scopes, note, keys.created_at, issued_by, approved_at, approved_by, expires_at, revoked_at,
    made_by_holder, used_at, bootstrap_peer
FROM keys JOIN platforms ON platforms.id = platform_id
ORDER BY keys.id;

-- approve_key: Activate a pending key.
UPDATE keys SET approved_at = now(), approved_by = %(approved_by)s WHERE id = %(key_id)s;

-- revoke_key: Revoke a key; no row if it is revoked already, or does not exist.
UPDATE keys SET revoked_at = now() WHERE id = %(key_id)s AND revoked_at IS NULL
RETURNING id;
