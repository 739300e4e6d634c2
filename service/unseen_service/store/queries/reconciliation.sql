-- Statements of store/reconciliation.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- replaced_table: A table that is a view now, or shows others what it does not show verification.
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname IN (
    'audit_head', 'audit_log', 'benign_hashes', 'case_feedback', 'cases', 'change_head', 'changes',
    'deliveries', 'disputes', 'encryption', 'encryption_keys', 'feedback', 'hashes',
    'image_hashes', 'images', 'key_limits', 'keys', 'matches', 'platforms', 'proposals', 'reviews',
    'state_digests', 'state_salts', 'subscriptions', 'suspect_matches', 'webhooks', 'withdrawals')
    AND (relkind <> 'r' OR relrowsecurity OR relhasrules OR relhassubclass)
ORDER BY relname LIMIT 1;

-- has_stray_entries: Whether the log's table has rows that its verification did not read.
SELECT (SELECT count(*) FROM audit_log) <> (SELECT position FROM audit_head) AS found;

-- unexplained_match: The first match that no entry lists, or that one lists and is not stored.
WITH logged AS (
    SELECT position, hit ->> 'query' AS query, hit ->> 'record' AS record,
        hit ->> 'distance' AS distance, platform_id,
        coalesce(hit ->> 'suspect' = 'true', false) AS suspect,
        coalesce(hit ->> 'crowded' = 'true', false) AS crowded
    FROM audit_log
    CROSS JOIN LATERAL jsonb_array_elements(details -> 'hits') AS hit
    LEFT JOIN keys ON keys.id::text = details ->> 'key'
    WHERE kind = 'match.hit'
), found AS (
    SELECT audit_position, query, hash_id, distance, platform_id, false AS suspect, crowded
    FROM matches
    UNION ALL
    SELECT audit_position, query, hash_id, distance, platform_id, true, false
    FROM suspect_matches
), stored AS (
    SELECT audit_position AS position, query::text, record::text, distance::text, platform_id,
        suspect, crowded
    FROM found JOIN hashes ON hashes.id = hash_id
)
SELECT position, record, stored.position IS NULL AS is_gone
FROM logged FULL JOIN stored
    USING (position, query, record, distance, platform_id, suspect, crowded)
WHERE logged.position IS NULL OR stored.position IS NULL
ORDER BY position LIMIT 1;
