-- Statements of store/obligations.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- overdue: Answers that platforms have owed for longer than a time, oldest first.
SELECT what, platforms.name AS platform, record, owed.since, feedback.value AS feedback
FROM owed
JOIN platforms ON platforms.id = platform_id
JOIN hashes ON hashes.id = hash_id
    AND CASE what WHEN 'withdrawal' THEN NOT (active AND published) ELSE active END
LEFT JOIN feedback USING (platform_id, hash_id)
WHERE owed.since < now() - %(longer_than)s::interval
ORDER BY owed.since, platform, record
LIMIT %(limit)s;

-- owe_answers: Record that the matches of some positions need an answer, unless one was given.
INSERT INTO owed (hash_id, platform_id, what, since)
SELECT matches.hash_id, matches.platform_id, 'match', min(matches.at)
FROM matches
JOIN hashes ON hashes.id = matches.hash_id AND active
LEFT JOIN feedback ON feedback.hash_id = matches.hash_id
    AND feedback.platform_id = matches.platform_id AND value = 'removed'
WHERE audit_position > %(after)s AND audit_position <= %(upto)s
    AND (feedback.at IS NULL OR matches.at > feedback.at)
GROUP BY matches.hash_id, matches.platform_id
ORDER BY 1, 2
ON CONFLICT (hash_id, platform_id) DO UPDATE SET what = excluded.what, since = excluded.since
WHERE owed.what = 'review';

-- owe_reviews: Record that a platform has begun to review hashes, and owes the result.
INSERT INTO owed (hash_id, platform_id, what, since)
SELECT hashes.id, %(platform_id)s, 'review', now()
FROM hashes WHERE id = ANY(%(hash_ids)s) AND active
ORDER BY 1
ON CONFLICT (hash_id, platform_id) DO NOTHING;

-- owe_confirmations: Record that a platform has received tombstones, and owes their confirmation.
-- A barred hash that was submitted again is no new withdrawal.
INSERT INTO owed (hash_id, platform_id, what, since)
SELECT hashes.id, %(platform_id)s, 'withdrawal', now()
FROM hashes
WHERE record = ANY(%(records)s) AND NOT (active AND published)
    AND (SELECT kind FROM changes WHERE changes.hash_id = hashes.id ORDER BY position DESC LIMIT 1)
        = 'remove'
    AND NOT EXISTS (
        SELECT FROM withdrawals
        WHERE hash_id = hashes.id AND platform_id = %(platform_id)s
            AND position = (SELECT max(position) FROM changes WHERE changes.hash_id = hashes.id)
    )
ORDER BY 1
ON CONFLICT (hash_id, platform_id) DO NOTHING;

-- settle_owed: Delete answers of some kinds that a platform has given.
DELETE FROM owed
WHERE platform_id = %(platform_id)s AND hash_id = ANY(%(hash_ids)s) AND what = ANY(%(kinds)s);

-- delete_owed: Delete whatever is owed for hashes that were withdrawn or came back.
DELETE FROM owed WHERE hash_id = ANY(%(hash_ids)s);
