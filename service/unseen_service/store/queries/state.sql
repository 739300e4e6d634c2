-- Statements of store/state.py. Each opens with "name: what it does"; values are %(parameters)s.
-- Those named state_… return a kind of object: two numbers and the content that entries commit to.
-- The content holds no bits of hashes, and no times that depend on the session's time zone.

-- state_case: Cases, without their PINs.
SELECT id, 0::bigint AS sub, jsonb_build_array(audit_ref, number, platform_id,
    extract(epoch FROM submitted_at), extract(epoch FROM withdrawn_at), opened_after) AS content
FROM cases;

-- state_image: Images, with the hashes of their views.
SELECT id, 0::bigint AS sub, jsonb_build_array(case_id, number, convention,
    extract(epoch FROM withdrawn_at), withdrawn_after, (
        SELECT jsonb_agg(jsonb_build_array(view, hash_id, quality) ORDER BY view)
        FROM image_hashes WHERE image_id = images.id
    )) AS content
FROM images;

-- state_hash: Hashes, without their bits.
SELECT id, 0::bigint AS sub,
    jsonb_build_array(record, active, standing, barred, barred_near, pdq IS NULL)
        || CASE WHEN published AND ever_published THEN '[]'
            ELSE jsonb_build_array(published, ever_published) END AS content
FROM hashes;

-- state_platform: Platforms.
SELECT id, 0::bigint AS sub, jsonb_build_array(name, extract(epoch FROM created_at)) AS content
FROM platforms;

-- state_key: Keys, with what opens them.
SELECT id, 0::bigint AS sub, jsonb_build_array(platform_id, encode(digest, 'hex'), scopes, note,
    issued_by, needs_approval, approved_by, extract(epoch FROM approved_at),
    extract(epoch FROM created_at), extract(epoch FROM expires_at),
    extract(epoch FROM revoked_at), first_key, replaces, extract(epoch FROM overlap), made_by_holder,
    extract(epoch FROM used_at), bootstrap_peer) AS content
FROM keys;

-- state_limits: Limits and pauses of key families.
SELECT line AS id, 0::bigint AS sub, jsonb_build_array(requests_per_minute, hashes_per_minute,
    coarse, extract(epoch FROM paused_at)) AS content
FROM key_limits;

-- state_review: Reviews, with their decisions.
SELECT hash_id AS id, 0::bigint AS sub, jsonb_build_array(cause, before, decision, decided_by, why,
    extract(epoch FROM opened_at), extract(epoch FROM decided_at)) AS content
FROM reviews;

-- state_proposal: Decisions that wait for a second person.
SELECT hash_id AS id, 0::bigint AS sub, jsonb_build_array(decision, proposed_by, person, why,
    extract(epoch FROM at)) AS content
FROM proposals;

-- state_dispute: What platforms call not intimate, and whether that counts towards others.
SELECT hash_id AS id, platform_id AS sub, jsonb_build_array(extract(epoch FROM at),
    extract(epoch FROM counted_at), extract(epoch FROM ended_at)) AS content
FROM disputes;

-- state_feedback: Feedback of platforms.
SELECT hash_id AS id, platform_id AS sub, jsonb_build_array(value, tags,
    extract(epoch FROM since), extract(epoch FROM at)) AS content
FROM feedback;

-- state_case_feedback: Feedback on what a case no longer holds, as it was then.
SELECT case_id AS id, hash_id AS sub, jsonb_agg(jsonb_build_array(platform_id, value,
    extract(epoch FROM since), extract(epoch FROM at)) ORDER BY platform_id) AS content
FROM case_feedback GROUP BY case_id, hash_id;

-- state_confirmation: What platforms confirmed to have deleted.
SELECT hash_id AS id, platform_id AS sub,
    jsonb_build_array(position, extract(epoch FROM at)) AS content
FROM withdrawals;

-- state_subscription: What platforms received of the feed; nothing before the first delivery.
SELECT platform_id AS id, 0::bigint AS sub,
    jsonb_build_array(base, delivered, extract(epoch FROM since)) AS content
FROM subscriptions WHERE delivered <> '{}';

-- state_delivery: When platforms received it, by where the delivered range begins.
SELECT platform_id AS id, lower(positions) AS sub, jsonb_agg(
    jsonb_build_array(positions, head, extract(epoch FROM at)) ORDER BY positions, head) AS content
FROM deliveries GROUP BY platform_id, lower(positions);

-- state_webhook: Webhooks, without their counters.
SELECT id, 0::bigint AS sub, jsonb_build_array(ref, platform_id, url, events,
    encode(secret, 'hex'), extract(epoch FROM created_at)) AS content
FROM webhooks;

-- state_benign: The benign bank, without its bits.
SELECT id, 0::bigint AS sub, jsonb_build_array(note, extract(epoch FROM added_at)) AS content
FROM benign_hashes;

-- state_encryption: How hashes are sealed, and what recognises the keys; nothing before that begins.
SELECT 1::bigint AS id, 0::bigint AS sub, jsonb_build_array(version, completed, (
    SELECT jsonb_agg(jsonb_build_array(version, encode(check_value, 'hex')) ORDER BY version)
    FROM encryption_keys)) AS content
FROM encryption WHERE version IS NOT NULL;

-- current_change_set: The change set of this transaction that no entry has claimed; null: none.
SELECT nullif(current_setting('unseen.change_set', true), '')::bigint AS change_set;

-- new_change_set: A change set for what an entry vouches for.
SELECT nextval('state_change_sets') AS change_set;

-- end_change_set: Later changes of this transaction are the next entry's.
SELECT set_config('unseen.change_set', '', true);

-- due_baseline: What is to be committed to of the state from before there were commitments.
SELECT kind, done, upto FROM state_baseline WHERE done < upto ORDER BY kind LIMIT 1 FOR UPDATE;

-- advance_baseline: Record up to which object of a kind the state is committed to.
UPDATE state_baseline SET done = %(upto)s WHERE kind = %(kind)s;

-- has_unvouched: Whether state is to be vouched for: from before there were commitments, or changed
-- by an older version of the service.
SELECT EXISTS (SELECT FROM state_baseline WHERE done < upto)
    OR EXISTS (SELECT FROM state_noted WHERE position IS NOT NULL) AS found;

-- adopt_older: Move what an older version changed into a change set; return which entries it wrote.
-- It wrote no entry for some changes; those from before its last entry are taken over as well.
WITH last AS (
    SELECT max(change_set) AS change_set FROM state_noted WHERE position IS NOT NULL
), taken AS (
    DELETE FROM state_noted WHERE (change_set, kind, id, sub) IN (
        SELECT state_noted.change_set, kind, id, sub FROM state_noted, last
        WHERE state_noted.change_set <= last.change_set
        ORDER BY state_noted.change_set LIMIT %(limit)s
    )
    RETURNING kind, id, sub, position
), noted AS (
    INSERT INTO state_noted (change_set, kind, id, sub)
    SELECT DISTINCT %(change_set)s::bigint, kind, id, sub FROM taken
)
SELECT min(position) AS first, max(position) AS last FROM taken;
