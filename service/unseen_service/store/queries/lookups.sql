-- Statements of store/lookups.py. Each opens with "name: what it does"; values are %(parameters)s.

-- confirm_hashes: Of the index's candidates, those that may match now for a platform, with what a
-- hit reports. What the platform itself disputes reads as withdrawn there.
SELECT hashes.id, record, standing,
    EXISTS (SELECT FROM suspects WHERE hash_id = hashes.id) AS suspect,
    (SELECT view FROM image_hashes JOIN images ON images.id = image_id
     WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
     ORDER BY view <> 'original', view LIMIT 1) AS view
FROM hashes
WHERE id = ANY(%(hash_ids)s) AND active AND standing <> 'quarantined'
    AND NOT EXISTS (
        SELECT FROM disputes
        WHERE platform_id = %(platform_id)s AND hash_id = hashes.id AND ended_at IS NULL
    );

-- gone_hashes: Of confirmed candidates, those that may not match any longer.
SELECT id FROM hashes
WHERE id = ANY(%(hash_ids)s) AND NOT (active AND standing <> 'quarantined');

-- insert_matches: Record the matches of one lookup.
INSERT INTO matches (audit_position, query, hash_id, platform_id, distance, sketch, crowded)
SELECT %(audit_position)s, query, hash_id, %(platform_id)s, distance, sketch, crowded
FROM unnest(%(queries)s::integer[], %(hash_ids)s::bigint[], %(distances)s::smallint[],
    %(sketches)s::integer[], %(crowded)s::boolean[])
    AS given (query, hash_id, distance, sketch, crowded);

-- insert_suspect_matches: Record the matches of one lookup that count nowhere.
INSERT INTO suspect_matches (audit_position, query, hash_id, platform_id, distance)
SELECT %(audit_position)s, query, hash_id, %(platform_id)s, distance
FROM unnest(%(queries)s::integer[], %(hash_ids)s::bigint[], %(distances)s::smallint[])
    AS given (query, hash_id, distance);
