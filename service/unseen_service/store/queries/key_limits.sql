-- Statements of store/key_limits.py. Each opens with "name: what it does"; values are
-- %(parameters)s. A key family is named by its first key; the tables call it `line`.

-- list_key_limits: Limits that differ from the service's, and pauses.
SELECT line AS family_id, requests_per_minute, hashes_per_minute, coarse, paused_at FROM key_limits;

-- family_of_key: The family of a key.
SELECT coalesce(first_key, id) AS family_id FROM keys WHERE id = %(key_id)s;

-- set_key_limits: Change the limits of a family; null leaves one unchanged.
INSERT INTO key_limits AS held (line, requests_per_minute, hashes_per_minute, coarse)
VALUES (%(family_id)s, %(requests)s::integer, %(hashes)s::integer, %(coarse)s::boolean)
ON CONFLICT (line) DO UPDATE SET
    requests_per_minute = coalesce(excluded.requests_per_minute, held.requests_per_minute),
    hashes_per_minute = coalesce(excluded.hashes_per_minute, held.hashes_per_minute),
    coarse = coalesce(%(coarse)s::boolean, held.coarse);

-- pause_family: Pause a family; no row if it is paused already.
INSERT INTO key_limits AS held (line, paused_at)
SELECT id, now() FROM keys WHERE id = %(family_id)s
ON CONFLICT (line) DO UPDATE SET paused_at = now() WHERE held.paused_at IS NULL
RETURNING line;

-- resume_family: End a pause; no row if there is none.
UPDATE key_limits SET paused_at = NULL WHERE line = %(family_id)s AND paused_at IS NOT NULL
RETURNING line;

-- add_usage: Add to what families have used, drained until now; an unknown family is skipped.
INSERT INTO key_usage AS held (line, requests, hashes, requests_capacity, hashes_capacity)
SELECT given.* FROM unnest(%(family_ids)s::bigint[], %(requests)s::float8[], %(hashes)s::float8[],
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

-- read_usage: What each family has used, drained until now, as far as it still matters.
SELECT line AS family_id,
    greatest(0, requests - requests_capacity
        * abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS requests,
    greatest(0, hashes - hashes_capacity
        * abs(extract(epoch FROM clock_timestamp() - at)) / 60) AS hashes
FROM key_usage;
