-- Statements of store/retention.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- retention_state: When retention last finished (null: never), and what the current run has erased.
SELECT ran_at, erased FROM retention;

-- count_erased: Add to the counts of the current run.
UPDATE retention SET erased
    = erased || jsonb_build_object(%(what)s::text, coalesce((erased ->> %(what)s)::bigint, 0) + %(count)s);

-- end_retention: Record that the run has finished.
UPDATE retention SET ran_at = clock_timestamp(), erased = '{}';

-- withdrawn_hashes: Hashes after an ID that no image holds, and whether their bits may be erased:
-- they are not needed to keep the same image out, and each platform that received them has
-- confirmed that it deleted them, or has run out of time.
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
        WHERE changes.hash_id = page.id AND kind <> 'remove' AND changes.published
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

-- erase_bits: Erase the bits of those of some hashes that are still not needed.
UPDATE hashes SET pdq = NULL, lookup_tag = NULL, key_version = NULL
WHERE id = ANY(%(hash_ids)s) AND gone_at IS NOT NULL AND pdq IS NOT NULL
    AND NOT barred AND standing <> 'quarantined';

-- erase_submissions: Delete idempotency keys from before a time.
DELETE FROM submissions WHERE key_digest IN (
    SELECT key_digest FROM submissions WHERE submitted_at < %(before)s
    ORDER BY submitted_at LIMIT %(limit)s
);

-- erase_messages: Delete failed messages from before a time.
DELETE FROM webhook_messages WHERE id IN (
    SELECT id FROM webhook_messages WHERE due_at IS NULL AND created_at < %(before)s
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
);

-- erase_alerts: Delete alerts from before a time.
DELETE FROM alerts WHERE id IN (
    SELECT id FROM alerts WHERE at < %(before)s ORDER BY at LIMIT %(limit)s
);

-- erase_usage: Delete usage from before a time, which has long drained.
DELETE FROM key_usage WHERE line IN (
    SELECT line FROM key_usage WHERE at < %(before)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED
);

-- erase_sketches: Erase the sketches of the next matches that are counted and from before a time;
-- return the last position, and how many there were.
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
