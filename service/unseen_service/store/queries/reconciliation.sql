-- Statements of store/reconciliation.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

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
