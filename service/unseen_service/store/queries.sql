-- Every statement of the service, but for the migrations.
-- Each opens with a line "name: what it does"; values are %(parameters)s.

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

-- now: What time it is.
SELECT clock_timestamp() AS now;

-- notify: Wake who listens on a channel, once this transaction has committed.
SELECT pg_notify(%(channel)s, '');

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

-- move_log: Say where the change log is now.
UPDATE change_head SET origin = %(origin)s;

-- rename_log: Give the change log another name, so that every cursor into it is refused.
UPDATE change_head SET log = gen_random_uuid();

-- pack_active_hashes: The next of those that may be matched, for a new index: packed in one value.
SELECT max(id) AS last, string_agg(int8send(id) || pdq, ''::bytea) AS packed FROM (
    SELECT id, pdq FROM hashes
    WHERE id > %(after)s AND active AND standing <> 'quarantined'
    ORDER BY id LIMIT %(limit)s
) AS block;

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
UPDATE hashes SET active = true, gone_at = NULL
WHERE NOT active AND NOT barred AND id IN (
    SELECT hash_id FROM image_hashes JOIN images ON images.id = image_id
    WHERE case_id = %(case_id)s
)
RETURNING id;

-- case_secret: What opens a case.
SELECT id AS case_id, audit_ref, pin_salt, pin_digest, withdrawn_at
FROM cases WHERE number = %(number)s AND platform_id IS NULL;

-- case_reference: What the audit log calls the case of this number.
SELECT audit_ref FROM cases WHERE number = %(number)s;

-- count_guess: Remember that a wrong PIN was tried; says how many have been of late.
INSERT INTO guesses AS held (bucket, wrong, at) VALUES (%(bucket)s, 1, clock_timestamp())
ON CONFLICT (bucket) DO UPDATE SET
    wrong = 1 + held.wrong * power(0.5, least(100, greatest(0,
        extract(epoch FROM excluded.at - held.at)::float8 / 3600))),
    at = excluded.at
RETURNING wrong;

-- case_row: A case without its images.
SELECT number, submitted_at, withdrawn_at FROM cases WHERE id = %(case_id)s;

-- case_images: The images of a case, and how often what was found of each since it was submitted.
-- One query of a look-up is one match, however many views of the image it came near.
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

-- case_platforms: What each platform was handed, found and said of a case since it was submitted.
-- Delivered is when the last hash that it should have was first handed to it; confirmed, when it
-- said so of the last hash that was taken from it.
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

-- confirm_hashes: Of an index's candidates, those that may be matched now, and what to say of them.
SELECT hashes.id, record, standing,
    (SELECT view FROM image_hashes JOIN images ON images.id = image_id
     WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
     ORDER BY view <> 'original', view LIMIT 1) AS view
FROM hashes
WHERE id = ANY(%(hash_ids)s) AND active AND standing <> 'quarantined';

-- insert_matches: What one look-up hit.
INSERT INTO matches (audit_position, query, hash_id, platform_id, distance, sketch)
SELECT %(audit_position)s, query, hash_id, %(platform_id)s, distance, sketch
FROM unnest(%(queries)s::integer[], %(hash_ids)s::bigint[], %(distances)s::smallint[],
    %(sketches)s::integer[]) AS given (query, hash_id, distance, sketch);

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

-- feed_head: Which change log this is, how far it is, and from where a platform subscribed, if so.
SELECT log, position,
    (SELECT base FROM subscriptions WHERE platform_id = %(platform_id)s) AS base
FROM change_head;

-- position_mark: What tells the change at a position from one of another history: its time, in us.
SELECT (extract(epoch FROM at) * 1000000)::bigint AS mark FROM changes WHERE position = %(position)s;

-- subscribe: A platform asks for the first time.
INSERT INTO subscriptions (platform_id, base)
SELECT %(platform_id)s, position FROM change_head
ON CONFLICT (platform_id) DO NOTHING;

-- feed_page: The hashes whose last change is in a window of positions, in order.
-- What was withdrawn up to the subscription's base is left out: the platform never had it.
WITH page AS MATERIALIZED (
    SELECT position, at, hash_id, record, pdq, standing, active
    FROM changes JOIN hashes ON hashes.id = hash_id
    WHERE position > %(after)s AND position <= %(upto)s
        AND (position > %(base)s OR (active AND standing <> 'quarantined'))
        AND position
            = (SELECT max(position) FROM changes AS later WHERE later.hash_id = changes.hash_id)
), held AS (
    SELECT DISTINCT ON (image_hashes.hash_id) image_hashes.hash_id, view, quality, convention
    FROM page JOIN image_hashes USING (hash_id) JOIN images ON images.id = image_id
    WHERE images.withdrawn_at IS NULL
    ORDER BY image_hashes.hash_id, view <> 'original', view, quality DESC NULLS LAST
)
SELECT * FROM page LEFT JOIN held USING (hash_id) ORDER BY position;

-- position_before: The position after which every change is of this second (Unix time) or later.
SELECT coalesce(
    (SELECT position - 1 FROM changes
     WHERE at >= to_timestamp(%(second)s) ORDER BY at, position LIMIT 1),
    (SELECT position FROM change_head)
) AS position;

-- feedback_on: What platforms say of some hashes.
SELECT hash_id, name AS source, value, tags
FROM feedback JOIN platforms ON platforms.id = platform_id
WHERE hash_id = ANY(%(hash_ids)s)
ORDER BY hash_id, name;

-- deliver: Remember what a platform is handed; says nothing where it was handed all that before.
WITH given AS (
    SELECT int8range(%(after)s, %(upto)s, '(]') AS positions
), grown AS (
    UPDATE subscriptions SET delivered = delivered + int8multirange(positions) FROM given
    WHERE platform_id = %(platform_id)s AND NOT delivered @> positions
    RETURNING platform_id
)
INSERT INTO deliveries (platform_id, positions, head)
SELECT platform_id, positions, %(head)s FROM grown, given
RETURNING platform_id;

-- hashes_by_record: The ids of hashes, by record.
SELECT id, record FROM hashes WHERE record = ANY(%(records)s);

-- hashes_by_pdq: The ids of hashes, by their bits.
SELECT id, pdq FROM hashes WHERE pdq = ANY(%(pdqs)s);

-- give_feedback: The last that a platform says of hashes; answers those of which it is new, and what
-- it says of them now.
-- The same again is new only where the platform has found the hash since it said it.
WITH said AS (
    INSERT INTO feedback AS known (hash_id, platform_id, value, tags)
    SELECT hash_id, %(platform_id)s, value, tags
    FROM jsonb_to_recordset(%(given)s) AS given (hash_id bigint, value text, tags text[])
    ON CONFLICT (hash_id, platform_id) DO UPDATE
    SET value = coalesce(excluded.value, known.value),
        tags = excluded.tags,
        since = CASE WHEN coalesce(excluded.value, known.value) IS NOT DISTINCT FROM known.value
            THEN known.since ELSE excluded.since END,
        at = excluded.at
    WHERE coalesce(excluded.value, known.value) IS DISTINCT FROM known.value
        OR excluded.tags <> known.tags
        OR EXISTS (
            SELECT FROM matches
            WHERE matches.platform_id = known.platform_id AND matches.hash_id = known.hash_id
                AND matches.at > known.at
        )
    RETURNING hash_id, value
)
SELECT hash_id, record, value FROM said JOIN hashes ON hashes.id = hash_id ORDER BY hash_id;

-- active_hashes: Which of some hashes are active.
SELECT id FROM hashes WHERE id = ANY(%(hash_ids)s) AND active;

-- confirm_withdrawals: A platform let go of hashes; those that are active are passed over.
WITH gone AS (
    SELECT hashes.id AS hash_id, record,
        (SELECT max(position) FROM changes WHERE changes.hash_id = hashes.id) AS position
    FROM hashes WHERE id = ANY(%(hash_ids)s) AND NOT active
), confirmed AS (
    INSERT INTO withdrawals AS known (hash_id, platform_id, position)
    SELECT hash_id, %(platform_id)s, position FROM gone
    ON CONFLICT (hash_id, platform_id) DO UPDATE SET position = excluded.position, at = excluded.at
    WHERE known.position < excluded.position
    RETURNING hash_id
)
SELECT record, EXISTS (SELECT FROM confirmed WHERE confirmed.hash_id = gone.hash_id) AS new
FROM gone ORDER BY record;

-- overdue: What platforms have owed an answer to for longer than a time, the oldest first.
SELECT what, platforms.name AS platform, record, owed.since, feedback.value AS feedback
FROM owed
JOIN platforms ON platforms.id = platform_id
JOIN hashes ON hashes.id = hash_id AND active = (what <> 'withdrawal')
LEFT JOIN feedback USING (platform_id, hash_id)
WHERE owed.since < now() - %(longer_than)s::interval
ORDER BY owed.since, platform, record
LIMIT %(limit)s;

-- owe_answers: What the look-ups of some positions found is to be answered, unless it has been.
INSERT INTO owed (hash_id, platform_id, what, since)
SELECT matches.hash_id, matches.platform_id, 'match', min(matches.at)
FROM matches
JOIN hashes ON hashes.id = matches.hash_id AND active
LEFT JOIN feedback ON feedback.hash_id = matches.hash_id
    AND feedback.platform_id = matches.platform_id AND value = 'removed'
WHERE audit_position > %(after)s AND audit_position <= %(upto)s
    AND (feedback.at IS NULL OR matches.at > feedback.at)
GROUP BY matches.hash_id, matches.platform_id
ORDER BY 1, 2
ON CONFLICT (hash_id, platform_id) DO UPDATE SET what = excluded.what, since = excluded.since
WHERE owed.what = 'review';

-- owe_reviews: A platform has begun to review hashes.
INSERT INTO owed (hash_id, platform_id, what, since)
SELECT hashes.id, %(platform_id)s, 'review', now()
FROM hashes WHERE id = ANY(%(hash_ids)s) AND active
ORDER BY 1
ON CONFLICT (hash_id, platform_id) DO NOTHING;

-- owe_confirmations: Tombstones are handed to a platform that has not confirmed them.
INSERT INTO owed (hash_id, platform_id, what, since)
SELECT hashes.id, %(platform_id)s, 'withdrawal', now()
FROM hashes
WHERE record = ANY(%(records)s) AND NOT active AND NOT EXISTS (
    SELECT FROM withdrawals
    WHERE hash_id = hashes.id AND platform_id = %(platform_id)s
        AND position = (SELECT max(position) FROM changes WHERE changes.hash_id = hashes.id)
)
ORDER BY 1
ON CONFLICT (hash_id, platform_id) DO NOTHING;

-- settle_owed: A platform has answered: what is owed of some kinds is no more.
DELETE FROM owed
WHERE platform_id = %(platform_id)s AND hash_id = ANY(%(hash_ids)s) AND what = ANY(%(kinds)s);

-- forget_owed: Hashes were withdrawn or came back: whatever was owed of them is no more.
DELETE FROM owed WHERE hash_id = ANY(%(hash_ids)s);

-- bank_case: The case that holds what a platform submits; its number is none of a person's.
INSERT INTO cases (number, platform_id)
VALUES ('BANK-' || %(platform_id)s::bigint, %(platform_id)s)
ON CONFLICT (platform_id) DO UPDATE SET platform_id = excluded.platform_id
RETURNING id;

-- bank_images: One image for each of these hashes that the bank does not hold; says which.
WITH missing AS (
    SELECT id AS hash_id,
        (SELECT coalesce(max(number), 0) FROM images WHERE case_id = %(case_id)s)
            + row_number() OVER (ORDER BY id) AS number
    FROM hashes
    WHERE pdq = ANY(%(pdqs)s) AND NOT EXISTS (
        SELECT FROM image_hashes JOIN images ON images.id = image_id
        WHERE hash_id = hashes.id AND case_id = %(case_id)s AND withdrawn_at IS NULL
    )
), added AS (
    INSERT INTO images (case_id, number, convention)
    SELECT %(case_id)s, number, 'not-said' FROM missing
    RETURNING id, number
)
INSERT INTO image_hashes (image_id, view, hash_id)
SELECT added.id, 'original', hash_id FROM missing JOIN added USING (number)
RETURNING hash_id;

-- activate_listed: Make those of some hashes matchable that were not; says which.
UPDATE hashes SET active = true, gone_at = NULL
WHERE id = ANY(%(hash_ids)s) AND NOT active AND NOT barred
RETURNING id;

-- withdraw_bank: Take hashes out of a platform's bank; says which it held.
UPDATE images SET withdrawn_at = now()
FROM image_hashes, cases
WHERE image_hashes.image_id = images.id AND cases.id = images.case_id
    AND cases.platform_id = %(platform_id)s AND hash_id = ANY(%(hash_ids)s)
    AND images.withdrawn_at IS NULL
RETURNING hash_id;

-- deactivate_listed: Of some hashes, those that no image holds any more; says which.
UPDATE hashes SET active = false, gone_at = clock_timestamp()
WHERE active AND id = ANY(%(hash_ids)s)
    AND NOT EXISTS (
        SELECT FROM image_hashes JOIN images ON images.id = image_id
        WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
    )
RETURNING id;

-- insert_webhook: A new webhook of a platform; says how it is named.
INSERT INTO webhooks (platform_id, url, secret, events)
VALUES (%(platform_id)s, %(url)s, %(secret)s, %(events)s)
RETURNING ref;

-- list_webhooks: A platform's webhooks, and what is still to be sent or was given up.
SELECT webhooks.id, webhooks.ref, url, events, webhooks.created_at, delivered, delivered_at,
    count(*) FILTER (WHERE due_at IS NOT NULL)::integer AS waiting,
    count(*) FILTER (WHERE webhook_messages.id IS NOT NULL AND due_at IS NULL)::integer AS given_up
FROM webhooks LEFT JOIN webhook_messages ON webhook_id = webhooks.id
WHERE platform_id = %(platform_id)s
GROUP BY webhooks.id
ORDER BY webhooks.id;

-- delete_webhook: A webhook of a platform goes, and its messages with it.
DELETE FROM webhooks WHERE platform_id = %(platform_id)s AND ref = %(ref)s RETURNING id;

-- enqueue_changes: For each webhook that wants to know, what changed, 1,000 records a message.
INSERT INTO webhook_messages (webhook_id, event, body)
SELECT webhooks.id, %(event)s, jsonb_build_object(
    'type', %(event)s::text,
    'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'data', jsonb_build_object('records', records)
)
FROM webhooks, (
    SELECT jsonb_agg(jsonb_build_object('record', record, 'standing', standing) ORDER BY id)
        AS records
    FROM (
        SELECT hashes.id, record, standing, (row_number() OVER (ORDER BY id) - 1) / 1000 AS part
        FROM hashes WHERE id = ANY(%(hash_ids)s)
    ) AS numbered
    GROUP BY part
) AS parts
WHERE %(event)s = ANY(events);

-- enqueue_test: A message that says nothing, to one webhook; says how the message is named.
INSERT INTO webhook_messages (webhook_id, event, body)
SELECT id, %(event)s, jsonb_build_object(
    'type', %(event)s::text,
    'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'data', jsonb_build_object('records', jsonb_build_array())
)
FROM webhooks WHERE platform_id = %(platform_id)s AND ref = %(ref)s
RETURNING ref;

-- claim_messages: Take due messages in hand; who else looks passes over them for some seconds.
-- None is put off for half a day: what is due later was written while the clock was ahead.
WITH due AS (
    SELECT id FROM webhook_messages WHERE due_at <= now() OR due_at > now() + interval '12 hours'
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE webhook_messages
SET attempts = attempts + 1, due_at = now() + make_interval(secs => %(seconds)s)
FROM due, webhooks
WHERE webhook_messages.id = due.id AND webhooks.id = webhook_id
RETURNING webhook_messages.id, webhook_messages.ref, url, secret, body::text AS body, attempts;

-- next_due: In how many seconds the next message is due; null: there is none.
SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 AS seconds
FROM webhook_messages WHERE due_at IS NOT NULL;

-- message_delivered: A message has arrived: count it, and strike it.
WITH struck AS (
    DELETE FROM webhook_messages WHERE id = %(message_id)s RETURNING webhook_id
)
UPDATE webhooks SET delivered = delivered + 1, delivered_at = now()
FROM struck WHERE webhooks.id = webhook_id;

-- message_failed: A message did not arrive: when to try again; never, where that is null.
UPDATE webhook_messages
SET failure = %(failure)s, due_at = now() + make_interval(secs => %(seconds)s::integer)
WHERE id = %(message_id)s;

-- given_up: Messages of a webhook that did not arrive, the oldest first.
SELECT ref, event, created_at, attempts, failure FROM webhook_messages
WHERE webhook_id = %(webhook_id)s AND due_at IS NULL ORDER BY id LIMIT %(limit)s;

-- replay_messages: Begin anew with every message of a webhook that was given up.
UPDATE webhook_messages SET due_at = now(), attempts = 0
WHERE webhook_id = %(webhook_id)s AND due_at IS NULL;

-- dispute_hashes: Of some hashes, those that two platforms call not intimate go into the queue, and
-- out of reach unless staff confirmed them before. What was said before a decision does not count.
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

-- suspect_hashes: Unreviewed hashes go into the queue, for what they find; out of reach, unless
-- they are only found often. What is in the queue already stays for the graver cause.
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

-- list_reviews: What is in the queue, the oldest first; or what was decided, the newest first.
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

-- lock_review: One hash that was or is in the queue and has its bits, held until commit.
SELECT hash_id, record, before, decision, active,
    EXISTS (
        SELECT FROM image_hashes JOIN images ON images.id = image_id
        WHERE image_hashes.hash_id = hashes.id AND withdrawn_at IS NULL
    ) AS held
FROM reviews JOIN hashes ON hashes.id = hash_id
WHERE record = %(record)s AND pdq IS NOT NULL
FOR UPDATE OF reviews, hashes;

-- settle_hash: What a decision makes of a hash.
UPDATE hashes SET standing = %(standing)s, barred = %(barred)s, active = %(active)s,
    gone_at = CASE WHEN NOT %(active)s THEN coalesce(gone_at, clock_timestamp()) END
WHERE id = %(hash_id)s;

-- settle_review: What was decided, by whom and why.
UPDATE reviews
SET decision = %(decision)s, decided_at = clock_timestamp(), decided_by = %(decided_by)s,
    why = %(why)s
WHERE hash_id = %(hash_id)s;

-- count_open_reviews: How many hashes wait for a decision.
SELECT count(*) AS open FROM reviews JOIN hashes ON hashes.id = hash_id
WHERE decision IS NULL AND active;

-- take_tally: Become the one who counts until commit; nothing where another is at it.
SELECT tally.position AS after, least(tally.position + %(limit)s, audit_head.position) AS upto
FROM tally, audit_head FOR UPDATE OF tally SKIP LOCKED;

-- tally_activity: Count the entries of some positions into their hours.
INSERT INTO activity AS known (hour, kind, entries, amount)
SELECT date_trunc('hour', at, 'UTC'), kind, count(*), coalesce(sum(
    CASE kind
        WHEN 'case.submitted' THEN (details ->> 'images')::bigint
        WHEN 'case.withdrawn' THEN jsonb_array_length(details -> 'images')
        WHEN 'match.hit' THEN (
            SELECT count(DISTINCT hit -> 'query') FROM jsonb_array_elements(details -> 'hits') AS hit)
        WHEN 'match.missed' THEN (
            SELECT sum((key ->> 'hashes')::bigint)
            FROM jsonb_array_elements(details -> 'keys') AS key)
    END), 0)
FROM audit_log
WHERE position > %(after)s AND position <= %(upto)s
    AND kind IN ('case.submitted', 'case.withdrawn', 'match.hit', 'match.missed')
GROUP BY 1, 2
ON CONFLICT (hour, kind) DO UPDATE
SET entries = known.entries + excluded.entries, amount = known.amount + excluded.amount;

-- tally_finds: Count what the look-ups of some positions found; says which hashes.
WITH counted AS (
    INSERT INTO finds AS known (hash_id, hour, platform_id, sketch, finds)
    SELECT hash_id, date_trunc('hour', at, 'UTC'), platform_id, sketch, count(*)
    FROM matches
    WHERE audit_position > %(after)s AND audit_position <= %(upto)s
        AND at >= now() - interval '24 hours'
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (hash_id, hour, platform_id, sketch) DO UPDATE
    SET finds = known.finds + excluded.finds
    RETURNING hash_id
)
SELECT DISTINCT hash_id FROM counted;

-- move_tally: Everything up to here is counted; finds of more than a day ago are forgotten.
WITH forgotten AS (DELETE FROM finds WHERE hour < now() - interval '25 hours')
UPDATE tally SET position = %(upto)s;

-- found_often: Of some unreviewed hashes, those found so often in a day that it may be too often:
-- how often, how many different uploads, and how many without the platform that has most of them.
WITH seen AS (
    SELECT finds.hash_id, platform_id, sketch, sum(finds) AS finds
    FROM finds
    JOIN hashes ON hashes.id = hash_id AND active AND standing = 'unreviewed'
    LEFT JOIN reviews ON reviews.hash_id = finds.hash_id
    WHERE finds.hash_id = ANY(%(hash_ids)s) AND hour >= now() - interval '24 hours'
        AND (decided_at IS NULL OR hour > decided_at)
    GROUP BY finds.hash_id, platform_id, sketch
), most AS (
    SELECT DISTINCT ON (hash_id) hash_id, platform_id
    FROM (SELECT hash_id, platform_id, count(*) AS uploads FROM seen GROUP BY hash_id, platform_id)
        AS each_platform
    ORDER BY hash_id, uploads DESC, platform_id
)
SELECT hash_id, sum(finds)::bigint AS finds, count(DISTINCT sketch) AS uploads,
    count(DISTINCT sketch) FILTER (WHERE seen.platform_id <> most.platform_id) AS shared,
    count(DISTINCT seen.platform_id) AS platforms
FROM seen JOIN most USING (hash_id)
GROUP BY hash_id
HAVING count(DISTINCT sketch) >= %(uploads)s OR sum(finds) >= %(finds)s;

-- usual_finds: What 99 of 100 of the other hashes that were found in a day do not exceed.
SELECT coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY finds), 0)::bigint AS finds,
    coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY uploads), 0)::bigint AS uploads
FROM (
    SELECT sum(finds) AS finds, count(DISTINCT sketch) AS uploads
    FROM finds
    WHERE hour >= now() - interval '24 hours' AND NOT hash_id = ANY(%(hash_ids)s)
    GROUP BY hash_id
) AS others;

-- statistics: What happened in each of the last so many stretches of some hours (UTC).
SELECT stretch AS at,
    coalesce(sum(entries) FILTER (WHERE kind = 'case.submitted'), 0)::bigint AS cases,
    coalesce(sum(amount) FILTER (WHERE kind = 'case.submitted'), 0)::bigint AS images,
    coalesce(sum(amount) FILTER (WHERE kind = 'case.withdrawn'), 0)::bigint AS withdrawn,
    coalesce(sum(amount) FILTER (WHERE kind = 'match.hit'), 0)::bigint AS matched,
    coalesce(sum(amount) FILTER (WHERE kind = 'match.missed'), 0)::bigint AS missed
FROM (
    SELECT date_trunc(%(unit)s::text, now(), 'UTC')
        - make_interval(hours => %(hours)s::integer * back) AS stretch
    FROM generate_series(0, %(count)s::integer - 1) AS back
) AS stretches
LEFT JOIN activity ON hour >= stretch AND hour < stretch + make_interval(hours => %(hours)s::integer)
GROUP BY stretch
ORDER BY stretch;

-- lock_audit_head: Become the only one to append to the audit log until commit.
-- One waits as for the change log.
SELECT position, greatest(at, clock_timestamp()) AS at, digest, peaks
FROM (SELECT pg_advisory_xact_lock(129116941935732)) AS line, audit_head
FOR UPDATE OF audit_head;

-- append_audit: One more link; the head moves with it.
WITH entry AS (
    INSERT INTO audit_log (position, at, kind, actor, subject, details, digest, nodes)
    VALUES (%(position)s, %(at)s, %(kind)s, %(actor)s, %(subject)s, %(details)s, %(digest)s,
        %(nodes)s)
    RETURNING position, at, digest
)
UPDATE audit_head
SET position = entry.position, at = entry.at, digest = entry.digest, peaks = %(peaks)s
FROM entry;

-- audit_head: How far the audit log is.
SELECT position, at, digest, peaks FROM audit_head;

-- read_audit: Audit entries after a position, in order; one kind of them, or all (kind null).
SELECT position, at, kind, actor, subject, details, digest, nodes
FROM audit_log
WHERE position > %(after)s AND kind = coalesce(%(kind)s::text, kind)
ORDER BY position
LIMIT %(limit)s;

-- read_audit_back: Audit entries, the newest first; before a position, of a kind, an actor, a
-- subject, or all (null).
SELECT position, at, kind, actor, subject, details, digest, nodes
FROM audit_log
WHERE position < coalesce(%(before)s::bigint, 9223372036854775807)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s)
    AND (%(subject)s::text IS NULL OR subject = %(subject)s)
ORDER BY position DESC
LIMIT %(limit)s;

-- read_audit_nodes: Perfect subtrees of the Merkle tree: each is kept with its last leaf.
SELECT level, index, substring(nodes FROM 32 * level + 1 FOR 32) AS hash
FROM unnest(%(levels)s::integer[], %(indexes)s::bigint[]) AS asked (level, index)
JOIN audit_log ON position = (index + 1) << level;

-- insert_benign: Harmless hashes; says which of them are new.
INSERT INTO benign_hashes (pdq, note)
SELECT DISTINCT pdq, %(note)s FROM unnest(%(pdqs)s::bytea[]) AS given (pdq)
ON CONFLICT (pdq) DO NOTHING
RETURNING id;

-- delete_benign: Take hashes out of the bank; says which were in it.
DELETE FROM benign_hashes WHERE id = ANY(%(ids)s) RETURNING id;

-- list_benign: The bank of harmless hashes, oldest first.
SELECT id, pdq, note, added_at FROM benign_hashes ORDER BY id;

-- benign_hashes: The bank's hashes alone.
SELECT pdq FROM benign_hashes ORDER BY id;

-- benign_changed: Say that the bank is another.
UPDATE intake SET bank = bank + 1;

-- count_intake: Count hashes in the level, which falls to 1/e in a minute.
-- What was counted in the future, before the clock was set back, has fallen as well: hence abs.
UPDATE intake
SET level = level * exp(-abs(extract(epoch FROM clock_timestamp() - at)) / 60)
        + %(hashes)s,
    at = clock_timestamp();

-- intake_state: The level as it is now, the number of the bank, the challenges' secret.
SELECT level * exp(-abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS level,
    bank, secret
FROM intake;

-- list_key_limits: Limits that differ from the service's, and pauses.
SELECT line, requests_per_minute, hashes_per_minute, coarse, paused_at FROM key_limits;

-- line_of_key: The line that a key is of.
SELECT coalesce(first_key, id) AS line FROM keys WHERE id = %(key_id)s;

-- set_key_limits: Change the limits of a line; null leaves one as it is.
INSERT INTO key_limits AS held (line, requests_per_minute, hashes_per_minute, coarse)
VALUES (%(line)s, %(requests)s::integer, %(hashes)s::integer, coalesce(%(coarse)s::boolean, false))
ON CONFLICT (line) DO UPDATE SET
    requests_per_minute = coalesce(excluded.requests_per_minute, held.requests_per_minute),
    hashes_per_minute = coalesce(excluded.hashes_per_minute, held.hashes_per_minute),
    coarse = coalesce(%(coarse)s::boolean, held.coarse);

-- pause_line: Pause a line of keys; says nothing when it is paused already.
INSERT INTO key_limits AS held (line, paused_at) SELECT id, now() FROM keys WHERE id = %(line)s
ON CONFLICT (line) DO UPDATE SET paused_at = now() WHERE held.paused_at IS NULL
RETURNING line;

-- resume_line: End a pause; says nothing when there is none.
UPDATE key_limits SET paused_at = NULL WHERE line = %(line)s AND paused_at IS NOT NULL
RETURNING line;

-- add_usage: Add to what lines have spent, drained until now; a line that is gone is passed over.
INSERT INTO key_usage AS held (line, requests, hashes, requests_capacity, hashes_capacity)
SELECT given.* FROM unnest(%(lines)s::bigint[], %(requests)s::float8[], %(hashes)s::float8[],
    %(requests_capacity)s::integer[], %(hashes_capacity)s::integer[]) AS given (line)
JOIN keys ON keys.id = line ORDER BY 1
ON CONFLICT (line) DO UPDATE SET
    requests = greatest(0, held.requests - held.requests_capacity
        * abs(extract(epoch FROM clock_timestamp() - held.at)) / 60) + excluded.requests,
    hashes = greatest(0, held.hashes - held.hashes_capacity
        * abs(extract(epoch FROM clock_timestamp() - held.at)) / 60) + excluded.hashes,
    requests_capacity = excluded.requests_capacity,
    hashes_capacity = excluded.hashes_capacity,
    at = clock_timestamp();

-- read_usage: What each line has spent, drained until now, where it may matter.
SELECT line,
    greatest(0, requests - requests_capacity
        * abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS requests,
    greatest(0, hashes - hashes_capacity
        * abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS hashes
FROM key_usage;

-- insert_alert: Something that staff should look at; nothing where the line is gone.
INSERT INTO alerts (kind, line, details)
SELECT %(kind)s, id, %(details)s::jsonb FROM keys WHERE id = %(line)s;

-- read_alerts: The newest alerts first.
SELECT id, at, kind, line, details FROM alerts ORDER BY id DESC LIMIT %(limit)s;

-- retention_state: When it last ended (null: never), and what a run under way has erased so far.
SELECT ran_at, erased FROM retention;

-- count_erased: Add to what the run under way has erased.
UPDATE retention SET erased
    = erased || jsonb_build_object(%(what)s::text, coalesce((erased ->> %(what)s)::bigint, 0) + %(count)s);

-- end_retention: The run is over.
UPDATE retention SET ran_at = clock_timestamp(), erased = '{}';

-- gone_hashes: Hashes after an id that nobody holds, and whether their bits may go: they are not
-- needed to keep the same picture out, and each platform that was handed them has let go of them,
-- or has had its time for it.
WITH page AS MATERIALIZED (
    SELECT id, gone_at, active OR barred OR standing = 'quarantined' AS needed
    FROM hashes
    WHERE gone_at IS NOT NULL AND pdq IS NOT NULL AND id > %(after)s
    ORDER BY id LIMIT %(limit)s
)
SELECT id, NOT needed
    AND NOT EXISTS (
        SELECT FROM image_hashes JOIN images ON images.id = image_id
        WHERE image_hashes.hash_id = page.id AND withdrawn_at IS NULL
    )
    AND (gone_at < %(before)s OR NOT EXISTS (
        SELECT FROM changes JOIN deliveries ON positions @> changes.position
        WHERE changes.hash_id = page.id AND kind <> 'remove'
            AND NOT EXISTS (
                SELECT FROM changes AS later
                WHERE later.hash_id = page.id
                    AND later.position > changes.position AND later.position <= head
            )
            AND NOT EXISTS (
                SELECT FROM withdrawals
                WHERE withdrawals.platform_id = deliveries.platform_id
                    AND withdrawals.hash_id = page.id
                    AND withdrawals.position = (
                        SELECT max(position) FROM changes AS last WHERE last.hash_id = page.id)
            )
    )) AS free
FROM page ORDER BY id;

-- erase_bits: Of some hashes, erase the bits of those that are still of no use.
UPDATE hashes SET pdq = NULL
WHERE id = ANY(%(hash_ids)s) AND gone_at IS NOT NULL AND pdq IS NOT NULL
    AND NOT barred AND standing <> 'quarantined';

-- erase_submissions: Forget idempotency keys from before a moment.
DELETE FROM submissions WHERE key_digest IN (
    SELECT key_digest FROM submissions WHERE submitted_at < %(before)s
    ORDER BY submitted_at LIMIT %(limit)s
);

-- erase_messages: Forget messages from before a moment that were given up.
DELETE FROM webhook_messages WHERE id IN (
    SELECT id FROM webhook_messages WHERE due_at IS NULL AND created_at < %(before)s
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
);

-- erase_alerts: Forget alerts from before a moment.
DELETE FROM alerts WHERE id IN (
    SELECT id FROM alerts WHERE at < %(before)s ORDER BY at LIMIT %(limit)s
);

-- erase_usage: Forget what was spent before a moment, long since drained.
DELETE FROM key_usage WHERE line IN (
    SELECT line FROM key_usage WHERE at < %(before)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED
);

-- erase_sketches: Forget the sketches of the next matches that are counted and from before a
-- moment; says how far that went, and how many there were.
WITH span AS (
    SELECT sketches AS after, (
        SELECT max(position) FROM (
            SELECT position, at FROM audit_log
            WHERE position > sketches AND position <= (SELECT position FROM tally)
            ORDER BY position LIMIT %(limit)s
        ) AS next WHERE at < %(before)s
    ) AS upto
    FROM retention
), forgotten AS (
    UPDATE matches SET sketch = NULL FROM span
    WHERE audit_position > after AND audit_position <= upto AND sketch IS NOT NULL
    RETURNING audit_position
), moved AS (
    UPDATE retention SET sketches = upto FROM span WHERE upto IS NOT NULL
)
SELECT upto, (SELECT count(*) FROM forgotten) AS erased FROM span;

-- read_vitals: What was measured last.
SELECT measured FROM vitals;

-- take_vitals: Become the one who measures until commit; nothing where it is not time, or another
-- is at it. What was measured in the future, before the clock was set back, is not waited for.
SELECT one FROM vitals
WHERE at <= clock_timestamp() - make_interval(secs => %(seconds)s) OR at > clock_timestamp()
FOR UPDATE SKIP LOCKED;

-- measure_vitals: Sizes and queues; the counts by their indexes, up to 100,000 (overdue: 10,000).
SELECT
    (SELECT position FROM change_head) AS changes,
    (SELECT position FROM audit_head) AS audit_entries,
    pg_database_size(current_database()) AS database_bytes,
    (SELECT count(*) FROM (
        SELECT FROM webhook_messages WHERE due_at IS NOT NULL LIMIT 100000) AS counted
    ) AS webhooks_waiting,
    (SELECT greatest(0, extract(epoch FROM now() - min(created_at)))::float8 FROM (
        SELECT created_at FROM webhook_messages WHERE due_at IS NOT NULL ORDER BY id LIMIT 1
    ) AS oldest) AS webhooks_oldest_s,
    (SELECT count(*) FROM (
        SELECT FROM webhook_messages WHERE due_at IS NULL LIMIT 100000) AS counted
    ) AS webhooks_given_up,
    (SELECT count(*) FROM (
        SELECT FROM owed JOIN hashes ON hashes.id = hash_id AND active = (what <> 'withdrawal')
        WHERE since < now() - %(overdue)s::interval LIMIT 10000) AS counted
    ) AS overdue,
    (SELECT count(*) FROM reviews JOIN hashes ON hashes.id = hash_id
        WHERE decision IS NULL AND active) AS open_reviews,
    (SELECT count(*) FROM key_limits WHERE paused_at IS NOT NULL) AS paused_keys,
    (SELECT count(*) FROM (
        SELECT FROM hashes WHERE gone_at IS NOT NULL AND pdq IS NOT NULL LIMIT 100000) AS counted
    ) AS gone_with_bits;

-- keep_vitals: What was measured now.
UPDATE vitals SET at = clock_timestamp(), measured = %(measured)s;

-- hashes_estimated: About how many hashes there are, as PostgreSQL last counted; 0: not yet.
SELECT greatest(reltuples, 0)::bigint AS about FROM pg_class WHERE oid = 'hashes'::regclass;
