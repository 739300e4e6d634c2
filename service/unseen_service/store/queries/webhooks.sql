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
-- A webhook with very many messages gets no more: any of these has the platform read the feed.
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
                WHEN 'hash.added' THEN active AND published AND standing <> 'quarantined'
                WHEN 'hash.withdrawn' THEN ever_published AND NOT (active AND published)
                ELSE published
            END
    ) AS numbered
    GROUP BY part
) AS parts
WHERE %(event)s = ANY(events) AND NOT EXISTS (
    SELECT FROM webhook_messages WHERE webhook_id = webhooks.id OFFSET %(most)s - 1
);

-- enqueue_test: Insert a message without records for one webhook, unless it has very many; return
-- its public ID.
-- Whoever asks for a test expects it now: a pause ends.
WITH resumed AS (
    UPDATE webhooks SET failures = 0, paused_until = NULL
    WHERE platform_id = %(platform_id)s AND ref = %(ref)s
)
INSERT INTO webhook_messages (webhook_id, event, body)
SELECT id, %(event)s, jsonb_build_object(
    'type', %(event)s::text,
    'timestamp', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'data', jsonb_build_object('records', jsonb_build_array())
)
FROM webhooks WHERE platform_id = %(platform_id)s AND ref = %(ref)s AND NOT EXISTS (
    SELECT FROM webhook_messages WHERE webhook_id = webhooks.id OFFSET %(most)s - 1
)
RETURNING ref;

-- claim_messages: Claim due messages, so that other workers skip them for some seconds.
-- Each webhook and each platform gets a number of messages in flight, whatever waits for others; a
-- webhook that failed last gets one. `webhook_ids` has those in flight at this worker, repeated.
-- No message is ever due in more than 12 hours: such a time was written while the clock was ahead.
WITH load AS (
    SELECT webhook_id, platform_id, count(*) AS in_flight
    FROM unnest(%(webhook_ids)s::bigint[]) AS webhook_id JOIN webhooks ON webhooks.id = webhook_id
    GROUP BY webhook_id, platform_id
), waiting AS (
    SELECT first.id, first.due_at, webhooks.id AS webhook_id, platform_id, failures,
        row_number() OVER (PARTITION BY webhooks.id ORDER BY first.due_at, first.id) AS turn
    FROM webhooks CROSS JOIN LATERAL (
        SELECT id, due_at FROM webhook_messages
        WHERE webhook_id = webhooks.id AND due_at IS NOT NULL
            AND (due_at <= now() OR due_at > now() + interval '12 hours')
        ORDER BY due_at LIMIT %(per_webhook)s
    ) AS first
    WHERE paused_until IS NULL OR paused_until <= now()
        OR paused_until > now() + interval '12 hours'
), allowed AS (
    SELECT waiting.id, platform_id,
        row_number() OVER (PARTITION BY platform_id ORDER BY due_at, waiting.id) AS turn
    FROM waiting LEFT JOIN load USING (webhook_id, platform_id)
    WHERE turn <= CASE WHEN failures = 0 THEN %(per_webhook)s ELSE 1 END - coalesce(in_flight, 0)
), due AS (
    SELECT id FROM webhook_messages
    WHERE id IN (
        SELECT allowed.id FROM allowed
        WHERE turn <= %(per_platform)s - coalesce(
            (SELECT sum(in_flight) FROM load WHERE load.platform_id = allowed.platform_id), 0)
    ) AND (due_at <= now() OR due_at > now() + interval '12 hours')
    FOR UPDATE SKIP LOCKED
)
UPDATE webhook_messages
SET attempts = attempts + 1, due_at = now() + make_interval(secs => %(seconds)s)
FROM due, webhooks
WHERE webhook_messages.id = due.id AND webhooks.id = webhook_id
RETURNING webhook_messages.id, webhook_messages.ref, webhook_id, platform_id, url, secret,
    body::text AS body, attempts;

-- next_due: In how many seconds the next message is due to a platform with nothing in flight.
-- The others are looked at when one of their messages has been answered.
SELECT extract(epoch FROM min(greatest(first.due_at, paused_until)) - clock_timestamp())::float8
    AS seconds,
    count(*) FILTER (WHERE paused_until > now())::integer AS paused
FROM webhooks LEFT JOIN LATERAL (
    SELECT min(due_at) AS due_at FROM webhook_messages
    WHERE webhook_id = webhooks.id AND due_at IS NOT NULL
        AND platform_id NOT IN (
            SELECT platform_id FROM webhooks WHERE id = ANY(%(webhook_ids)s::bigint[]))
) AS first ON true
WHERE first.due_at IS NOT NULL OR paused_until > now();

-- message_delivered: Count a delivered message, and delete it; its webhook works.
WITH struck AS (
    DELETE FROM webhook_messages WHERE id = %(message_id)s RETURNING webhook_id
)
UPDATE webhooks
SET delivered = delivered + 1, delivered_at = now(), failures = 0, paused_until = NULL
FROM struck WHERE webhooks.id = webhook_id;

-- message_failed: Record a failed attempt and when to retry; null: never. Pause a failing webhook.
WITH failed AS (
    UPDATE webhook_messages
    SET failure = %(failure)s, due_at = now() + make_interval(secs => %(seconds)s::integer)
    WHERE id = %(message_id)s
    RETURNING webhook_id
)
UPDATE webhooks
SET failures = failures + 1,
    paused_until = CASE WHEN failures + 1 >= %(allowed)s THEN now() + make_interval(
        secs => least(%(longest)s, %(first)s * power(2, least(failures + 1 - %(allowed)s, 20)))) END
FROM failed WHERE webhooks.id = webhook_id
RETURNING webhooks.ref, failures,
    extract(epoch FROM paused_until - now())::float8 AS pause_s;

-- fail_due_messages: Count a failed attempt for messages of a webhook that are due but not sent.
-- Otherwise they would wait for as long as it is paused, and never fail for good.
UPDATE webhook_messages
SET attempts = attempts + 1, failure = %(failure)s,
    due_at = now() + make_interval(secs => (%(retry_after)s::integer[])[attempts + 1])
WHERE id IN (
    SELECT id FROM webhook_messages
    WHERE webhook_id = %(webhook_id)s AND due_at IS NOT NULL AND due_at <= now()
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
);

-- end_pause: Send to a webhook again at once.
UPDATE webhooks SET failures = 0, paused_until = NULL WHERE id = %(webhook_id)s;

-- list_failed_messages: A webhook's failed messages, oldest first.
SELECT ref, event, created_at, attempts, failure FROM webhook_messages
WHERE webhook_id = %(webhook_id)s AND due_at IS NULL ORDER BY id LIMIT %(limit)s;

-- replay_messages: Make all failed messages of a webhook due again.
UPDATE webhook_messages SET due_at = now(), attempts = 0
WHERE webhook_id = %(webhook_id)s AND due_at IS NULL;
