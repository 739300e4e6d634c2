-- Statements of store/activation.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- activate_hashes: Activate the inactive ones of some hashes, except barred ones; return them.
UPDATE hashes SET active = true, gone_at = NULL
WHERE id = ANY(%(hash_ids)s) AND NOT active AND NOT barred
RETURNING id;

-- deactivate_hashes: Deactivate those of some hashes that no image holds; return them.
UPDATE hashes SET active = false, gone_at = clock_timestamp()
WHERE active AND id = ANY(%(hash_ids)s)
    AND NOT EXISTS (
        SELECT FROM image_hashes JOIN images ON images.id = image_id
        WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
    )
RETURNING id;

-- publish_hashes: Publish those of some hashes that are not published.
UPDATE hashes SET published = true, ever_published = true
WHERE id = ANY(%(hash_ids)s) AND NOT (published AND ever_published);

-- hide_inactive_hashes: Hide the inactive ones of some hashes, which only new crops hold.
UPDATE hashes SET published = false
WHERE id = ANY(%(hash_ids)s) AND NOT active AND published;

-- unpublish_hashes: Hide those of some hashes that are held as crops only; return them.
UPDATE hashes SET published = false
FROM (
    SELECT hash_id, bool_and(starts_with(view, 'crop-')) AS only_crops
    FROM image_hashes JOIN images ON images.id = image_id
    WHERE hash_id = ANY(%(hash_ids)s) AND withdrawn_at IS NULL
    GROUP BY hash_id
) AS held
WHERE hashes.id = hash_id AND only_crops AND published
RETURNING id;

-- count_decisions: How many decisions staff have made.
SELECT decisions FROM intake;

-- removed_hashes: The hashes that staff removed.
SELECT id, record, pdq, key_version FROM hashes WHERE barred AND barred_near IS NULL ORDER BY id;

-- bar_near_hashes: Bar the inactive ones of some hashes, each for being close to a removed one.
UPDATE hashes SET barred = true, standing = 'quarantined', barred_near = given.root
FROM unnest(%(hash_ids)s::bigint[], %(roots)s::bigint[]) AS given (hash_id, root)
WHERE hashes.id = given.hash_id AND NOT active AND NOT barred
    AND standing NOT IN ('confirmed', 'quarantined');

-- unbar_hashes: Forget that those of some hashes that no image holds were close to a removed one.
UPDATE hashes SET barred = false, standing = 'unreviewed', barred_near = NULL,
    gone_at = coalesce(gone_at, clock_timestamp())
WHERE id = ANY(%(hash_ids)s) AND barred_near IS NOT NULL AND NOT EXISTS (
    SELECT FROM image_hashes JOIN images ON images.id = image_id
    WHERE hash_id = hashes.id AND images.withdrawn_at IS NULL
);

-- release_near: Release the hashes that were barred for being close to a hash; return those that
-- are active now.
WITH released AS (
    UPDATE hashes SET barred = false, standing = 'unreviewed', barred_near = NULL,
        active = held, gone_at = CASE WHEN NOT held THEN coalesce(gone_at, clock_timestamp()) END
    FROM (
        SELECT id AS hash_id, EXISTS (
            SELECT FROM image_hashes JOIN images ON images.id = image_id
            WHERE image_hashes.hash_id = near.id AND withdrawn_at IS NULL
        ) AS held
        FROM hashes AS near WHERE barred_near = %(hash_id)s
    ) AS near
    WHERE hashes.id = near.hash_id
    RETURNING id, active
)
SELECT id FROM released WHERE active ORDER BY id;
