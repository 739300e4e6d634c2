-- Statements of store/cases.py. Each opens with "name: what it does"; values are %(parameters)s.

-- find_submission: The submission that used an idempotency key.
SELECT request_digest, case_id FROM submissions WHERE key_digest = %(key_digest)s;

-- insert_submission: Record the idempotency key of a submission.
INSERT INTO submissions (key_digest, request_digest, case_id)
VALUES (%(key_digest)s, %(request_digest)s, %(case_id)s);

-- insert_case: Insert a case; no row if the number is taken.
INSERT INTO cases (number, pin_salt, pin_digest)
VALUES (%(number)s, %(pin_salt)s, %(pin_digest)s)
ON CONFLICT (number) DO NOTHING
RETURNING id, audit_ref;

-- insert_images: Insert the images of a case, numbered from 1 in the order given.
INSERT INTO images (case_id, number, convention)
SELECT %(case_id)s, ordinality, convention
FROM unnest(%(conventions)s::text[]) WITH ORDINALITY AS given (convention, ordinality);

-- insert_hashes: Insert the hashes that are not stored yet.
INSERT INTO hashes (pdq) SELECT DISTINCT unnest(%(pdqs)s::bytea[])
ON CONFLICT (pdq) DO NOTHING;

-- link_hashes: Record which hash belongs to which view of which image of a case.
INSERT INTO image_hashes (image_id, view, hash_id, quality)
SELECT images.id, given.view, hashes.id, given.quality
FROM unnest(%(numbers)s::integer[], %(views)s::text[], %(pdqs)s::bytea[], %(qualities)s::smallint[])
    AS given (number, view, pdq, quality)
JOIN images ON images.case_id = %(case_id)s AND images.number = given.number
JOIN hashes ON hashes.pdq = given.pdq;

-- activate_hashes: Activate the inactive hashes of a case, except barred ones; return them.
UPDATE hashes SET active = true, gone_at = NULL
WHERE NOT active AND NOT barred AND id IN (
    SELECT hash_id FROM image_hashes JOIN images ON images.id = image_id
    WHERE case_id = %(case_id)s
)
RETURNING id;

-- case_secret: What a PIN is checked against, by case number; no row for a platform's bank.
SELECT id AS case_id, audit_ref, pin_salt, pin_digest, withdrawn_at
FROM cases WHERE number = %(number)s AND platform_id IS NULL;

-- case_reference: The reference by which the audit log names the case with this number.
SELECT audit_ref FROM cases WHERE number = %(number)s;

-- count_guess: Count a wrong PIN; return how many there were recently, halved per hour.
INSERT INTO guesses AS held (bucket, wrong, at) VALUES (%(bucket)s, 1, clock_timestamp())
ON CONFLICT (bucket) DO UPDATE SET
    wrong = 1 + held.wrong * power(0.5, least(100, greatest(0,
        extract(epoch FROM excluded.at - held.at)::float8 / 3600))),
    at = excluded.at
RETURNING wrong;

-- case_row: A case without its images.
SELECT number, submitted_at, withdrawn_at FROM cases WHERE id = %(case_id)s;

-- case_images: The images of a case, with their matches since submission and until withdrawal.
-- One query of a lookup counts as one match, however many views of the image it is close to.
SELECT images.number,
    (SELECT count(*) FROM image_hashes WHERE image_id = images.id)::integer AS hashes,
    count(DISTINCT (audit_position, query)) FILTER (WHERE query IS NOT NULL)::integer AS matches,
    max(matches.at) AS last_match_at,
    coalesce(bool_or(active AND standing = 'quarantined'), false) AS under_review,
    coalesce(bool_and(barred), false) AS declined,
    images.withdrawn_at
FROM images
JOIN cases ON cases.id = case_id
LEFT JOIN image_hashes ON image_id = images.id
LEFT JOIN hashes ON hashes.id = image_hashes.hash_id
LEFT JOIN matches ON matches.hash_id = image_hashes.hash_id
    AND matches.at >= cases.submitted_at
    AND (images.withdrawn_at IS NULL OR matches.at <= images.withdrawn_at)
WHERE case_id = %(case_id)s
GROUP BY images.id
ORDER BY images.number;

-- case_platforms: Each platform's deliveries, matches, feedback and confirmations since submission.
-- `delivered_at` is when it first received the last of the hashes that it should have;
-- `withdrawal_confirmed_at`, when it confirmed the last of the hashes withdrawn from it.
WITH held AS (
    SELECT hash_id, min(submitted_at) AS since,
        CASE WHEN bool_and(images.withdrawn_at IS NOT NULL) THEN max(images.withdrawn_at) END
            AS until
    FROM cases JOIN images ON case_id = cases.id JOIN image_hashes ON image_id = images.id
    WHERE cases.id = %(case_id)s
    GROUP BY hash_id
), found AS (
    SELECT platform_id,
        count(DISTINCT (audit_position, query))::integer AS matches,
        min(at) AS first_match_at,
        max(at) AS last_match_at
    FROM held JOIN matches USING (hash_id)
    WHERE at >= since AND (until IS NULL OR at <= until)
    GROUP BY platform_id
), handed AS (
    SELECT platform_id, hash_id, until, greatest(min(deliveries.at), since) AS at
    FROM held JOIN changes USING (hash_id) JOIN deliveries ON positions @> changes.position
    WHERE kind <> 'remove'
        AND (until IS NULL OR deliveries.at <= until)
        AND NOT EXISTS (
            SELECT FROM changes AS later
            WHERE later.hash_id = held.hash_id
                AND later.position > changes.position AND later.position <= head
        )
    GROUP BY platform_id, hash_id, since, until
), delivered AS (
    SELECT platform_id,
        CASE WHEN count(*) FILTER (WHERE until IS NULL)
                = (SELECT count(*) FROM held WHERE until IS NULL)
            THEN max(at) END AS delivered_at
    FROM handed
    GROUP BY platform_id
), said AS (
    SELECT platform_id,
        (array_agg(value ORDER BY array_position(
            ARRAY['pending-review', 'not-removed', 'not-intimate', 'removed'], value)))[1]
            AS feedback,
        max(feedback.since) FILTER (WHERE value = 'removed') AS removed_at
    FROM held JOIN feedback USING (hash_id)
    WHERE value IS NOT NULL AND at >= held.since
    GROUP BY platform_id
), confirmed AS (
    SELECT handed.platform_id,
        CASE WHEN bool_and(withdrawals.at IS NOT NULL) THEN max(withdrawals.at) END
            AS withdrawal_confirmed_at
    FROM handed
    JOIN hashes ON hashes.id = handed.hash_id AND NOT active
    LEFT JOIN withdrawals ON withdrawals.platform_id = handed.platform_id
        AND withdrawals.hash_id = handed.hash_id
        AND withdrawals.position
            = (SELECT max(position) FROM changes WHERE changes.hash_id = handed.hash_id)
    WHERE until IS NOT NULL
    GROUP BY handed.platform_id
)
SELECT platforms.name AS platform, coalesce(matches, 0) AS matches, first_match_at, last_match_at,
    delivered_at, feedback, removed_at, withdrawal_confirmed_at
FROM platforms
LEFT JOIN found ON found.platform_id = platforms.id
LEFT JOIN delivered ON delivered.platform_id = platforms.id
LEFT JOIN said ON said.platform_id = platforms.id
LEFT JOIN confirmed ON confirmed.platform_id = platforms.id
WHERE num_nonnulls(found.platform_id, delivered.platform_id, said.platform_id) > 0
ORDER BY platforms.name;

-- withdraw_images: Withdraw one image of a case, or all (number null); return those it withdrew.
UPDATE images SET withdrawn_at = now()
WHERE case_id = %(case_id)s AND withdrawn_at IS NULL
    AND number = coalesce(%(number)s::integer, number)
RETURNING number;

-- withdraw_empty_case: Withdraw a case if all of its images are withdrawn.
UPDATE cases SET withdrawn_at = now()
WHERE id = %(case_id)s AND withdrawn_at IS NULL
    AND NOT EXISTS (SELECT FROM images WHERE case_id = cases.id AND images.withdrawn_at IS NULL);

-- deactivate_hashes: Deactivate the hashes of some images that no other image holds; return them.
UPDATE hashes SET active = false, gone_at = clock_timestamp()
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
