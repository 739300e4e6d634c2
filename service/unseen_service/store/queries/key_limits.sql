-- Statements of store/key_limits.py. Each opens with a line "name: what it does"; values are %(parameters)s.

-- list_key_limits: Limits that differ from the service's, and pauses.
SELECT line, requests_per_minute, hashes_per_minute, coarse, paused_at FROM key_limits;

-- line_of_key: The line that a key is of.
SELECT coalesce(first_key, id) AS line FROM keys WHERE id = %(key_id)s;

-- set_key_limits: Change the limits of a line; null leaves one as it is.
INSERT INTO key_limits AS held (line, requests_per_minute, hashes_per_minute, coarse)
VALUES (%(line)s, %(requests)s::integer, %(hashes)s::integer, coalesce(%(coarse)s::boolean, false))
ON CONFLICT (line) DO UPDATE SET
    requests_per_minute = coalesce(excluded.requests_per_minute, held.requests_per_minute),
    hashes_per_minute = coalesce(excluded.hashes_per_minute, held.hashes_per_minute),
    coarse = coalesce(%(coarse)s::boolean, held.coarse);

-- pause_line: Pause a line of keys; says nothing when it is paused already.
INSERT INTO key_limits AS held (line, paused_at) SELECT id, now() FROM keys WHERE id = %(line)s
ON CONFLICT (line) DO UPDATE SET paused_at = now() WHERE held.paused_at IS NULL
RETURNING line;

-- resume_line: End a pause; says nothing when there is none.
UPDATE key_limits SET paused_at = NULL WHERE line = %(line)s AND paused_at IS NOT NULL
RETURNING line;

-- add_usage: Add to what lines have spent, drained until now; a line that is gone is passed over.
INSERT INTO key_usage AS held (line, requests, hashes, requests_capacity, hashes_capacity)
SELECT given.* FROM unnest(%(lines)s::bigint[], %(requests)s::float8[], %(hashes)s::float8[],
    %(requests_capacity)s::integer[], %(hashes_capacity)s::integer[]) AS given (line)
JOIN keys ON keys.id = line ORDER BY 1
ON CONFLICT (line) DO UPDATE SET
    requests = greatest(0, held.requests - held.requests_capacity
        * abs(extract(epoch FROM clock_timestamp() - held.at)) / 60) + excluded.requests,
    hashes = greatest(0, held.hashes - held.hashes_capacity
        * abs(extract(epoch FROM clock_timestamp() - held.at)) / 60) + excluded.hashes,
    requests_capacity = excluded.requests_capacity,
    hashes_capacity = excluded.hashes_capacity,
    at = clock_timestamp();

-- read_usage: What each line has spent, drained until now, where it may matter.
SELECT line,
    greatest(0, requests - requests_capacity
        * abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS requests,
    greatest(0, hashes - hashes_capacity
        * abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS hashes
FROM key_usage;
