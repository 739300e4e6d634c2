-- Statements of store/cases.py. Each opens with "name: what it does"; values are %(parameters)s.

-- find_submission: The submission that used an idempotency key.
-- Once all are sealed, one that says it is not was altered: it then fits no request.
SELECT request_digest, case_id, request_sealed
    OR (SELECT count(*) FROM audit_log WHERE kind = 'encryption.completed') > 0 AS request_sealed
FROM submissions WHERE key_digest = %(key_digest)s;

-- insert_submission: Record the idempotency key of a submission.
INSERT INTO submissions (key_digest, request_digest, request_sealed, case_id)
VALUES (%(key_digest)s, %(request_digest)s, %(request_sealed)s, %(case_id)s);

-- insert_case: Insert a case; no row if the number is taken.
-- Its time is later than everything that was committed before the change log was locked.
INSERT INTO cases (number, pin_salt, pin_digest, pin_sealed, pin_tag, submitted_at, opened_after)
VALUES (%(number)s, %(pin_salt)s, %(pin_digest)s, %(pin_sealed)s, %(pin_tag)s, clock_timestamp(),
    (SELECT position FROM log_head))
ON CONFLICT (number) DO NOTHING
RETURNING id, audit_ref;

-- insert_images: Insert the images of a case, numbered from 1 in the order given.
INSERT INTO images (case_id, number, convention)
SELECT %(case_id)s, ordinality, convention
FROM unnest(%(conventions)s::text[]) WITH ORDINALITY AS given (convention, ordinality);

-- link_hashes: Record which hash belongs to which view of which image of a case.
INSERT INTO image_hashes (image_id, view, hash_id, quality)
SELECT images.id, given.view, given.hash_id, given.quality
FROM unnest(%(numbers)s::integer[], %(views)s::text[], %(hash_ids)s::bigint[],
    %(qualities)s::smallint[]) AS given (number, view, hash_id, quality)
JOIN images ON images.case_id = %(case_id)s AND images.number = given.number;

-- case_secret: What a PIN is checked against, by case number; no row for a platform's bank.
-- Once all are sealed, one that says it is not was altered: it then fits no PIN.
SELECT id AS case_id, audit_ref, pin_salt, pin_digest, pin_tag, withdrawn_at, pin_sealed
    OR (SELECT count(*) FROM audit_log WHERE kind = 'encryption.completed') > 0 AS pin_sealed
FROM cases WHERE number = %(number)s AND platform_id IS NULL;

-- altered_pin: The first case whose PIN is not sealed, in a database in which all were.
SELECT id FROM cases
WHERE pin_digest IS NOT NULL AND NOT pin_sealed
    AND (SELECT count(*) FROM audit_log WHERE kind = 'encryption.completed') > 0
ORDER BY id LIMIT 1;

-- set_pin_tag: Record the tag of a PIN, of a case from before there were tags.
UPDATE cases SET pin_tag = %(pin_tag)s WHERE id = %(case_id)s AND pin_tag IS NULL;

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
-- For a week, decisions from before the case are not shown: submitting would reveal them.
WITH held AS (
    SELECT images.id, images.number, submitted_at, images.withdrawn_at,
        submitted_at < now() - interval '7 days' AS old,
        (SELECT position FROM audit_log WHERE subject = audit_ref::text
         ORDER BY position LIMIT 1) AS submitted_entry,
        withdrawn_entry
    FROM images JOIN cases ON cases.id = case_id
    WHERE case_id = %(case_id)s
)
SELECT number,
    (SELECT count(*) FROM image_hashes WHERE image_id = held.id)::integer AS hashes,
    count(DISTINCT (audit_position, query)) FILTER (WHERE query IS NOT NULL)::integer AS matches,
    max(matches.at) AS last_match_at,
    coalesce(bool_or(active AND standing = 'quarantined'
        AND (old OR reviews.opened_at >= submitted_at)), false) AS under_review,
    coalesce(bool_and(barred AND (old OR coalesce(decided_at >= submitted_at, false)))
        FILTER (WHERE NOT starts_with(view, 'crop-')), false) AS declined,
    withdrawn_at
FROM held
LEFT JOIN image_hashes ON image_id = held.id
LEFT JOIN hashes ON hashes.id = image_hashes.hash_id
LEFT JOIN reviews ON reviews.hash_id = coalesce(barred_near, hashes.id)
LEFT JOIN matches ON matches.hash_id = image_hashes.hash_id AND NOT crowded
    AND audit_position > submitted_entry
    AND (audit_position < withdrawn_entry
        OR withdrawn_entry IS NULL AND (withdrawn_at IS NULL OR matches.at <= withdrawn_at))
GROUP BY held.id, number, submitted_at, withdrawn_at
ORDER BY number;

-- case_platforms: Each platform's deliveries, matches, feedback and confirmations since submission.
-- `delivered_at` is when it first received the last of the hashes that it should have;
-- `withdrawal_confirmed_at`, when it had processed the change log beyond the last withdrawal. Only
-- changes since the case began count, and each submission and withdrawal makes one per hash: so
-- hashes that others hold, or held, look like new ones. For the same reason, feedback counts only
-- from when the platform met the hash in this case's time, and matches only outside of crowds.
-- Hashes of crops are never delivered.
WITH held AS (
    SELECT hash_id, audit_ref::text AS reference, submitted_at AS begun, opened_after,
        bool_and(starts_with(view, 'crop-')) AS is_crop,
        CASE WHEN bool_and(images.withdrawn_at IS NOT NULL) THEN max(images.withdrawn_at) END
            AS until,
        CASE WHEN bool_and(images.withdrawn_at IS NOT NULL) THEN max(withdrawn_after) END
            AS withdrawn_after,
        CASE WHEN bool_and(images.withdrawn_at IS NOT NULL) THEN max(withdrawn_entry) END
            AS withdrawn_entry
    FROM cases JOIN images ON case_id = cases.id JOIN image_hashes ON image_id = images.id
    WHERE cases.id = %(case_id)s
    GROUP BY hash_id, cases.id
), logged AS (
    SELECT hash_id, is_crop, begun, until, withdrawn_entry,
        (SELECT position FROM audit_log WHERE subject = reference
         ORDER BY position LIMIT 1) AS submitted_entry,
        (SELECT min(position) FROM changes
         WHERE changes.hash_id = held.hash_id AND position > coalesce(opened_after, 0)) AS opened,
        CASE WHEN withdrawn_after IS NULL THEN
            (SELECT min(position) FROM changes WHERE changes.hash_id = held.hash_id AND at >= until)
        ELSE
            (SELECT min(position) FROM changes
             WHERE changes.hash_id = held.hash_id AND position > withdrawn_after)
        END AS closed
    FROM held
), seen AS (
    SELECT platform_id, hash_id, audit_position, query, at
    FROM logged JOIN matches USING (hash_id)
    WHERE audit_position > submitted_entry AND NOT crowded
        AND (audit_position < withdrawn_entry
            OR withdrawn_entry IS NULL AND (until IS NULL OR at <= until))
), found AS (
    SELECT platform_id,
        count(DISTINCT (audit_position, query))::integer AS matches,
        min(at) AS first_match_at,
        max(at) AS last_match_at
    FROM seen GROUP BY platform_id
), handed AS (
    SELECT platform_id, hash_id, until, closed, greatest(min(deliveries.at), begun) AS at
    FROM logged JOIN deliveries ON positions @> opened
    WHERE NOT is_crop AND (until IS NULL OR deliveries.at <= until)
    GROUP BY platform_id, hash_id, until, closed, begun
), delivered AS (
    SELECT platform_id,
        CASE WHEN count(*) FILTER (WHERE until IS NULL)
                = (SELECT count(*) FROM held WHERE until IS NULL AND NOT is_crop)
            THEN max(at) END AS delivered_at
    FROM handed
    GROUP BY platform_id
), met AS (
    SELECT platform_id, hash_id, min(at) AS met_at FROM (
        SELECT platform_id, hash_id, at FROM seen
        UNION ALL SELECT platform_id, hash_id, at FROM handed
    ) AS either
    GROUP BY platform_id, hash_id
), reported AS (
    SELECT platform_id, hash_id, value, begun, feedback.since, at
    FROM held JOIN feedback USING (hash_id)
    WHERE withdrawn_after IS NULL AND value IS NOT NULL AND (until IS NULL OR at <= until)
    UNION ALL
    SELECT platform_id, hash_id, value, begun, case_feedback.since, at
    FROM held JOIN case_feedback USING (hash_id)
    WHERE withdrawn_after IS NOT NULL AND case_id = %(case_id)s
), said AS (
    SELECT platform_id,
        (array_agg(value ORDER BY array_position(
            ARRAY['pending-review', 'not-removed', 'not-intimate', 'removed'], value)))[1]
            AS feedback,
        -- Feedback that was given before and again since is new to this case.
        max(CASE WHEN since >= begun THEN since ELSE at END) FILTER (WHERE value = 'removed')
            AS removed_at
    FROM reported JOIN met USING (platform_id, hash_id)
    WHERE at >= met_at
    GROUP BY platform_id
), confirmed AS (
    SELECT handed.platform_id,
        CASE WHEN bool_and(passed.at IS NOT NULL) THEN max(passed.at) END
            AS withdrawal_confirmed_at
    FROM handed LEFT JOIN LATERAL (
        SELECT at FROM acknowledgements
        WHERE acknowledgements.platform_id = handed.platform_id AND position >= closed
        ORDER BY position LIMIT 1
    ) AS passed ON true
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

-- case_holds: How many images a case has, and whether one of them, or any (null), is not withdrawn.
SELECT count(*) AS images, coalesce(bool_or(withdrawn_at IS NULL
    AND number = coalesce(%(number)s::integer, number)), false) AS is_held
FROM images WHERE case_id = %(case_id)s;

-- withdraw_images: Withdraw one image of a case, or all (number null); return those it withdrew.
UPDATE images SET withdrawn_at = clock_timestamp(), withdrawn_after = (SELECT position FROM log_head)
WHERE case_id = %(case_id)s AND withdrawn_at IS NULL
    AND number = coalesce(%(number)s::integer, number)
RETURNING number;

-- withdraw_empty_case: Withdraw a case if all of its images are withdrawn.
UPDATE cases SET withdrawn_at = now()
WHERE id = %(case_id)s AND withdrawn_at IS NULL
    AND NOT EXISTS (SELECT FROM images WHERE case_id = cases.id AND images.withdrawn_at IS NULL);

-- withdrawn_from: The hashes of some images of a case.
SELECT DISTINCT hash_id FROM image_hashes JOIN images ON images.id = image_id
WHERE case_id = %(case_id)s AND number = ANY(%(numbers)s);

-- keep_feedback: Keep the feedback on those of some hashes that a case no longer holds.
INSERT INTO case_feedback (case_id, hash_id, platform_id, value, since, at)
SELECT %(case_id)s, hash_id, platform_id, value, since, at FROM feedback
WHERE hash_id = ANY(%(hash_ids)s) AND value IS NOT NULL AND NOT EXISTS (
    SELECT FROM image_hashes JOIN images ON images.id = image_id
    WHERE image_hashes.hash_id = feedback.hash_id AND case_id = %(case_id)s
        AND images.withdrawn_at IS NULL
)
ON CONFLICT DO NOTHING;

-- record_withdrawal: Record the entry of the audit log that some images were withdrawn with.
UPDATE images SET withdrawn_entry = %(position)s
WHERE case_id = %(case_id)s AND number = ANY(%(numbers)s);
