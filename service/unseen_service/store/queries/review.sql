-- Statements of store/review.py. Each opens with "name: what it does"; values are %(parameters)s.

-- dispute_hashes: Queue those of some hashes that two platforms call not intimate, and suspend them
-- unless staff confirmed them before. Feedback from before a decision does not count.
WITH disputed AS (
    SELECT hashes.id, standing AS before, jsonb_build_object('platforms', count(*)) AS evidence
    FROM hashes
    JOIN feedback ON feedback.hash_id = hashes.id AND value = 'not-intimate'
    LEFT JOIN reviews ON reviews.hash_id = hashes.id
    WHERE hashes.id = ANY(%(hash_ids)s) AND active AND standing IN ('unreviewed', 'confirmed')
        AND (decided_at IS NULL OR feedback.at > decided_at)
    GROUP BY hashes.id
    HAVING count(*) >= 2
), opened AS (
    INSERT INTO reviews (hash_id, cause, evidence, before)
    SELECT id, 'not-intimate', evidence, before FROM disputed
    ON CONFLICT (hash_id) DO UPDATE
    SET cause = excluded.cause, evidence = excluded.evidence, before = excluded.before,
        opened_at = excluded.opened_at, decision = NULL
)
UPDATE hashes SET standing = CASE before WHEN 'confirmed' THEN 'disputed' ELSE 'quarantined' END
FROM disputed
WHERE hashes.id = disputed.id
RETURNING hashes.id, standing;

-- suspect_hashes: Queue unreviewed hashes because of what they match, and suspend them unless they
-- are only found often. A hash queued as often found changes to a graver cause.
WITH suspected AS (
    SELECT hashes.id, given.evidence
    FROM jsonb_to_recordset(%(given)s) AS given (hash_id bigint, evidence jsonb)
    JOIN hashes ON hashes.id = given.hash_id AND active AND standing = 'unreviewed'
    LEFT JOIN reviews ON reviews.hash_id = hashes.id AND decision IS NULL
    WHERE reviews.hash_id IS NULL OR cause <> %(cause)s::text
), opened AS (
    INSERT INTO reviews (hash_id, cause, evidence, before)
    SELECT id, %(cause)s, evidence, 'unreviewed' FROM suspected
    ON CONFLICT (hash_id) DO UPDATE
    SET cause = excluded.cause, evidence = excluded.evidence, before = excluded.before,
        opened_at = excluded.opened_at, decision = NULL
)
UPDATE hashes
SET standing = CASE WHEN %(cause)s = 'often-found' THEN standing ELSE 'quarantined' END
FROM suspected
WHERE hashes.id = suspected.id
RETURNING hashes.id, record, evidence;

-- list_reviews: The queue, oldest first; or the decisions, newest first.
SELECT record, standing, cause, evidence, opened_at, decision, decided_at, decided_by, why,
    (SELECT count(*) FROM image_hashes JOIN images ON images.id = image_id
     WHERE image_hashes.hash_id = reviews.hash_id AND withdrawn_at IS NULL)::integer AS images,
    (SELECT coalesce(jsonb_object_agg(value, platforms), '{}') FROM (
        SELECT value, jsonb_agg(name ORDER BY name) AS platforms
        FROM feedback JOIN platforms ON platforms.id = platform_id
        WHERE feedback.hash_id = reviews.hash_id AND value IS NOT NULL
        GROUP BY value
    ) AS opinions) AS opinions
FROM reviews JOIN hashes ON hashes.id = hash_id
WHERE CASE WHEN %(decided)s THEN decision IS NOT NULL ELSE decision IS NULL AND active END
ORDER BY CASE WHEN %(decided)s THEN decided_at END DESC, opened_at, record
LIMIT %(limit)s;

-- lock_review: One hash that is or was in the queue and has its bits, locked until commit.
SELECT hash_id, record, before, decision, active,
    EXISTS (
        SELECT FROM image_hashes JOIN images ON images.id = image_id
        WHERE image_hashes.hash_id = hashes.id AND withdrawn_at IS NULL
    ) AS held
FROM reviews JOIN hashes ON hashes.id = hash_id
WHERE record = %(record)s AND pdq IS NOT NULL
FOR UPDATE OF reviews, hashes;

-- settle_hash: Apply a decision to a hash, and count it.
WITH counted AS (UPDATE intake SET decisions = decisions + 1)
UPDATE hashes SET standing = %(standing)s, barred = %(barred)s, active = %(active)s,
    gone_at = CASE WHEN NOT %(active)s THEN coalesce(gone_at, clock_timestamp()) END
WHERE id = %(hash_id)s;

-- settle_review: Record a decision, with the person and the reason.
UPDATE reviews
SET decision = %(decision)s, decided_at = clock_timestamp(), decided_by = %(decided_by)s,
    why = %(why)s
WHERE hash_id = %(hash_id)s;

-- count_open_reviews: How many hashes wait for a decision.
SELECT count(*) AS open FROM reviews JOIN hashes ON hashes.id = hash_id
WHERE decision IS NULL AND active;
