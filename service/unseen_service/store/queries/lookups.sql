-- Statements of store/lookups.py. Each opens with "name: what it does"; values are %(parameters)s.

-- confirm_hashes: Of the index's candidates, those that may match now, with what a hit reports.
SELECT hashes.id, record, standing,
    (SELECT view FROM image_hashes JOIN images ON images.id = image_id
     WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
     ORDER BY view <> 'original', view LIMIT 1) AS view
FROM hashes
WHERE id = ANY(%(hash_ids)s) AND active AND standing <> 'quarantined';

-- insert_matches: Record the matches of one lookup.
INSERT INTO matches (audit_position, query, hash_id, platform_id, distance, sketch)
SELECT %(audit_position)s, query, hash_id, %(platform_id)s, distance, sketch
FROM unnest(%(queries)s::integer[], %(hash_ids)s::bigint[], %(distances)s::smallint[],
    %(sketches)s::integer[]) AS given (query, hash_id, distance, sketch);
