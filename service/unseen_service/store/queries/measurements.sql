-- Statements of store/measurements.py. Each opens with "name: what it does"; values are
-- %(parameters)s.

-- read_database_metrics: The latest measurement.
SELECT measured FROM vitals;

-- claim_measuring: Lock the measurement until commit; no row if not due, or if it is locked.
-- A time in the future, from before the clock was set back, counts as due.
SELECT one FROM vitals
WHERE at <= clock_timestamp() - make_interval(secs => %(seconds)s) OR at > clock_timestamp()
FOR UPDATE SKIP LOCKED;

-- measure_database: Sizes and queues; counts use indexes, and stop at 100,000 (overdue: 10,000).
SELECT
    (SELECT position FROM log_head) AS changes,
    (SELECT position FROM audit_head) AS audit_entries,
    pg_database_size(current_database()) AS database_bytes,
    (SELECT count(*) FROM (
        SELECT FROM webhook_messages WHERE due_at IS NOT NULL LIMIT 100000) AS counted
    ) AS webhooks_waiting,
    (SELECT greatest(0, extract(epoch FROM now() - min(created_at)))::float8 FROM (
        SELECT created_at FROM webhook_messages WHERE due_at IS NOT NULL ORDER BY id LIMIT 1
    ) AS oldest) AS webhooks_oldest_s,
    (SELECT count(*) FROM (
        SELECT FROM webhook_messages WHERE due_at IS NULL LIMIT 100000) AS counted
    ) AS webhooks_failed,
    (SELECT count(*) FROM (
        SELECT FROM owed JOIN hashes ON hashes.id = hash_id
            AND CASE what WHEN 'withdrawal' THEN NOT (active AND published) ELSE active END
        WHERE since < now() - %(overdue)s::interval LIMIT 10000) AS counted
    ) AS overdue,
    (SELECT count(*) FROM reviews JOIN hashes ON hashes.id = hash_id
        WHERE decision IS NULL AND active) AS open_reviews,
    (SELECT count(*) FROM key_limits WHERE paused_at IS NOT NULL) AS paused_keys,
    (SELECT count(*) FROM (
        SELECT FROM hashes WHERE gone_at IS NOT NULL AND pdq IS NOT NULL LIMIT 100000) AS counted
    ) AS withdrawn_not_erased;

-- store_database_metrics: Store a measurement.
UPDATE vitals SET at = clock_timestamp(), measured = %(measured)s;
