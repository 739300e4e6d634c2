-- Statements of store/webhooks.py. Each opens with "name: what it does"; values are %(parameters)s.

-- insert_webhook: Insert a platform's webhook; return its public ID.
INSERT INTO webhooks (platform_id, url, secret, events)
VALUES (%(platform_id)s, %(url)s, %(secret)s, %(events)s)
RETURNING ref;

-- list_webhooks: A platform's webhooks, with the numbers of waiting and failed messages.
SELECT webhooks.id, webhooks.ref, url, events, webhooks.created_at, delivered, delivered_at,
    count(*) FILTER (WHERE due_at IS NOT NULL)::integer AS waiting,
    count(*) FILTER (WHERE webhook_messages.id IS NOT NULL AND due_at IS NULL)::integer AS given_up
FROM webhooks LEFT JOIN webhook_messages ON webhook_id = webhooks.id
WHERE platform_id = %(platform_id)s
GROUP BY webhooks.id
ORDER BY webhooks.id;

-- delete_webhook: Delete a platform's webhook and its messages.
DELETE FROM webhooks WHERE platform_id = %(platform_id)s AND ref = %(ref)s RETURNING id;

-- enqueue_changes: Insert messages for the webhooks that subscribe to an event, 1,000 records each.
-- A hash that the event does not fit is left out. One without records has a platform read the feed.
INSERT INTO webhook_messages (webhook_id, event, body)
SELECT webhooks.id, %(event)s, jsonb_build_object(
    'type', %(event)s::text,
    'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'data', jsonb_build_object('records', records)
)
FROM webhooks, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('record', record, 'standing', standing)
        ORDER BY id) FILTER (WHERE id IS NOT NULL), '[]') AS records
    FROM (
        SELECT hashes.id, record, standing, (row_number() OVER (ORDER BY id) - 1) / 1000 AS part
        FROM (SELECT) AS always LEFT JOIN hashes ON hashes.id = ANY(%(hash_ids)s)
            AND CASE %(event)s::text
                WHEN 'hash.added' THEN active AND standing <> 'quarantined'
                WHEN 'hash.withdrawn' THEN NOT active
                ELSE true
            END
    ) AS numbered
    GROUP BY part
) AS parts
WHERE %(event)s = ANY(events);

-- enqueue_test: Insert a message without records for one webhook; return its public ID.
INSERT INTO webhook_messages (webhook_id, event, body)
SELECT id, %(event)s, jsonb_build_object(
    'type', %(event)s::text,
    'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'data', jsonb_build_object('records', jsonb_build_array())
)
FROM webhooks WHERE platform_id = %(platform_id)s AND ref = %(ref)s
RETURNING ref;

-- claim_messages: Claim due messages, so that other workers skip them for some seconds.
-- No message is ever due in more than 12 hours: such a time was written while the clock was ahead.
WITH due AS (
    SELECT id FROM webhook_messages WHERE due_at <= now() OR due_at > now() + interval '12 hours'
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE webhook_messages
SET attempts = attempts + 1, due_at = now() + make_interval(secs => %(seconds)s)
FROM due, webhooks
WHERE webhook_messages.id = due.id AND webhooks.id = webhook_id
RETURNING webhook_messages.id, webhook_messages.ref, url, secret, body::text AS body, attempts;

-- next_due: In how many seconds the next message is due; null: none is waiting.
SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 AS seconds
FROM webhook_messages WHERE due_at IS NOT NULL;

-- message_delivered: Count a delivered message, and delete it.
WITH struck AS (
    DELETE FROM webhook_messages WHERE id = %(message_id)s RETURNING webhook_id
)
UPDATE webhooks SET delivered = delivered + 1, delivered_at = now()
FROM struck WHERE webhooks.id = webhook_id;

-- message_failed: Record a failed attempt and when to retry; null: never.
UPDATE webhook_messages
SET failure = %(failure)s, due_at = now() + make_interval(secs => %(seconds)s::integer)
WHERE id = %(message_id)s;

-- list_failed_messages: A webhook's failed messages, oldest first.
SELECT ref, event, created_at, attempts, failure FROM webhook_messages
WHERE webhook_id = %(webhook_id)s AND due_at IS NULL ORDER BY id LIMIT %(limit)s;

-- replay_messages: Make all failed messages of a webhook due again.
UPDATE webhook_messages SET due_at = now(), attempts = 0
WHERE webhook_id = %(webhook_id)s AND due_at IS NULL;
