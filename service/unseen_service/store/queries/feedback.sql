-- Statements of store/feedback.py. Each opens with "name: what it does"; values are %(parameters)s.

-- hashes_by_record: IDs of hashes, by record.
SELECT id, record FROM hashes WHERE record = ANY(%(records)s);

-- records_by_id: Records of hashes, by ID.
SELECT id, record FROM hashes WHERE id = ANY(%(hash_ids)s);

-- give_feedback: Record a platform's latest feedback; return the hashes for which it is new.
-- The same feedback is new only if the platform has matched the hash again since, or someone has
-- submitted it again: their case shows what platforms report from then on. The time is that of the
-- statement, which has the change log's lock: a transaction begins before it waits for that.
WITH said AS (
    INSERT INTO feedback AS known (hash_id, platform_id, value, tags, since, at)
    SELECT hash_id, %(platform_id)s, value, tags, moment.at, moment.at
    FROM jsonb_to_recordset(%(given)s) AS given (hash_id bigint, value text, tags text[])
    CROSS JOIN (SELECT clock_timestamp() AS at OFFSET 0) AS moment
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
        OR EXISTS (
            SELECT FROM changes
            WHERE changes.hash_id = known.hash_id AND kind = 'add' AND changes.at > known.at
        )
    RETURNING hash_id, value
)
SELECT hash_id, record, value FROM said JOIN hashes ON hashes.id = hash_id ORDER BY hash_id;

-- active_hashes: Which of some hashes are active.
SELECT id FROM hashes WHERE id = ANY(%(hash_ids)s) AND active;

-- confirm_withdrawals: Record that a platform deleted hashes; those that it may have are ignored.
WITH gone AS (
    SELECT hashes.id AS hash_id, record,
        (SELECT max(position) FROM changes WHERE changes.hash_id = hashes.id) AS position
    FROM hashes WHERE id = ANY(%(hash_ids)s) AND NOT (active AND published)
), confirmed AS (
    INSERT INTO withdrawals AS known (hash_id, platform_id, position)
    SELECT hash_id, %(platform_id)s, position FROM gone
    ON CONFLICT (hash_id, platform_id) DO UPDATE SET position = excluded.position, at = excluded.at
    WHERE known.position < excluded.position
    RETURNING hash_id
)
SELECT record, EXISTS (SELECT FROM confirmed WHERE confirmed.hash_id = gone.hash_id) AS new
FROM gone ORDER BY record;
