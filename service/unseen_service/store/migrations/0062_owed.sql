-- What platforms owe an answer to, kept as it comes about: the log of matches grows for ever.

CREATE TABLE owed (
    hash_id     bigint NOT NULL REFERENCES hashes,
    platform_id bigint NOT NULL REFERENCES platforms,
    -- A match with no removal since; a review that was begun; a tombstone that was handed out.
    what        text NOT NULL CHECK (what IN ('match', 'review', 'withdrawal')),
    since       timestamptz NOT NULL,
    PRIMARY KEY (hash_id, platform_id)
);
CREATE INDEX owed_since ON owed (since);

INSERT INTO owed (hash_id, platform_id, what, since)
SELECT matches.hash_id, matches.platform_id, 'match', min(matches.at)
FROM matches
JOIN hashes ON hashes.id = matches.hash_id AND active
LEFT JOIN feedback ON feedback.hash_id = matches.hash_id
    AND feedback.platform_id = matches.platform_id AND value = 'removed'
WHERE feedback.at IS NULL OR matches.at > feedback.at
GROUP BY matches.hash_id, matches.platform_id;

INSERT INTO owed (hash_id, platform_id, what, since)
SELECT hash_id, platform_id, 'review', since
FROM feedback JOIN hashes ON hashes.id = hash_id AND active
WHERE value = 'pending-review'
ON CONFLICT (hash_id, platform_id) DO NOTHING;

INSERT INTO owed (hash_id, platform_id, what, since)
SELECT changes.hash_id, platform_id, 'withdrawal', min(deliveries.at)
FROM changes
JOIN hashes ON hashes.id = changes.hash_id AND NOT active
JOIN deliveries ON positions @> changes.position AND head >= changes.position
JOIN subscriptions USING (platform_id)
WHERE kind = 'remove' AND changes.position > base
    AND changes.position
        = (SELECT max(position) FROM changes AS later WHERE later.hash_id = changes.hash_id)
    AND NOT EXISTS (
        SELECT FROM withdrawals
        WHERE withdrawals.platform_id = deliveries.platform_id
            AND withdrawals.hash_id = changes.hash_id
            AND withdrawals.position = changes.position
    )
GROUP BY platform_id, changes.hash_id;
