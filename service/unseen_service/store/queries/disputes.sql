-- Statements of store/disputes.py. Each opens with "name: what it does"; values are %(parameters)s.

-- begin_disputes: Put a platform's disputes of some hashes in force; return those that are new.
INSERT INTO disputes AS known (platform_id, hash_id)
SELECT %(platform_id)s, unnest(%(hash_ids)s::bigint[])
ON CONFLICT (platform_id, hash_id) DO UPDATE
SET at = excluded.at, counted_at = NULL, ended_at = NULL
WHERE known.ended_at IS NOT NULL
RETURNING hash_id;

-- take_back_disputes: End a platform's disputes of some hashes; return those that were in force.
UPDATE disputes SET ended_at = clock_timestamp()
WHERE platform_id = %(platform_id)s AND hash_id = ANY(%(hash_ids)s) AND ended_at IS NULL
RETURNING hash_id;

-- end_disputes: End every platform's disputes of some hashes.
UPDATE disputes SET ended_at = clock_timestamp()
WHERE hash_id = ANY(%(hash_ids)s) AND ended_at IS NULL;

-- disputed_by: Which of some hashes a platform disputes.
SELECT hash_id, record FROM disputes JOIN hashes ON hashes.id = hash_id
WHERE platform_id = %(platform_id)s AND hash_id = ANY(%(hash_ids)s) AND ended_at IS NULL;

-- counted_disputes: Which of some hashes a platform disputes so that it counts towards others.
SELECT hash_id FROM disputes
WHERE platform_id = %(platform_id)s AND hash_id = ANY(%(hash_ids)s)
    AND ended_at IS NULL AND counted_at IS NOT NULL;

-- known_hashes: Of some hashes, those that a platform matched or received (met), or submitted.
SELECT id,
    EXISTS (
        SELECT FROM matches
        WHERE matches.platform_id = %(platform_id)s AND matches.hash_id = hashes.id
    ) OR EXISTS (
        SELECT FROM suspect_matches
        WHERE suspect_matches.platform_id = %(platform_id)s
            AND suspect_matches.hash_id = hashes.id
    ) OR EXISTS (
        SELECT FROM changes JOIN deliveries ON positions @> changes.position
        WHERE deliveries.platform_id = %(platform_id)s AND changes.hash_id = hashes.id
            AND kind <> 'remove' AND changes.published
            AND NOT EXISTS (
                SELECT FROM changes AS later
                WHERE later.hash_id = hashes.id
                    AND later.position > changes.position AND later.position <= head
            )
    ) AS met,
    EXISTS (
        SELECT FROM image_hashes
        JOIN images ON images.id = image_id
        JOIN cases ON cases.id = case_id
        WHERE hash_id = hashes.id AND cases.platform_id = %(platform_id)s
            AND images.withdrawn_at IS NULL
    ) AS submitted
FROM hashes WHERE id = ANY(%(hash_ids)s);

-- dispute_room: Whether a platform's word counts yet, and how many disputes did in a day.
SELECT created_at <= now() - make_interval(days => %(wait_days)s::integer) AS counts,
    (SELECT count(*) FROM disputes
     WHERE platform_id = platforms.id AND counted_at > now() - interval '24 hours') AS counted
FROM platforms WHERE id = %(platform_id)s;

-- count_disputes: Record that disputes count towards others.
UPDATE disputes SET counted_at = clock_timestamp()
WHERE platform_id = %(platform_id)s AND hash_id = ANY(%(hash_ids)s) AND counted_at IS NULL;

-- reads_feed: Whether a platform reads the feed.
SELECT EXISTS (SELECT FROM subscriptions WHERE platform_id = %(platform_id)s) AS reads;

-- list_disputes: The disputes in force by platform, most first, and how many count towards others.
SELECT name AS platform, count(*) AS records, count(counted_at) AS counted, min(at) AS since
FROM disputes JOIN platforms ON platforms.id = platform_id
WHERE ended_at IS NULL
GROUP BY name
ORDER BY count(*) DESC, name
LIMIT %(limit)s;

-- oldest_disputes: The hashes that a platform disputes, oldest dispute first.
SELECT hash_id, record
FROM disputes
JOIN platforms ON platforms.id = platform_id
JOIN hashes ON hashes.id = hash_id
WHERE name = %(platform)s AND ended_at IS NULL AND pdq IS NOT NULL AND NOT barred
ORDER BY disputes.at, hash_id
LIMIT %(limit)s;
