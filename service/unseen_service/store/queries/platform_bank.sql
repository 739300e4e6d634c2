-- Statements of store/platform_bank.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- bank_case: Return the case that holds a platform's bank; insert it if needed.
-- Its number is never that of a person's case.
INSERT INTO cases (number, platform_id)
VALUES ('BANK-' || %(platform_id)s::bigint, %(platform_id)s)
ON CONFLICT (platform_id) DO UPDATE SET platform_id = excluded.platform_id
RETURNING id;

-- bank_images: Insert an image for each of these hashes that the bank does not hold; return them.
WITH missing AS (
    SELECT id AS hash_id,
        (SELECT coalesce(max(number), 0) FROM images WHERE case_id = %(case_id)s)
            + row_number() OVER (ORDER BY id) AS number
    FROM hashes LEFT JOIN LATERAL (
        -- By the hash, whatever the planner expects: the bank can have millions of images. An
        -- aggregate, since LIMIT 1 lets a planner without statistics choose to read the table.
        SELECT bool_or(true) AS is_held FROM image_hashes
        CROSS JOIN LATERAL (
            SELECT case_id, withdrawn_at FROM images WHERE images.id = image_id OFFSET 0
        ) AS image
        WHERE image_hashes.hash_id = hashes.id AND case_id = %(case_id)s AND withdrawn_at IS NULL
    ) AS held ON true
    WHERE id = ANY(%(hash_ids)s) AND is_held IS NULL
), added AS (
    INSERT INTO images (case_id, number, convention)
    SELECT %(case_id)s, number, 'not-said' FROM missing
    RETURNING id, number
)
INSERT INTO image_hashes (image_id, view, hash_id)
SELECT added.id, 'original', hash_id FROM missing JOIN added USING (number)
RETURNING hash_id;

-- withdraw_bank: Withdraw hashes from a platform's bank; return those that it held.
UPDATE images SET withdrawn_at = now()
FROM image_hashes, cases
WHERE image_hashes.image_id = images.id AND cases.id = images.case_id
    AND cases.platform_id = %(platform_id)s AND hash_id = ANY(%(hash_ids)s)
    AND images.withdrawn_at IS NULL
RETURNING hash_id;
