-- Statements of store/feed.py. Each opens with "name: what it does"; values are %(parameters)s.

-- feed_head: The change log's ID, its position, where a platform subscribed (or null), how far it
-- has processed the log, and how far it received it.
SELECT log, position,
    (SELECT base FROM subscriptions WHERE platform_id = %(platform_id)s) AS base,
    (SELECT max(acknowledgements.position) FROM acknowledgements
     WHERE platform_id = %(platform_id)s) AS acknowledged,
    (SELECT upper(delivered) - 1 FROM subscriptions WHERE platform_id = %(platform_id)s)
        AS delivered
FROM log_head;

-- position_mark: The time in microseconds of a change, which detects a cursor into another history.
SELECT (extract(epoch FROM at) * 1000000)::bigint AS mark FROM changes WHERE position = %(position)s;

-- subscribe: Record where a platform first read the feed; nothing if it did before.
INSERT INTO subscriptions (platform_id, base)
SELECT %(platform_id)s, position FROM log_head
ON CONFLICT (platform_id) DO NOTHING;

-- feed_page: Hashes whose last change is in a range of positions, in order, as a platform sees them:
-- what it disputes itself is withdrawn, and so is a hash that only crops hold by now. Left out are
-- hashes that were always crops, and those withdrawn before it subscribed: it never had them.
WITH page AS MATERIALIZED (
    SELECT position, changes.at, changes.hash_id, record, pdq, key_version, standing,
        active AND hashes.published AND disputes.hash_id IS NULL AS active,
        EXISTS (SELECT FROM suspects WHERE suspects.hash_id = hashes.id) AS suspect
    FROM changes
    JOIN hashes ON hashes.id = changes.hash_id
    LEFT JOIN disputes ON disputes.hash_id = hashes.id AND platform_id = %(platform_id)s
        AND ended_at IS NULL
    WHERE position > %(after)s AND position <= %(upto)s AND ever_published
        AND (position > %(base)s
            OR (active AND hashes.published AND standing <> 'quarantined'
                AND disputes.hash_id IS NULL))
        AND position
            = (SELECT max(position) FROM changes AS later WHERE later.hash_id = changes.hash_id)
)
-- Row by row: the planner takes the page for one row, and joined all with all.
SELECT * FROM page LEFT JOIN LATERAL (
    SELECT view, quality, convention
    FROM image_hashes CROSS JOIN LATERAL (
        SELECT convention, withdrawn_at FROM images WHERE images.id = image_id OFFSET 0
    ) AS image
    WHERE image_hashes.hash_id = page.hash_id AND withdrawn_at IS NULL
        AND NOT starts_with(view, 'crop-')
    ORDER BY view <> 'original', view, quality DESC NULLS LAST
    LIMIT 1
) AS held ON true
ORDER BY position;

-- position_before: The position after which all changes are from this second (Unix time) or later.
SELECT coalesce(
    (SELECT position - 1 FROM changes
     WHERE at >= to_timestamp(%(second)s) ORDER BY at, position LIMIT 1),
    (SELECT position FROM log_head)
) AS position;

-- acknowledge: Record that a platform has processed the change log up to a position.
INSERT INTO acknowledgements (platform_id, position) VALUES (%(platform_id)s, %(position)s)
ON CONFLICT DO NOTHING;

-- feedback_on: Feedback of platforms on some hashes.
-- Of the tags on a hash only as many as fit into tag_bytes, those of platforms with short ones
-- first, since a platform that tags with very much text must not displace the others, nor fill pages.
WITH said AS (
    SELECT hash_id, name, value, tags, octet_length(array_to_string(tags, '')) AS size
    FROM feedback JOIN platforms ON platforms.id = platform_id
    WHERE hash_id = ANY(%(hash_ids)s)
), counted AS (
    SELECT *, sum(size) OVER (PARTITION BY hash_id ORDER BY size, name) - size AS before FROM said
)
SELECT hash_id, name AS source, value,
    CASE
        WHEN before + size <= %(tag_bytes)s THEN tags
        WHEN before >= %(tag_bytes)s THEN '{}'
        ELSE ARRAY(
            SELECT tag
            FROM (
                SELECT tag, n, sum(octet_length(tag)) OVER (ORDER BY n) AS upto
                FROM unnest(tags) WITH ORDINALITY AS each (tag, n)
            ) AS own
            WHERE before + upto <= %(tag_bytes)s
            ORDER BY n
        )
    END AS tags
FROM counted
ORDER BY hash_id, name;

-- leaves_gaps: Whether a platform that reads on after a position adds to so many separate ranges.
SELECT count(*) >= %(most)s AND NOT bool_or(%(after)s + 1 BETWEEN lower(part) AND upper(part))
    AS found
FROM subscriptions CROSS JOIN unnest(delivered) AS part
WHERE platform_id = %(platform_id)s;

-- deliver: Record what a platform received; no row if it had received all of it before.
WITH given AS (
    SELECT int8range(%(after)s, %(upto)s, '(]') AS positions
), grown AS (
    UPDATE subscriptions SET delivered = delivered + int8multirange(positions) FROM given
    WHERE platform_id = %(platform_id)s AND NOT delivered @> positions
    RETURNING platform_id
)
INSERT INTO deliveries (platform_id, positions, head)
SELECT platform_id, positions, %(head)s FROM grown, given
RETURNING platform_id;
