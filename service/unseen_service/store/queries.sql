-- Every statement of the service, but for the migrations.
-- Each opens with a line "name: what it does"; values are %(parameters)s.

-- lock_change_head: Become the only writer of the change log until commit; says how far it is.
SELECT position, at FROM change_head FOR UPDATE;

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

-- notify: Wake who listens on a channel, once this transaction has committed.
SELECT pg_notify(%(channel)s, '');

-- read_changes: The changes after a position, in order; the bits are null once erased.
SELECT position, kind, hash_id, pdq
FROM changes JOIN hashes ON hashes.id = hash_id
WHERE position > %(after)s
ORDER BY position
LIMIT %(limit)s;

-- change_position: How far the change log is.
SELECT position FROM change_head;

-- change_mark: When the change at a position was made.
SELECT at FROM changes WHERE position = %(position)s;

-- copy_active_hashes: Every hash that may be matched, for a new index.
COPY (SELECT id, pdq FROM hashes WHERE active) TO STDOUT (FORMAT binary);

-- find_submission: What was submitted under an idempotency key.
SELECT request_digest, case_id FROM submissions WHERE key_digest = %(key_digest)s;

-- insert_submission: Remember an idempotency key.
INSERT INTO submissions (key_digest, request_digest, case_id)
VALUES (%(key_digest)s, %(request_digest)s, %(case_id)s);

-- insert_case: A new case; nothing where the number is taken.
INSERT INTO cases (number, pin_salt, pin_digest)
VALUES (%(number)s, %(pin_salt)s, %(pin_digest)s)
ON CONFLICT (number) DO NOTHING
RETURNING id, audit_ref;

-- insert_images: The images of a case, numbered from 1 in the order given.
INSERT INTO images (case_id, number, convention)
SELECT %(case_id)s, ordinality, convention
FROM unnest(%(conventions)s::text[]) WITH ORDINALITY AS given (convention, ordinality);

-- insert_hashes: One row for each hash value that has none yet.
INSERT INTO hashes (pdq) SELECT DISTINCT unnest(%(pdqs)s::bytea[])
ON CONFLICT (pdq) DO NOTHING;

-- link_hashes: Which hash shows which view of which image of a case.
INSERT INTO image_hashes (image_id, view, hash_id, quality)
SELECT images.id, given.view, hashes.id, given.quality
FROM unnest(%(numbers)s::integer[], %(views)s::text[], %(pdqs)s::bytea[], %(qualities)s::smallint[])
    AS given (number, view, pdq, quality)
JOIN images ON images.case_id = %(case_id)s AND images.number = given.number
JOIN hashes ON hashes.pdq = given.pdq;

-- activate_hashes: Of the hashes of a case, make those matchable that were not; says which.
UPDATE hashes SET active = true
WHERE NOT active AND id IN (
    SELECT hash_id FROM image_hashes JOIN images ON images.id = image_id
    WHERE case_id = %(case_id)s
)
RETURNING id;

-- case_secret: What opens a case.
SELECT id AS case_id, audit_ref, pin_salt, pin_digest, wrong_pins, withdrawn_at
FROM cases WHERE number = %(number)s;

-- count_wrong_pin: Remember that a wrong PIN was tried; says how many have been, in all.
UPDATE cases SET wrong_pins = wrong_pins + 1 WHERE id = %(case_id)s RETURNING wrong_pins;

-- case_row: A case without its images.
SELECT number, submitted_at, withdrawn_at FROM cases WHERE id = %(case_id)s;

-- case_images: The images of a case, and how often what was found of each since it was submitted.
-- One query of a look-up is one match, however many views of the image it came near.
SELECT images.number,
    (SELECT count(*) FROM image_hashes WHERE image_id = images.id)::integer AS hashes,
    count(DISTINCT (audit_position, query)) FILTER (WHERE query IS NOT NULL)::integer AS matches,
    max(matches.at) AS last_match_at,
    images.withdrawn_at
FROM images
JOIN cases ON cases.id = case_id
LEFT JOIN image_hashes ON image_id = images.id
LEFT JOIN matches ON matches.hash_id = image_hashes.hash_id
    AND matches.at >= cases.submitted_at
    AND (images.withdrawn_at IS NULL OR matches.at <= images.withdrawn_at)
WHERE case_id = %(case_id)s
GROUP BY images.id
ORDER BY images.number;

-- case_platforms: What each platform found of a case since it was submitted.
SELECT platforms.name AS platform,
    count(DISTINCT (audit_position, query))::integer AS matches,
    min(matches.at) AS first_match_at,
    max(matches.at) AS last_match_at
FROM images
JOIN cases ON cases.id = case_id
JOIN image_hashes ON image_id = images.id
JOIN matches ON matches.hash_id = image_hashes.hash_id
    AND matches.at >= cases.submitted_at
    AND (images.withdrawn_at IS NULL OR matches.at <= images.withdrawn_at)
JOIN platforms ON platforms.id = platform_id
WHERE case_id = %(case_id)s
GROUP BY platforms.id
ORDER BY platforms.name;

-- withdraw_images: Withdraw one image of a case, or all (number null); says which were not yet.
UPDATE images SET withdrawn_at = now()
WHERE case_id = %(case_id)s AND withdrawn_at IS NULL
    AND number = coalesce(%(number)s::integer, number)
RETURNING number;

-- withdraw_empty_case: A case is withdrawn when its last image is.
UPDATE cases SET withdrawn_at = now()
WHERE id = %(case_id)s AND withdrawn_at IS NULL
    AND NOT EXISTS (SELECT FROM images WHERE case_id = cases.id AND images.withdrawn_at IS NULL);

-- deactivate_hashes: Of the hashes of some images, those that no image holds any more; says which.
UPDATE hashes SET active = false
WHERE active
    AND id IN (
        SELECT hash_id FROM image_hashes JOIN images ON images.id = image_id
        WHERE case_id = %(case_id)s AND number = ANY(%(numbers)s)
    )
    AND NOT EXISTS (
        SELECT FROM image_hashes JOIN images ON images.id = image_id
        WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
    )
RETURNING id;

-- confirm_hashes: Of an index's candidates, those that may be matched now, and what to say of them.
SELECT hashes.id, record, standing,
    (SELECT view FROM image_hashes JOIN images ON images.id = image_id
     WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
     ORDER BY view <> 'original', view LIMIT 1) AS view
FROM hashes
WHERE id = ANY(%(hash_ids)s) AND active AND standing <> 'quarantined';

-- insert_matches: What one look-up hit.
INSERT INTO matches (audit_position, query, hash_id, platform_id, distance)
SELECT %(audit_position)s, query, hash_id, %(platform_id)s, distance
FROM unnest(%(queries)s::integer[], %(hash_ids)s::bigint[], %(distances)s::smallint[])
    AS given (query, hash_id, distance);

-- find_or_add_platform: The platform of this name.
INSERT INTO platforms (name) VALUES (%(name)s)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id;

-- insert_key: A new key of a platform.
INSERT INTO keys (platform_id, digest, scopes)
VALUES (%(platform_id)s, %(digest)s, %(scopes)s)
RETURNING id;

-- list_keys: Every key that was ever issued, oldest first.
SELECT keys.id, platform_id, name AS platform, digest, scopes, keys.created_at, revoked_at
FROM keys JOIN platforms ON platforms.id = platform_id
ORDER BY keys.id;

-- revoke_key: Put a key out of force; says nothing when it is already, or is none.
UPDATE keys SET revoked_at = now() WHERE id = %(key_id)s AND revoked_at IS NULL
RETURNING id;

-- lock_audit_head: Become the only one to append to the audit log until commit.
SELECT position, greatest(at, clock_timestamp()) AS at, digest FROM audit_head FOR UPDATE;

-- append_audit: One more link; the head moves with it.
WITH entry AS (
    INSERT INTO audit_log (position, at, kind, actor, subject, details, digest)
    VALUES (%(position)s, %(at)s, %(kind)s, %(actor)s, %(subject)s, %(details)s, %(digest)s)
    RETURNING position, at, digest
)
UPDATE audit_head SET position = entry.position, at = entry.at, digest = entry.digest FROM entry;

-- audit_head: How far the audit log is.
SELECT position, digest FROM audit_head;

-- read_audit: Audit entries after a position, in order; one kind of them, or all (kind null).
SELECT position, at, kind, actor, subject, details, digest
FROM audit_log
WHERE position > %(after)s AND kind = coalesce(%(kind)s::text, kind)
ORDER BY position
LIMIT %(limit)s;
