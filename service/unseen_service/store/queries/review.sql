-- Statements of store/review.py. Each opens with "name: what it does"; values are %(parameters)s.

-- dispute_hashes: Queue those of some hashes that two platforms call not intimate: they are suspect
-- from here on, or disputed if staff confirmed them before. Feedback from before a decision does
-- not count, and what is suspect already stays as it is.
WITH disputed AS (
    SELECT hashes.id, standing AS before, jsonb_build_object('platforms', count(*)) AS evidence
    FROM hashes
    JOIN feedback ON feedback.hash_id = hashes.id AND value = 'not-intimate'
    LEFT JOIN reviews ON reviews.hash_id = hashes.id
    WHERE hashes.id = ANY(%(hash_ids)s) AND active AND standing IN ('unreviewed', 'confirmed')
        AND (decided_at IS NULL OR feedback.at > decided_at)
        AND NOT EXISTS (SELECT FROM suspects WHERE suspects.hash_id = hashes.id)
    GROUP BY hashes.id
    HAVING count(*) >= 2
), opened AS (
    INSERT INTO reviews (hash_id, cause, evidence, before)
    SELECT id, 'not-intimate', evidence, before FROM disputed
    ON CONFLICT (hash_id) DO UPDATE
    SET cause = excluded.cause, evidence = excluded.evidence, before = excluded.before,
        opened_at = excluded.opened_at, decision = NULL
)
UPDATE hashes SET standing = CASE before WHEN 'confirmed' THEN 'disputed' ELSE standing END
FROM disputed
WHERE hashes.id = disputed.id
RETURNING hashes.id, record, standing;

-- suspect_hashes: Queue unreviewed hashes because of what they match; unless they are only found
-- often, they are suspect. A hash queued as often found changes to a graver cause.
WITH suspected AS (
    SELECT hashes.id, given.evidence
    FROM jsonb_to_recordset(%(given)s) AS given (hash_id bigint, evidence jsonb)
    JOIN hashes ON hashes.id = given.hash_id AND active AND standing = 'unreviewed'
    LEFT JOIN reviews ON reviews.hash_id = hashes.id AND decision IS NULL
    WHERE reviews.hash_id IS NULL OR cause = 'often-found' AND %(cause)s::text <> cause
), opened AS (
    INSERT INTO reviews (hash_id, cause, evidence, before)
    SELECT id, %(cause)s, evidence, 'unreviewed' FROM suspected
    ON CONFLICT (hash_id) DO UPDATE
    SET cause = excluded.cause, evidence = excluded.evidence, before = excluded.before,
        opened_at = excluded.opened_at, decision = NULL
)
SELECT id, record FROM suspected JOIN hashes USING (id);

-- resume_suspended: Restore the standing of hashes that version 0.1 suspended without a decision.
UPDATE hashes SET standing = before FROM reviews
WHERE reviews.hash_id = hashes.id AND hashes.id IN (
    SELECT hash_id FROM reviews JOIN hashes ON hashes.id = hash_id
    WHERE decision IS NULL AND standing = 'quarantined' ORDER BY opened_at LIMIT %(limit)s
)
RETURNING hashes.id, record, active;

-- has_suspended: Whether an older version suspended a hash that no one has decided about.
SELECT EXISTS (
    SELECT FROM reviews JOIN hashes ON hashes.id = hash_id
    WHERE decision IS NULL AND standing = 'quarantined'
) AS found;

-- list_reviews: The queue, oldest first; or the decisions, newest first.
SELECT record, standing, cause, evidence, opened_at, decision, decided_at, decided_by, why,
    (SELECT count(*) FROM image_hashes JOIN images ON images.id = image_id
     WHERE image_hashes.hash_id = reviews.hash_id AND withdrawn_at IS NULL)::integer AS images,
    (SELECT coalesce(jsonb_object_agg(value, platforms), '{}') FROM (
        SELECT value, jsonb_agg(name ORDER BY name) AS platforms
        FROM feedback JOIN platforms ON platforms.id = platform_id
        WHERE feedback.hash_id = reviews.hash_id AND value IS NOT NULL
        GROUP BY value
    ) AS opinions) AS opinions,
    EXISTS (SELECT FROM suspects WHERE suspects.hash_id = reviews.hash_id) AS suspect,
    (SELECT to_jsonb(proposals) FROM proposals WHERE proposals.hash_id = reviews.hash_id)
        AS proposal
FROM reviews JOIN hashes ON hashes.id = hash_id
WHERE CASE WHEN %(decided)s THEN decision IS NOT NULL ELSE decision IS NULL AND active END
ORDER BY CASE WHEN %(decided)s THEN decided_at END DESC, opened_at, record
LIMIT %(limit)s;

-- lock_review: One hash that is or was in the queue and has its bits, locked until commit.
SELECT hash_id, record, standing, before, decision, active,
    (SELECT to_jsonb(proposals) FROM proposals WHERE proposals.hash_id = hashes.id) AS proposal,
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

-- propose_decision: Record what a first person proposes; it replaces what was proposed before.
INSERT INTO proposals (hash_id, decision, proposed_by, person, why)
VALUES (%(hash_id)s, %(decision)s, %(proposed_by)s, %(person)s, %(why)s)
ON CONFLICT (hash_id) DO UPDATE SET decision = excluded.decision,
    proposed_by = excluded.proposed_by, person = excluded.person, why = excluded.why,
    at = excluded.at;

-- delete_proposals: Delete what was proposed about some hashes: they are decided.
DELETE FROM proposals WHERE hash_id = ANY(%(hash_ids)s);

-- settle_disputed: Give hashes the standing that a decision about their disputes leaves them.
UPDATE hashes SET standing = CASE
    WHEN %(decision)s = 'keep' THEN 'confirmed'
    ELSE coalesce((
        SELECT before FROM reviews WHERE reviews.hash_id = hashes.id AND decision IS NULL
    ), standing) END
WHERE id = ANY(%(hash_ids)s);

-- decide_disputed: Record a decision about disputed hashes, whether or not they were in the queue.
INSERT INTO reviews (hash_id, cause, evidence, before, decision, decided_at, decided_by, why)
SELECT id, 'not-intimate', '{"platforms": 1}',
    CASE standing WHEN 'confirmed' THEN 'confirmed' ELSE 'unreviewed' END,
    %(decision)s, clock_timestamp(), %(decided_by)s, %(why)s
FROM hashes WHERE id = ANY(%(hash_ids)s)
ON CONFLICT (hash_id) DO UPDATE SET decision = excluded.decision,
    decided_at = excluded.decided_at, decided_by = excluded.decided_by, why = excluded.why;

-- count_open_reviews: How many hashes wait for a decision.
SELECT count(*) AS open FROM reviews JOIN hashes ON hashes.id = hash_id
WHERE decision IS NULL AND active;
