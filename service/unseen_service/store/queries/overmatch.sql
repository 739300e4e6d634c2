-- Statements of store/overmatch.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- claim_counting: Lock the tally until commit; no row if another worker is counting.
SELECT tally.position AS after, least(tally.position + %(limit)s, audit_head.position) AS upto
FROM tally, audit_head FOR UPDATE OF tally SKIP LOCKED;

-- count_activity: Add the entries of some positions to the statistics of their hours.
INSERT INTO activity AS known (hour, kind, entries, amount)
SELECT date_trunc('hour', at, 'UTC'), kind, count(*), coalesce(sum(
    CASE kind
        WHEN 'case.submitted' THEN (details ->> 'images')::bigint
        WHEN 'case.withdrawn' THEN jsonb_array_length(details -> 'images')
        WHEN 'match.hit' THEN (
            SELECT count(DISTINCT hit -> 'query') FROM jsonb_array_elements(details -> 'hits') AS hit
            WHERE hit -> 'suspect' IS NULL)
        WHEN 'match.missed' THEN (
            SELECT sum((key ->> 'hashes')::bigint)
            FROM jsonb_array_elements(details -> 'keys') AS key)
    END), 0)
FROM audit_log
WHERE position > %(after)s AND position <= %(upto)s
    AND kind IN ('case.submitted', 'case.withdrawn', 'match.hit', 'match.missed')
GROUP BY 1, 2
ON CONFLICT (hour, kind) DO UPDATE
SET entries = known.entries + excluded.entries, amount = known.amount + excluded.amount;

-- count_finds: Add the matches of some positions to the counts; return their hashes.
WITH counted AS (
    INSERT INTO finds AS known (hash_id, hour, platform_id, sketch, finds)
    SELECT hash_id, date_trunc('hour', at, 'UTC'), platform_id, sketch, count(*)
    FROM matches
    WHERE audit_position > %(after)s AND audit_position <= %(upto)s
        AND at >= now() - interval '24 hours'
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (hash_id, hour, platform_id, sketch) DO UPDATE
    SET finds = known.finds + excluded.finds
    RETURNING hash_id
)
SELECT DISTINCT hash_id FROM counted;

-- advance_counting: Record how far the counting is; delete counts older than a day.
WITH forgotten AS (DELETE FROM finds WHERE hour < now() - interval '25 hours')
UPDATE tally SET position = %(upto)s;

-- found_often: Of some unreviewed hashes, those that were found suspiciously often in a day:
-- how often, in how many distinct uploads, and in how many without the platform with the most.
WITH seen AS (
    SELECT finds.hash_id, platform_id, sketch, sum(finds) AS finds
    FROM finds
    JOIN hashes ON hashes.id = hash_id AND active AND standing = 'unreviewed'
    LEFT JOIN reviews ON reviews.hash_id = finds.hash_id
    WHERE finds.hash_id = ANY(%(hash_ids)s) AND hour >= now() - interval '24 hours'
        AND (decided_at IS NULL OR hour > decided_at)
    GROUP BY finds.hash_id, platform_id, sketch
), most AS (
    SELECT DISTINCT ON (hash_id) hash_id, platform_id
    FROM (SELECT hash_id, platform_id, count(*) AS uploads FROM seen GROUP BY hash_id, platform_id)
        AS each_platform
    ORDER BY hash_id, uploads DESC, platform_id
)
SELECT hash_id, sum(finds)::bigint AS finds, count(DISTINCT sketch) AS uploads,
    count(DISTINCT sketch) FILTER (WHERE seen.platform_id <> most.platform_id) AS shared,
    count(DISTINCT seen.platform_id) AS platforms
FROM seen JOIN most USING (hash_id)
GROUP BY hash_id
HAVING count(DISTINCT sketch) >= %(uploads)s OR sum(finds) >= %(finds)s;

-- usual_finds: The 99th percentile of finds and uploads of all other hashes found in a day.
SELECT coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY finds), 0)::bigint AS finds,
    coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY uploads), 0)::bigint AS uploads
FROM (
    SELECT sum(finds) AS finds, count(DISTINCT sketch) AS uploads
    FROM finds
    WHERE hour >= now() - interval '24 hours' AND NOT hash_id = ANY(%(hash_ids)s)
    GROUP BY hash_id
) AS others;
