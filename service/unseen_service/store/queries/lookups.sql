-- Statements of store/lookups.py. Each opens with "name: what it does"; values are %(parameters)s.

-- confirm_hashes: Of the index's candidates, those that may match now for a platform, with what a
-- hit reports. What the platform itself disputes reads as withdrawn there. A hash that is held as a
-- crop only speaks for its images: it matches as long as one of them has no hash that was removed or
-- that the platform disputes, and is suspect if each of them has one that is.
SELECT hashes.id, record, standing, NOT published AS is_crop,
    EXISTS (SELECT FROM suspects WHERE hash_id = hashes.id)
        OR coalesce(all_suspect, false) AS suspect,
    (SELECT view FROM image_hashes JOIN images ON images.id = image_id
     WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
     ORDER BY view <> 'original', starts_with(view, 'crop-'), view LIMIT 1) AS view
FROM hashes LEFT JOIN LATERAL (
    SELECT bool_and(is_suspect) AS all_suspect FROM (
        SELECT image_id FROM image_hashes JOIN images ON images.id = image_id
        -- Here, not in the join's condition: then nothing is read for other hashes.
        WHERE NOT hashes.published AND hash_id = hashes.id AND images.withdrawn_at IS NULL
        ORDER BY image_id LIMIT %(most)s
    ) AS holders CROSS JOIN LATERAL (
        SELECT bool_or(own.standing = 'quarantined' OR disputes.hash_id IS NOT NULL) AS is_out,
            bool_or(suspects.hash_id IS NOT NULL) AS is_suspect
        FROM image_hashes
        JOIN hashes AS own ON own.id = image_hashes.hash_id
        LEFT JOIN suspects ON suspects.hash_id = own.id
        LEFT JOIN disputes ON disputes.hash_id = own.id AND platform_id = %(platform_id)s
            AND ended_at IS NULL
        WHERE image_hashes.image_id = holders.image_id
    ) AS image
    WHERE NOT is_out
) AS crop ON true
WHERE id = ANY(%(hash_ids)s) AND active AND standing <> 'quarantined'
    AND (published OR all_suspect IS NOT NULL)
    AND NOT EXISTS (
        SELECT FROM disputes
        WHERE platform_id = %(platform_id)s AND hash_id = hashes.id AND ended_at IS NULL
    );

-- image_holders: The images that hold each of some hashes, the first ones if there are very many.
SELECT hash_id, ARRAY(
    SELECT image_id FROM image_hashes JOIN images ON images.id = image_id
    WHERE image_hashes.hash_id = given.hash_id AND images.withdrawn_at IS NULL
    ORDER BY image_id LIMIT %(most)s
) AS image_ids
FROM unnest(%(hash_ids)s::bigint[]) AS given (hash_id);

-- gone_hashes: Of confirmed candidates, those that may not match any longer.
SELECT id FROM hashes
WHERE id = ANY(%(hash_ids)s) AND (NOT active OR standing = 'quarantined'
    OR NOT published AND NOT EXISTS (
        SELECT FROM (
            SELECT image_id FROM image_hashes JOIN images ON images.id = image_id
            WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
            ORDER BY image_id LIMIT %(most)s
        ) AS holders
        WHERE NOT EXISTS (
            SELECT FROM image_hashes JOIN hashes AS own ON own.id = image_hashes.hash_id
            WHERE image_hashes.image_id = holders.image_id AND own.standing = 'quarantined'
        )
    ));

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
